package rootfs

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A race is won by whoever swaps two names in the right moment. These tests
// don't try their luck: they are in the process that is attacked, and swap
// just then.

func swap(t *testing.T, a, b string) {
	t.Helper()
	require.NoError(t, unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE))
}

// S29: between opening the directory and making the mount point in it.
func TestASwapInTheMiddleOfAWalkLeadsNowhereElse(t *testing.T) {
	for _, path := range []string{"one", "one/two/three"} {
		root, dir, outside := hostileRoot(t)
		require.NoError(t, os.MkdirAll(dir+"/mnt/d", 0o755))
		require.NoError(t, os.Symlink(outside, dir+"/mnt/link"))
		swapAndMake := func(parent *os.File, name string) error {
			swap(t, dir+"/mnt/d", dir+"/mnt/link")
			return mkdirat(parent, name)
		}
		file, err := makeInRoot(root, "/mnt/d/"+path, swapAndMake, maxLinks)
		require.NoError(t, err)
		defer file.Close()
		requireSame(t, dir+"/mnt/link/"+path, file) // the directory that was d when we went in
		requireEmpty(t, outside)
	}
}

// S29 and S09: between finding a file and mounting it, or on it.
func TestASwapBetweenFindingAndMountingChangesNothing(t *testing.T) {
	notrace.Check(t)
	dir, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.MkdirAll(dir+"/dev", 0o755))
	require.NoError(t, os.WriteFile(dir+"/secret", []byte("data"), 0o644))
	require.NoError(t, os.Mkdir(dir+"/place", 0o755))
	require.NoError(t, os.Symlink(outside, dir+"/link"))
	require.NoError(t, unix.Mknod(dir+"/dev/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	require.NoError(t, os.Symlink("/sys", dir+"/dev/other"))
	err := inOwnMounts(func() error {
		tree := &tree{spec: &Spec{}}
		if err := tree.bindRoot(dir); err != nil {
			return err
		}
		defer tree.root.Close()
		null, err := tree.openNull()
		if err != nil {
			return err
		}
		defer null.Close()
		swap(t, dir+"/dev/null", dir+"/dev/other")
		secret, err := openInRoot(tree.root, "/secret", unix.O_PATH)
		if err != nil {
			return err
		}
		defer secret.Close()
		swap(t, dir+"/secret", dir+"/dev/other")
		if err := cover(null, secret); err != nil {
			return err
		}
		covered, err := openInRoot(tree.root, "/dev/other", unix.O_PATH) // secret's new name
		if err != nil {
			return err
		}
		defer covered.Close()
		if err := standardDevices[0].check(covered); err != nil {
			return err
		}

		target, err := tree.target(Mount{Type: "tmpfs", Destination: "/place"}, true)
		if err != nil {
			return err
		}
		defer target.Close()
		swap(t, dir+"/place", dir+"/link")
		mount, err := newFilesystem("tmpfs", "tmpfs", mountOptions{})
		if err != nil {
			return err
		}
		defer mount.Close()
		if err := moveMount(mount, target); err != nil {
			return err
		}
		mounts, err := os.ReadFile("/proc/thread-self/mountinfo")
		require.Contains(t, string(mounts), " "+dir+"/link ")
		require.NotContains(t, string(mounts), outside)
		return err
	})
	require.NoError(t, err)
}

// inOwnMounts calls do on a thread with a mount namespace of its own, which
// ends with it.
func inOwnMounts(do func() error) error {
	result := make(chan error, 1)
	var enter func()
	enter = func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() { // the first thread never ends
			ended := make(chan struct{})
			go func() { enter(); close(ended) }()
			<-ended
			runtime.UnlockOSThread()
			return
		}
		err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, "")
		}
		if err == nil {
			err = do()
		}
		result <- err
	}
	go enter()
	return <-result
}

// S36: what the host can see of the container from outside: its root, its
// working directory, its mounts and its files are the container's.
func TestNothingOfTheHostsTreeIsReachable(t *testing.T) {
	notrace.Check(t)
	// The shell speaks when its pipes are closed again, so that only its own files are open.
	s := shell(t, `roots=$(for p in /proc/[0-9]*; do ls -di $p/root/. $p/cwd/. | cut -d/ -f1; done | tr -d ' ' | sort -u | wc -l)
		seen=$(ls -d /proc/1/root/proc/1/root/../../..//secret /proc/1/cwd/../../secret)
		echo $roots $seen; read wait; true`)
	require.NoError(t, os.WriteFile(s.Rootfs+"/secret", nil, 0o644))
	var root, cwd unix.Stat_t
	require.NoError(t, unix.Stat(s.Rootfs, &root))
	host := readFile(t, "/proc/self/mountinfo")
	output := duringPid(t, s, func(pid string) {
		for _, name := range []string{"root", "cwd"} {
			require.NoError(t, unix.Stat("/proc/"+pid+"/"+name, &cwd))
			require.Equal(t, root.Ino, cwd.Ino, name)
		}
		for line := range strings.Lines(readFile(t, "/proc/"+pid+"/mountinfo")) {
			fields := strings.Fields(line)
			require.NotContains(t, host, "\n"+fields[0]+" ", "a mount of the host: %s", line)
			if fields[4] == "/" {
				require.True(t, strings.HasSuffix(s.Rootfs, fields[3]), "the root is %s, not %s", fields[3], s.Rootfs)
			}
		}
		files, err := filepath.Glob("/proc/" + pid + "/fd/*")
		require.NoError(t, err)
		require.Len(t, files, 3)
		for _, file := range files {
			target, err := os.Readlink(file)
			require.NoError(t, err)
			require.Regexp(t, `^(pipe:\[\d+\]|/dev/null)$`, target)
		}
	})
	require.Equal(t, "1 /proc/1/cwd/../../secret /proc/1/root/proc/1/root/../../..//secret\n", output)
}

// S22: a cgroup of version 1 has a program run on the host when it empties.
func TestAContainerCanNotSetTheReleaseAgent(t *testing.T) {
	notrace.Check(t)
	s := shell(t, `for f in $(find /sys/fs/cgroup -name release_agent -o -name notify_on_release -o -name cgroup.procs); do
			{ echo /x > $f; } 2>/dev/null && echo written: $f; done
		mkdir /m; for type in "cgroup -o memory" cgroup2 tmpfs; do mount -t $type m /m 2>/dev/null && echo mounted: $type; done
		mkdir /sys/fs/cgroup/x /sys/fs/cgroup/memory/x 2>/dev/null && echo made
		mount -o remount,rw /sys/fs/cgroup 2>/dev/null && echo remounted
		grep -c ' /sys/fs/cgroup.* rw[, ]' /proc/self/mounts; true`)
	require.Equal(t, "0", says(t, s))
}
