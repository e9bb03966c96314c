package engine

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"cooper/stage01-namespaces"
	"cooper/stage03-rootfs"
	"cooper/stage06-network"
	"cooper/stage07-cli/archive"
)

// StatPath describes a file in a container, which needn't run.
func (e *Engine) StatPath(ctx context.Context, name string, s archive.Source) (*archive.Stat, error) {
	stat := new(archive.Stat)
	err := e.archive(ctx, name, s.Path, archive.StatArgs(s), nil, func(from io.Reader) error {
		return json.NewDecoder(from).Decode(stat)
	})
	return stat, err
}

// ReadArchive has use read a file or a directory of a container, as a tar whose
// first entry is called as it's told. What is in the tar is the container's
// word.
func (e *Engine) ReadArchive(ctx context.Context, name string, s archive.Source, as string, use func(io.Reader) error) error {
	return e.archive(ctx, name, s.Path, archive.PackArgs(s, as), nil, use)
}

// WriteArchive unpacks a tar into a directory of a container, see
// archive.Unpack.
func (e *Engine) WriteArchive(ctx context.Context, name, dir string, from io.Reader) error {
	return e.archive(ctx, name, dir, archive.UnpackArgs(dir), from, nil)
}

// archive runs a process of package archive in a container. If that doesn't run,
// its root is put together for this process alone, and nobody can start it
// meanwhile.
func (e *Engine) archive(ctx context.Context, name, path string, args []string, in io.Reader, out func(io.Reader) error) error {
	c, lock, err := e.claimWhole(name)
	if err != nil {
		return err
	}
	defer lock.Close()
	s, err := archiveSpec(c)
	if err != nil {
		return err
	}
	s.Args = args
	a := &archiver{spec: s, in: in, out: out}
	if c.running() {
		a.target = c.seen.Status.Init
		lock.Close() // who stops the container ends the process in it
	}
	err = a.run(ctx)
	if errors.Is(err, ErrNoPath) {
		return tell(ErrNoPath, "Could not find the file %s in container %s", quotedPath(path), name)
	}
	return err
}

// archiveSpec confines the process: it may do with files what it must, and
// nothing else that the container may. It isn't in the container's cgroup, in
// which there may be no room for it.
func archiveSpec(c *container) (*network.Spec, error) {
	s, err := c.spec()
	if err != nil {
		return nil, err
	}
	safe := rootfs.Defaults()
	s.Ourselves, s.Init, s.Terminal = true, false, false
	s.Env = []string{"GOMAXPROCS=1"}
	s.User, s.AdditionalGroups, s.Cwd = "0:0", nil, ""
	s.Capabilities = []string{"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD", "CAP_SETFCAP"}
	s.AmbientCapabilities, s.NoNewPrivileges, s.SeccompFilter, s.Privileged = nil, true, safe.SeccompFilter, false
	s.Rlimits, s.OOMScoreAdj = nil, nil
	if c.running() {
		s.Target = c.seen.Status.Init.Pid
		return s, nil
	}
	// Only its files are mounted: what the kernel would show belongs to one that
	// runs, and so do the names of a network (they are written at each start). A
	// tmpfs would be empty, and gone with what is copied into it.
	names := s.Network.FilesDir
	s.Mounts = slices.DeleteFunc(s.Mounts, func(m rootfs.Mount) bool {
		return m.Type != "bind" || m.Namespace != "" || names != "" && strings.HasPrefix(m.Source, names+"/")
	})
	s.Devices, s.MaskedPaths, s.ReadonlyPaths, s.Sysctl = nil, nil, nil, nil
	s.ApparmorProfile, s.SelinuxLabel = "", "" // both are set through /proc
	s.Namespaces = namespaces.New(namespaces.Mount, namespaces.PID, namespaces.IPC, namespaces.UTS)
	return s, nil
}
