package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"cooper/stage05-images"
	"cooper/stage05-images/server"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

func registryGroup() *urfave.Command {
	return group("registry", "Be a registry for other machines", registryServe())
}

func registryServe() *urfave.Command {
	return &urfave.Command{
		Name: "serve", Usage: "Serve a directory of images, until SIGTERM or ^C",
		Description: "Another machine then pulls and pushes ADDRESS:PORT/NAME. The directory is an OCI image layout; with --read-only it may\n" +
			"be the engine's own, ROOT/images. It needs root only where the directory does.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "listen", Value: "127.0.0.1:5000", Usage: "Wait for clients at `address:port`"},
			text("dir", "Keep the images in `dir` (default ROOT/registry)"),
			toggle("read-only", "Let nobody push or delete"),
			text("tls-cert", "Speak TLS with the certificate in `file`"),
			text("tls-key", "Its key is in `file`"),
			text("htpasswd", "Let in only the users in `file`, as htpasswd -B writes it"),
			toggle("insecure", "Listen without TLS where others than this machine come by"),
		},
		Action: takes(0, 0, serveRegistry),
	}
}

func serveRegistry(c *urfave.Context) error {
	identity, err := serverIdentity(c.String("tls-cert"), c.String("tls-key"))
	if err != nil {
		return err
	}
	logins, err := readLogins(c.String("htpasswd"))
	if err != nil {
		return err
	}
	listener, err := server.Listen(c.String("listen"), identity != nil || c.Bool("insecure"))
	if errors.Is(err, server.ErrExposed) {
		return &usageError{"", err.Error() + ": give --tls-cert and --tls-key, or --insecure where you trust everybody"}
	}
	if err != nil {
		return err
	}
	registry, err := openRegistry(c)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	h := &server.Handler{
		Registry: registry, Logins: logins, Names: ownNames(),
		Fault: func(err error) { report(c.App.ErrWriter, err) },
	}
	fmt.Fprintf(c.App.Writer, "Serving %s at %s://%s: %s\n", clean(registry.Dir()), scheme(identity), listener.Addr(), whoMay(h))
	ctx, stop := signal.NotifyContext(c.Context, unix.SIGINT, unix.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second ^C ends it at once
	return h.Serve(ctx, listener, identity)
}

// openRegistry opens the directory. Nobody may push into the engine's own
// store: what its containers stand on is no business of other machines.
func openRegistry(c *urfave.Context) (*images.Registry, error) {
	dir := c.String("dir")
	if dir == "" {
		if os.Geteuid() != 0 {
			return nil, fmt.Errorf("%w, or give a directory of yours as --dir", errNotRoot)
		}
		dir = filepath.Join(c.String("root"), "registry")
	}
	if !c.Bool("read-only") && sameDirectory(dir, filepath.Join(c.String("root"), "images")) {
		return nil, &usageError{"", "--dir " + clean(dir) + ": these are the engine's own images: add --read-only"}
	}
	return images.OpenRegistry(dir, c.Bool("read-only"))
}

func sameDirectory(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
}

// serverIdentity reads certificate and key; without both it is nil, and plain HTTP.
func serverIdentity(cert, key string) (*tls.Config, error) {
	if cert == "" && key == "" {
		return nil, nil
	}
	if cert == "" || key == "" {
		return nil, &usageError{"", "--tls-cert and --tls-key go together"}
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

func readLogins(path string) (*server.Logins, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read logins: %w", err)
	}
	defer file.Close()
	return server.ReadLogins(file)
}

func ownNames() []string {
	name, err := os.Hostname()
	if err != nil {
		return nil
	}
	return []string{strings.ToLower(name)}
}

func scheme(identity *tls.Config) string {
	if identity == nil {
		return "http"
	}
	return "https"
}

// whoMay says in words what the flags add up to.
func whoMay(h *server.Handler) string {
	who, what := "whoever reaches it may", "pull and push"
	if h.Logins != nil {
		who = "whoever logs in may"
	}
	if h.Registry.ReadOnly() {
		what = "pull"
	}
	return who + " " + what
}
