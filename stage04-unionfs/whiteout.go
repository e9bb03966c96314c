package unionfs

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// A layer can take away what the layers below it hold. The archive and the
// directory say so differently:
//
//	                     in a layer's tar           in overlayfs's directory
//	the name x is gone   an empty file .wh.x        x, a character device 0/0
//	only what is in      an empty file              an attribute of the directory,
//	this layer's d/      d/.wh..wh..opq             trusted.overlay.opaque=y
//	counts
//
// The names on the left come from AUFS, Docker's first union filesystem, and
// so do other names with .wh..wh. in front, which mean nothing any more.
// Both apply to the layers below only, never to entries of the same layer,
// wherever in the archive they stand.
const (
	whiteoutPrefix = ".wh."
	aufsPrefix     = ".wh..wh."
	opaqueMarker   = ".wh..wh..opq"
)

// ErrBadName is the cause when a layer holds a name that no layer may hold.
var ErrBadName = errors.New("not a name for a layer's entry")

// locate returns where an entry of that name lies, as a path from the layer's
// root without a leading slash; "" is the root itself. Names are taken as
// chroot would take them, except that a name may not lead above the root:
// other engines clamp it there, and we would rather say that the layer is bad.
func locate(name string) (string, error) {
	clean := path.Clean(strings.TrimLeft(name, "/"))
	switch {
	case clean == ".":
		return "", nil
	case clean == "..", strings.HasPrefix(clean, "../"):
		return "", fmt.Errorf("%w: it leads out of the layer", ErrBadName)
	case strings.ContainsRune(clean, 0):
		return "", fmt.Errorf("%w: it holds a NUL byte", ErrBadName)
	}
	return clean, nil
}

// A meaning is what a name in a layer's tar says.
type meaning int

const (
	ordinary meaning = iota // the entry itself
	whiteout                // the rest of the name is gone
	opaque                  // the directory around it hides what is below
	leftover                // AUFS's own bookkeeping: skip it
)

// read takes the meaning out of an entry's path. For a whiteout, at is what it
// hides; for an opaque marker, the directory.
func read(location string) (what meaning, at string, err error) {
	if !strings.Contains(location, whiteoutPrefix) {
		return ordinary, location, nil
	}
	dir, base := split(location)
	for parent := range strings.SplitSeq(dir, "/") {
		if strings.HasPrefix(parent, aufsPrefix) {
			return leftover, "", nil
		}
		if strings.HasPrefix(parent, whiteoutPrefix) {
			return 0, "", fmt.Errorf("%w: it lies in a whiteout", ErrBadName)
		}
	}
	switch {
	case base == opaqueMarker:
		return opaque, dir, nil
	case strings.HasPrefix(base, aufsPrefix):
		return leftover, "", nil
	case strings.HasPrefix(base, whiteoutPrefix):
		return hiding(dir, strings.TrimPrefix(base, whiteoutPrefix))
	}
	return ordinary, location, nil
}

func hiding(dir, base string) (meaning, string, error) {
	if base == "" || base == "." || base == ".." {
		return 0, "", fmt.Errorf("%w: a whiteout of %q", ErrBadName, base)
	}
	return whiteout, path.Join(dir, base), nil
}

// split cuts a path into the directory and the name in it; both have no slash
// at their ends.
func split(location string) (dir, base string) {
	cut := strings.LastIndexByte(location, '/')
	if cut < 0 {
		return "", location
	}
	return location[:cut], location[cut+1:]
}

// isWhiteout reports whether a directory entry is overlayfs's mark for a
// removed name.
func isWhiteout(stat *unix.Stat_t) bool {
	return stat.Mode&unix.S_IFMT == unix.S_IFCHR && stat.Rdev == 0
}
