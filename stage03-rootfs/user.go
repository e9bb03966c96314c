package rootfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// identity is who the command runs as.
type identity struct {
	uid, gid int
	groups   []int // supplementary, the primary one among them
	home     string
}

// lookUp finds out who a user is, by the rules of Docker's USER and --user:
//
//	""          uid 0
//	name        its uid, its gid and its groups, from the two files
//	uid         the same if the files know it, else gid 0 and no groups
//	…:group     this group in place of all the others
//	…:gid       the same; the files needn't know it
//
// What is a number is never taken for a name: a user called 1000 who is uid 0
// (CVE-2016-3697) doesn't get to be 1000. extra are --group-add.
func lookUp(user string, extra []string, passwd, group io.Reader) (identity, error) {
	if err := validateUser(user); err != nil {
		return identity{}, err
	}
	name, groupName, hasGroup := strings.Cut(user, ":")
	entry, err := lookUpUser(name, passwd)
	if err != nil {
		return identity{}, err
	}
	groups, err := parseGroups(group)
	if err != nil {
		return identity{}, fmt.Errorf("parse /etc/group: %w", err)
	}
	who := identity{uid: entry.uid, gid: entry.gid, home: entry.home}
	if who.home == "" {
		who.home = "/"
	}
	if hasGroup {
		if who.gid, err = lookUpGroup(groupName, groups); err != nil {
			return identity{}, err
		}
	}
	who.groups = []int{who.gid} // so that a file that denies this group denies it to us, whatever newgrp does (CVE-2022-36109)
	for _, g := range groups {
		if !hasGroup && entry.name != "" && g.has(entry.name) {
			who.groups = append(who.groups, g.gid)
		}
	}
	for _, name := range extra {
		gid, err := lookUpGroup(name, groups)
		if err != nil {
			return identity{}, err
		}
		who.groups = append(who.groups, gid)
	}
	slices.Sort(who.groups)
	who.groups = slices.Compact(who.groups)
	return who, nil
}

func lookUpUser(name string, passwd io.Reader) (passwdEntry, error) {
	if name == "" {
		name = "0"
	}
	if isNumber(name) {
		uid, err := parseID(name)
		if err != nil {
			return passwdEntry{}, err
		}
		entry, found, err := findUser(passwd, func(e passwdEntry) bool { return e.uid == uid })
		if err != nil || found {
			return entry, err
		}
		return passwdEntry{uid: uid}, nil
	}
	entry, found, err := findUser(passwd, func(e passwdEntry) bool { return e.name == name })
	if err == nil && !found {
		err = fmt.Errorf("unable to find user %s: no matching entries in passwd file", name)
	}
	return entry, err
}

func lookUpGroup(name string, groups []groupEntry) (gid int, err error) {
	if isNumber(name) {
		return parseID(name)
	}
	for _, g := range groups {
		if g.name == name {
			return g.gid, nil
		}
	}
	return -1, fmt.Errorf("unable to find group %s: no matching entries in group file", name)
}

// validateUser refuses what can't be a user without looking into any file.
func validateUser(user string) error {
	name, group, hasGroup := strings.Cut(user, ":")
	switch {
	case user == "":
		return nil
	case name == "" || hasGroup && group == "" || strings.Contains(group, ":") || strings.ContainsAny(user, " \t\n\x00/"):
		return fmt.Errorf("bad user %q: give name, uid, name:group or uid:gid", user)
	}
	for _, part := range []string{name, group} {
		if isNumber(part) {
			if _, err := parseID(part); err != nil {
				return fmt.Errorf("bad user %q: %w", user, err)
			}
		}
	}
	return nil
}

// becomeUser looks the user up in the container's own files and becomes them.
//
// Groups first, then gid, then uid: each needs a capability that is gone once
// the uid isn't 0 any more. setgroups always, or root's groups come along.
func becomeUser(s *Spec) error {
	root, err := openAbsolute("/", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer root.Close()
	who, err := lookUpIn(root, s.User, s.AdditionalGroups)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(s.Env, func(pair string) bool { return strings.HasPrefix(pair, "HOME=") }) {
		s.Env = append(s.Env, "HOME="+who.home)
	}
	if err := handOverStdio(who, s.Terminal); err != nil {
		return err
	}
	if len(s.AmbientCapabilities) > 0 || lentTo(s) != 0 { // rootfs/capset then takes the others away
		if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
			return os.NewSyscallError("prctl PR_SET_KEEPCAPS", err)
		}
	}
	if err := setgroups(who.groups); err != nil {
		return err
	}
	if err := unix.Setresgid(who.gid, who.gid, who.gid); err != nil {
		return explainID("setresgid", who.gid, err)
	}
	return explainID("setresuid", who.uid, unix.Setresuid(who.uid, who.uid, who.uid))
}

// explainID says what the kernel means by EINVAL for an id: the user namespace
// has no such one.
func explainID(call string, id int, err error) error {
	if errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("%s %d: %w (the container's user namespace has no such id; more than root there is with ids of /etc/subuid and /etc/subgid)", call, id, err)
	}
	return os.NewSyscallError(call, err)
}

func lookUpIn(root *os.File, user string, extra []string) (identity, error) {
	passwd, err := openDatabase(root, "/etc/passwd")
	if err != nil {
		return identity{}, err
	}
	defer passwd.Close()
	group, err := openDatabase(root, "/etc/group")
	if err != nil {
		return identity{}, err
	}
	defer group.Close()
	return lookUp(user, extra, passwd, group)
}

// setgroups sets the supplementary groups. A user namespace that an ordinary
// user made forbids it ("deny" in /proc/PID/setgroups), since dropping a group
// can give access; there the list stays as it is. See user_namespaces(7).
func setgroups(groups []int) error {
	err := unix.Setgroups(groups)
	if errors.Is(err, unix.EPERM) {
		if state, readErr := os.ReadFile("/proc/self/setgroups"); readErr == nil && strings.TrimSpace(string(state)) == "deny" {
			return nil
		}
	}
	return os.NewSyscallError("setgroups", err)
}

// handOverStdio gives the command's user what was made for the command alone:
// the pipes to the engine and the terminal. Without it, /dev/stdout, which
// opens them anew, is refused to anybody but root. Files and terminals of the
// caller keep their owner.
func handOverStdio(who identity, ownTerminal bool) error {
	for fd := range 3 {
		var stat unix.Stat_t
		if err := unix.Fstat(fd, &stat); err != nil {
			return os.NewSyscallError("fstat", err)
		}
		kind := stat.Mode & unix.S_IFMT
		if isTerminal := kind == unix.S_IFCHR && ownTerminal; kind != unix.S_IFIFO && !isTerminal {
			continue
		}
		if int(stat.Uid) == who.uid {
			continue
		}
		err := unix.Fchown(fd, who.uid, int(stat.Gid))
		// EPERM: its owner has no uid in our user namespace. EINVAL: the command's
		// user has none, which setresuid will say.
		if err != nil && err != unix.EPERM && err != unix.EINVAL {
			return os.NewSyscallError("fchown", err)
		}
	}
	return nil
}
