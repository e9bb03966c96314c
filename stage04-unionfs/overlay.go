package unionfs

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// overlayOptions fix what differs between kernels: the defaults are chosen when
// one is built, and by /sys/module/overlay/parameters. With all three off a file
// is wholly in one layer, whatever was renamed or chmoded, and so an upper
// directory is a complete account of what the container changed.
//
//	redirect_dir  on, a moved directory is only a note of where it was; the
//	              price is that rename(2) answers EXDEV, and mv copies it
//	metacopy      on, a chmod copies up all but the content; the price is that
//	              it copies a large file
//	index         on, hard links stay one file when they are copied up; but then
//	              an upper directory works with its first lower ones alone, and
//	              neither it nor they can be copied to another disk
var overlayOptions = [...]option{
	{"redirect_dir", "nofollow"}, // nor do we follow redirections that a layer brings along
	{"metacopy", "off"},
	{"index", "off"},
}

// option is one of overlayfs's; without a value it is there or not.
type option struct{ name, value string }

// mountOverlay mounts the union on s.Rootfs.
//
// Each directory is handed over as /proc/self/fd/N. Paths in overlayfs's
// options are parsed: a colon ends one, a comma ends the option, a backslash
// quotes. A descriptor's name has none of these, whatever the directory is
// called; it is short, where an option may have 255 bytes; and the container
// can't read in its /proc/mounts where on the host its layers are.
func mountOverlay(s *Spec) error {
	stack, err := openStack(s)
	if err != nil {
		return err
	}
	defer stack.close()
	if err := stack.renew(); err != nil {
		return err
	}
	union, err := stack.assemble()
	if errors.Is(err, unix.EINVAL) {
		// A kernel before 6.7 doesn't know lowerdir+, and says so sooner or later.
		return stack.mountClassic(s.Rootfs, err)
	}
	if err != nil {
		return err
	}
	defer unix.Close(union)
	return failed("move_mount", s.Rootfs, unix.MoveMount(union, "", unix.AT_FDCWD, s.Rootfs, unix.MOVE_MOUNT_F_EMPTY_PATH))
}

// A stack holds the directories of a union, open.
type stack struct {
	lower       layers
	upper, work int // -1 without
	volatile    bool
}

func openStack(s *Spec) (*stack, error) {
	stack := &stack{upper: -1, work: -1, volatile: s.Volatile}
	err := stack.open(s)
	if err != nil {
		stack.close()
		return nil, err
	}
	return stack, nil
}

func (st *stack) open(s *Spec) (err error) {
	if err = os.MkdirAll(s.Rootfs, 0o755); err != nil {
		return err
	}
	if st.lower, err = openLayers(s.Lower); err != nil {
		return err
	}
	if st.lower, err = st.lower.visible(); err != nil {
		return err
	}
	if s.Upper == "" {
		return nil
	}
	if err = makeUpper(s.Upper, st.lower[0]); err != nil {
		return err
	}
	if err = os.MkdirAll(s.Work, 0o700); err != nil {
		return err
	}
	if st.upper, err = openRoot(s.Upper); err != nil {
		return err
	}
	st.work, err = openRoot(s.Work)
	return err
}

func (st *stack) close() {
	st.lower.close()
	for _, fd := range []int{st.upper, st.work} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// visible leaves out what lies below an opaque root. The kernel looks for that
// mark on every directory but the roots of the layers, so we look there. See
// ovl_get_root in fs/overlayfs/super.c.
func (l layers) visible() (layers, error) {
	for i, fd := range l {
		opaque, err := isOpaque(fd)
		if err != nil {
			return l, err
		}
		if opaque {
			l[i+1:].close()
			return l[:i+1], nil
		}
	}
	return l, nil
}

// makeUpper makes the upper directory, if it is missing, with the owner and
// mode of the topmost lower one: they are what the container sees of /. The
// rename at the end makes it appear only when it has them.
func makeUpper(dir string, like int) error {
	if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var stat unix.Stat_t
	if err := unix.Fstat(like, &stat); err != nil {
		return failed("fstat", "lower directory", err)
	}
	unfinished := dir + ".new"
	if err := os.MkdirAll(unfinished, 0o700); err != nil {
		return err
	}
	fd, err := openRoot(unfinished)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	looks := metadataOf(&stat)
	err = looks.set(fd)
	if errors.Is(err, unix.EINVAL) { // the owner isn't mapped in this user namespace
		looks.uid, looks.gid = os.Geteuid(), os.Getegid()
		err = looks.set(fd)
	}
	if err != nil {
		return err
	}
	return os.Rename(unfinished, dir)
}

// assemble makes a detached mount of the stack, with one call for each
// directory: the options of mount(2) must fit on a page, these needn't. See
// fsopen(2), fsconfig(2), fsmount(2).
func (st *stack) assemble() (mount int, err error) {
	fs, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if errors.Is(err, unix.ENODEV) {
		return -1, fmt.Errorf("fsopen overlay: the kernel has no overlayfs; try modprobe overlay: %w", err)
	}
	if errors.Is(err, unix.EPERM) {
		return -1, fmt.Errorf("fsopen overlay: without root it takes Linux 5.11: %w", err)
	}
	if err != nil {
		return -1, failed("fsopen", "overlay", err)
	}
	defer unix.Close(fs)
	for _, o := range append([]option{{"source", "overlay"}}, st.options()...) {
		if err := o.set(fs); err != nil {
			return -1, fmt.Errorf("fsconfig overlay %s: %w%s", o.name, err, complaint(fs))
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("fsconfig overlay: create: %w%s", err, complaint(fs))
	}
	mount, err = unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	return mount, failed("fsmount", "overlay", err)
}

func (o option) set(fs int) error {
	if o.value == "" {
		return unix.FsconfigSetFlag(fs, o.name)
	}
	return unix.FsconfigSetString(fs, o.name, o.value)
}

func (st *stack) options() []option {
	options := slices.Clone(overlayOptions[:])
	if marks() == userMarks {
		options = append(options, option{name: "userxattr"})
	}
	for _, fd := range st.lower {
		options = append(options, option{"lowerdir+", nameOf(fd)})
	}
	if st.upper < 0 {
		return options
	}
	if st.volatile {
		options = append(options, option{name: "volatile"})
	}
	return append(options, option{"upperdir", nameOf(st.upper)}, option{"workdir", nameOf(st.work)})
}

// nameOf is a path to an open directory, as long as it is open.
func nameOf(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// complaint reads what the kernel has to say about a configuration, which is
// more than an errno can.
func complaint(fs int) string {
	message := make([]byte, 1024)
	n, err := unix.Read(fs, message)
	if err != nil || n < 3 {
		return ""
	}
	return " (" + strings.TrimSpace(string(message[2:n])) + ")" // after "e ", its severity
}
