package namespaces

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// joinKeyring gives the container a session keyring of its own, "_ses.ID", in
// place of the one that we inherited from whoever started the engine: there
// may be a Kerberos ticket in it, or the key of a disk. No namespace holds
// keyrings apart. See keyrings(7) and session-keyring(7).
//
// The first process of the container makes it; one that joins with the same ID
// finds it by its name, for which its owner must be allowed to search it.
// Without an ID it is a new one without a name. The kernel frees it with the
// last process, and counts it against its owner until then: a user other than
// root has 200 keys, /proc/sys/kernel/keys/maxkeys.
func joinKeyring(id string) error {
	name := ""
	if id != "" {
		name = "_ses." + id
	}
	ring, err := joinSessionKeyring(name)
	// A kernel without keyrings has none to protect; and where a filter keeps
	// us from them (Docker's, around us) it keeps all our children too.
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return nil
	}
	if errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w (too many keys of this user: see /proc/sys/kernel/keys/maxkeys)", os.NewSyscallError("keyctl JOIN_SESSION_KEYRING", err))
	}
	if err != nil {
		return os.NewSyscallError("keyctl JOIN_SESSION_KEYRING", err)
	}
	return os.NewSyscallError("keyctl SETPERM", unix.KeyctlSetperm(ring, keyringPermissions))
}

// joinSessionKeyring makes a keyring the session's; one without a name is
// always new. x/sys passes a pointer to "" for that, which is a name to the
// kernel, hence the difference.
func joinSessionKeyring(name string) (ring int, err error) {
	if name != "" {
		return unix.KeyctlJoinSessionKeyring(name)
	}
	id, _, errno := unix.Syscall(unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(id), nil
}

// keyringPermissions are those of a fresh session keyring (everything to who
// possesses it; view, read, link to its owner), and search to its owner. See
// keyctl_setperm(3).
const keyringPermissions = 0x3f<<24 | 0x1b<<16
