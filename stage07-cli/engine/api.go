package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cooper/stage01-namespaces"
	"golang.org/x/sys/unix"
)

// Errors by meaning, for errors.Is. The text that the user reads is Docker's.
var (
	ErrNotFound   = errors.New("not found") // no such container, image or volume
	ErrNoImage    = fmt.Errorf("no such image: %w", ErrNotFound)
	ErrConflict   = errors.New("conflict")     // the name is taken, the thing is in use
	ErrNotRunning = errors.New("not running")  // the container must run for this
	ErrInvalid    = errors.New("invalid")      // the request can't be met by any state
	ErrAmbiguous  = errors.New("ambiguous id") // a prefix that several ids share
)

// Engine is Cooper's container engine over one state directory. It holds no
// state in memory: several processes may use the same directory at once.
type Engine struct{ root, run string }

// Open returns the engine over root (durable, /var/lib/cooper) and run
// (volatile, /run/cooper). It makes them, 0700, and refuses a directory that
// isn't ours alone.
func Open(root, run string) (*Engine, error) { return nil, errors.ErrUnsupported }

// Create makes a container and returns its id. Nothing runs yet.
func (e *Engine) Create(ctx context.Context, o CreateOptions) (id string, err error) {
	return "", errors.ErrUnsupported
}

// Start starts a created or exited container. It returns when the container
// runs, or with the step that failed; ExitCode of the error is what the
// command line ends with (125, 126, 127). With o.Attach the session must be
// waited for; without, it is nil.
func (e *Engine) Start(ctx context.Context, name string, o StartOptions) (*Session, error) {
	return nil, errors.ErrUnsupported
}

// Run is Create and Start, overlapped: the shim starts up while the container
// is being made. With o.Attach nil the session is only good for its ID.
func (e *Engine) Run(ctx context.Context, c CreateOptions, o StartOptions) (*Session, error) {
	return nil, errors.ErrUnsupported
}

// Session is a client joined to a running container or to an exec in it.
type Session struct{ ID string }

// Wait copies the streams until the process ends or the client detaches.
// When it returns, every byte of output has been written.
func (s *Session) Wait() (Ending, error) { return Ending{}, errors.ErrUnsupported }

// Signal sends a signal to the process.
func (s *Session) Signal(sig unix.Signal) error { return errors.ErrUnsupported }

// Ending tells how a session ended.
type Ending struct {
	Detached bool // the process goes on
	ExitCode int  // 0 to 255; 128 + signal
}

// ExitCode is the command line's exit code for an error of Run, Start or Exec:
// 127 not found, 126 not executable, else 125; 0 for nil.
func ExitCode(err error) int { return namespaces125(err) }

func namespaces125(error) int { return 125 }

// Attach joins a client to a running container.
func (e *Engine) Attach(ctx context.Context, name string, s Streams) (*Session, error) {
	return nil, errors.ErrUnsupported
}

// Exec runs one more process in a running container. With o.Detach it returns
// a nil session once the process runs.
func (e *Engine) Exec(ctx context.Context, name string, o ExecOptions) (*Session, error) {
	return nil, errors.ErrUnsupported
}

// Stop asks the container to end (its stop signal) and kills it after timeout;
// nil is the container's own. A container that doesn't run is left alone.
func (e *Engine) Stop(ctx context.Context, name string, timeout *time.Duration) error {
	return errors.ErrUnsupported
}

// Kill sends a signal: "KILL", "SIGKILL" or "9".
func (e *Engine) Kill(ctx context.Context, name, signal string) error { return errors.ErrUnsupported }

// Wait waits until the container has ended and returns its exit code; that of
// one that has ended before is returned at once.
func (e *Engine) Wait(ctx context.Context, name string) (exitCode int, err error) {
	return 0, errors.ErrUnsupported
}

// RemoveOptions is what `cooper rm` takes.
type RemoveOptions struct {
	Force   bool // kill it first
	Volumes bool // and its anonymous volumes
}

// Remove removes a container. Killed in the middle, the next call goes on.
func (e *Engine) Remove(ctx context.Context, name string, o RemoveOptions) error {
	return errors.ErrUnsupported
}

