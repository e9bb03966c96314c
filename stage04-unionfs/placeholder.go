package unionfs

import "slices"

// mountPoints are paths at which something is mounted over the union, such as
// "etc/hosts". Where the image has nothing there, the upper directory has an
// empty file or directory, because a mount needs a place. It's no change that
// the container made: neither Changes nor Diff tells of it.
type mountPoints []string

func (m mountPoints) isPlaceholder(f *found) (bool, error) {
	switch {
	case !slices.Contains(m, f.at):
		return false, nil
	case isDir(&f.stat):
		return isEmpty(f.fd)
	}
	return isRegular(&f.stat) && f.stat.Size == 0, nil
}
