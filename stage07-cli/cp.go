package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"cooper/stage07-cli/archive"
	"cooper/stage07-cli/engine"

	units "github.com/docker/go-units"
	urfave "github.com/urfave/cli/v2"
	"golang.org/x/term"
)

func cpCommand() *urfave.Command {
	return &urfave.Command{
		Name: "cp", Category: others,
		Usage:     "Copy files between a container and this machine; - is a tar on standard input or output",
		ArgsUsage: "CONTAINER:SOURCE DESTINATION|-\n  or cooper cp SOURCE|- CONTAINER:DESTINATION",
		Flags: []urfave.Flag{
			toggle("archive a", "Keep owners, set-user-ID bits and devices on the way out; on the way in they are kept anyway"),
			toggle("follow-link L", "Copy what the source leads to, if it's a link"),
			toggle("quiet q", "Don't say what was copied; the usual way if standard error is no terminal"),
		},
		Action: takes(2, 2, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			from, to := parsePlace(c.Args().Get(0)), parsePlace(c.Args().Get(1))
			cp := &copying{engine: e, follow: c.Bool("follow-link"), archive: c.Bool("archive"), stdin: c.App.Reader, stdout: c.App.Writer}
			switch {
			case from.container != "" && to.container != "":
				return errors.New("copying between containers is not supported")
			case from.container == "" && to.container == "":
				return errors.New("must specify at least one container source")
			case from.container != "":
				err = cp.out(c.Context, from, to.path)
			default:
				err = cp.in(c.Context, from.path, to)
			}
			if err == nil && !c.Bool("quiet") && (c.IsSet("quiet") || term.IsTerminal(2)) {
				fmt.Fprintf(c.App.ErrWriter, "Successfully copied %s to %s\n", units.HumanSizeWithPrecision(float64(cp.bytes), 3), clean(c.Args().Get(1)))
			}
			if cp.leftOut > 0 {
				fmt.Fprintf(c.App.ErrWriter, "device nodes of the container that were left out: %d (-a brings them along)\n", cp.leftOut)
			}
			return err
		}),
	}
}

// place is one end of a copy.
type place struct {
	container string // "" is this machine
	path      string // in a container from its root
}

// parsePlace reads CONTAINER:PATH as Docker does: what begins with / or . is a
// path of this machine, so ./a:b is.
func parsePlace(word string) place {
	container, path, found := strings.Cut(word, ":")
	if !found || filepath.IsAbs(word) || strings.HasPrefix(word, ".") {
		return place{path: word}
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return place{container, path}
}

// copying is one run of the command.
type copying struct {
	engine          *engine.Engine
	follow, archive bool
	stdin           io.Reader
	stdout          io.Writer

	bytes   int64
	leftOut int
}

// in copies into a container.
func (cp *copying) in(ctx context.Context, from string, to place) error {
	path, there, err := destination(to.path, func(s archive.Source) (*archive.Stat, error) {
		return cp.engine.StatPath(ctx, to.container, s)
	})
	if err != nil {
		return err
	}
	if from == "-" {
		if there == nil || !there.Mode.IsDir() {
			return fmt.Errorf("destination %q must be a directory", to.container+":"+to.path)
		}
		return cp.engine.WriteArchive(ctx, to.container, path, cp.counted(cp.stdin))
	}
	source := archive.Source{Path: from, Follow: cp.follow}
	what, err := archive.StatOf(source)
	if err != nil {
		return err
	}
	dir, name, err := settle(from, what, path, there)
	if err != nil {
		return err
	}
	tar, write := io.Pipe()
	defer tar.Close() // ends Pack, should the other end give up
	go func() { write.CloseWithError(archive.Pack(write, source, name)) }()
	return cp.engine.WriteArchive(ctx, to.container, dir, cp.counted(tar))
}

// out copies out of a container.
func (cp *copying) out(ctx context.Context, from place, to string) error {
	what, err := cp.engine.StatPath(ctx, from.container, cp.source(from))
	if err != nil {
		return err
	}
	if to == "-" {
		name := what.Name
		if strings.HasSuffix(from.path, "/.") {
			name = "."
		}
		return cp.engine.ReadArchive(ctx, from.container, cp.source(from), name, func(tar io.Reader) error {
			_, err := io.Copy(cp.stdout, cp.counted(tar))
			return err
		})
	}
	to, there, err := destination(to, archive.StatOf)
	if err != nil {
		return err
	}
	dir, name, err := settle(from.path, what, to, there)
	if err != nil {
		return err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("invalid output path: directory %q does not exist", dir)
	}
	return cp.engine.ReadArchive(ctx, from.container, cp.source(from), name, func(tar io.Reader) (err error) {
		cp.leftOut, err = archive.Unpack(cp.counted(tar), archive.Target{Dir: dir, Foreign: !cp.archive})
		return err
	})
}

func (cp *copying) source(p place) archive.Source {
	return archive.Source{Path: p.path, Follow: cp.follow}
}

// destination describes what is at a path already, nil if there is nothing. A
// link there is followed: what it leads to is the destination.
func destination(to string, stat func(archive.Source) (*archive.Stat, error)) (string, *archive.Stat, error) {
	there, err := stat(archive.Source{Path: to})
	if err == nil && there.Mode&fs.ModeSymlink != 0 {
		target := there.LinkTarget
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(to), target)
		}
		to = target
		there, err = stat(archive.Source{Path: to, Follow: true})
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, engine.ErrNoPath) {
		return to, nil, nil
	}
	return to, there, err
}

// settle decides into which directory the source comes, and under which name,
// by cp's old rules: into a directory that is there, and otherwise by that name.
// A directory whose path ends with "/." is what is in it.
func settle(from string, what *archive.Stat, to string, there *archive.Stat) (dir, name string, err error) {
	switch {
	case there != nil && there.Mode.IsDir() && strings.HasSuffix(from, "/.") && what.Mode.IsDir():
		return to, ".", nil
	case there != nil && there.Mode.IsDir():
		return to, what.Name, nil
	case there != nil && what.Mode.IsDir():
		return "", "", errors.New("cannot copy directory")
	case there != nil && strings.HasSuffix(to, "/"):
		return "", "", errors.New("not a directory")
	case strings.HasSuffix(to, "/") && !what.Mode.IsDir():
		return "", "", errors.New("no such directory")
	}
	to = path.Clean(to)
	return path.Dir(to), path.Base(to), nil
}

// counted counts the bytes that are read.
func (cp *copying) counted(from io.Reader) io.Reader {
	return io.TeeReader(from, (*counter)(&cp.bytes))
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
