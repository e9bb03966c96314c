package unionfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// Merge mounts layers, topmost first, to be read as one tree. Without an upper
// directory nobody can write there. The mount is a detached one: it has no place
// in any mount table, and is gone with the descriptor, after a kill -9 as well.
// A kernel before 6.7 answers EINVAL; MergeAt is for that.
func Merge(lower []string) (*os.File, error) {
	stack, err := openLower(lower)
	if err != nil {
		return nil, err
	}
	defer stack.close()
	// Overlayfs wants two. One is what it would show, but for whiteouts, which have
	// nothing to hide here and are seen as the devices that they are.
	if len(stack.lower) == 1 {
		return os.Open(lower[0])
	}
	union, err := stack.assemble()
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(union), "merged layers"), nil
}

// MergeAt mounts them over a directory, as older kernels can, too. The caller
// has gone to a mount namespace of its own for it.
func MergeAt(lower []string, target string) error {
	stack, err := openLower(lower)
	if err != nil {
		return err
	}
	defer stack.close()
	return stack.mountClassic(target, unix.EINVAL)
}

func openLower(lower []string) (*stack, error) {
	st := &stack{upper: -1, work: -1}
	var err error
	if st.lower, err = openLayers(lower); err == nil {
		st.lower, err = st.lower.visible()
	}
	if err != nil {
		st.close()
		return nil, err
	}
	return st, nil
}