// Logs writes what the container has written.
func (e *Engine) Logs(ctx context.Context, name string, o LogsOptions) error {
	return errors.ErrUnsupported
}

// Inspect tells all about one container, in Docker's shape.
func (e *Engine) Inspect(name string) (*Inspection, error) { return nil, errors.ErrUnsupported }

// Summary is one line of `ps`.
type Summary struct {
	ID      string
	Name    string
	Image   string            // as the user wrote it
	ImageID string            // "sha256:…"
	Command string            // the path and its arguments, joined on spaces for reading only
	Created time.Time         //
	State   string            // "created", "running", "paused", "exited", "removing", "corrupt"
	Status  string            // "Up 3 seconds", "Exited (0) 2 minutes ago", "Created"
	Ports   []Port            // published
	Labels  map[string]string //
	Mounts  []string          // volume names and host paths
	Network string            // "bridge", …
	Problem string            // why State is "corrupt"
}

// List returns the running containers, or all, newest first. A record that
// can't be read becomes a Summary with State "corrupt"; it never fails the list.
func (e *Engine) List(all bool) ([]Summary, error) { return nil, errors.ErrUnsupported }

// PublishedPorts returns the ports of one container.
func (e *Engine) PublishedPorts(name string) ([]Port, error) { return nil, errors.ErrUnsupported }

// Commit makes an image of what the container has changed, and returns its id.
func (e *Engine) Commit(ctx context.Context, name string, o CommitOptions) (imageID string, err error) {
	return "", errors.ErrUnsupported
}

// RemoveImage removes a name, or the image with its last name; it refuses while
// a container uses it, unless forced, and reports as Docker does ("Untagged: …",
// "Deleted: …").
func (e *Engine) RemoveImage(ctx context.Context, name string, force bool) (report []string, err error) {
	return nil, errors.ErrUnsupported
}

// Volume is a named directory that outlives containers.
type Volume struct {
	Name       string
	Mountpoint string // the directory on the host
	Created    time.Time
	Labels     map[string]string
	Anonymous  bool
}

// CreateVolume makes a volume, or returns the one there is; "" invents a name.
func (e *Engine) CreateVolume(name string, labels map[string]string) (*Volume, error) {
	return nil, errors.ErrUnsupported
}

// Volumes lists the volumes by name.
func (e *Engine) Volumes() ([]Volume, error) { return nil, errors.ErrUnsupported }

// Volume returns one volume.
func (e *Engine) Volume(name string) (*Volume, error) { return nil, errors.ErrUnsupported }

// RemoveVolume removes a volume that no container uses.
func (e *Engine) RemoveVolume(name string) error { return errors.ErrUnsupported }

// Plan returns the steps that a container of these options would be started
// with, without making anything.
func (e *Engine) Plan(ctx context.Context, o CreateOptions) (outside, inside []namespaces.Step, err error) {
	return nil, nil, errors.ErrUnsupported
}

// Info is what the engine uses of this host.
type Info struct {
	Root, Run                            string
	Containers, Running, Paused, Stopped int
	Images, Volumes                      int
	Kernel, OS, Architecture, Hostname   string
	CPUs                                 int
	Memory                               int64  // bytes
	CgroupVersion                        string // "2", "1" or "1 (hybrid)"
	StorageDriver, LoggingDriver         string // "overlay", "json-file"
}

// Info describes the engine and its host.
func (e *Engine) Info() (*Info, error) { return nil, errors.ErrUnsupported }

// Finding is one line of `doctor`.
type Finding struct {
	Name    string // "overlay", "leftovers"
	OK      bool
	Message string // what was seen
	Advice  string // what to do; "" when OK
}

// Doctor says what the host lacks and what is left over.
func (e *Engine) Doctor(ctx context.Context) []Finding { return nil }

// Cleanup removes whatever was left behind by something that was killed, and
// says what it removed.
func (e *Engine) Cleanup(ctx context.Context) (removed []string, err error) {
	return nil, errors.ErrUnsupported
}

// Images is the engine's image store; package images works on it.
// func (e *Engine) Images() *images.Store — as soon as the type exists.
