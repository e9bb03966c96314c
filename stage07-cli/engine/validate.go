package engine

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
)

// validate refuses options that make no sense whatever the image is. The words
// are Docker's, for those who search for them.
func (o *CreateOptions) validate() error {
	if o.Image == "" {
		return tell(ErrInvalid, "No image given")
	}
	if o.Name != "" && !validName(o.Name) {
		return tell(ErrInvalid, "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, 128 characters at most", quoted(o.Name))
	}
	for _, pair := range o.Env {
		if key, _, ok := strings.Cut(pair, "="); !ok || key == "" || strings.ContainsRune(pair, 0) {
			return tell(ErrInvalid, "invalid environment variable: %s", strconv.Quote(pair))
		}
	}
	if o.StopSignal != "" {
		if _, err := parseSignal(o.StopSignal); err != nil {
			return err
		}
	}
	if o.Log.MaxSize < 0 || o.Log.MaxFiles < 0 {
		return tell(ErrInvalid, "log limits can't be negative")
	}
	if o.ShmSize < 0 {
		return tell(ErrInvalid, "SHM size can not be less than 0")
	}
	if o.Sharing.UTS == "host" && (o.Hostname != "" || o.Domainname != "") {
		return tell(ErrInvalid, "conflicting options: hostname and the UTS mode")
	}
	if err := errors.Join(o.Sharing.validate(), o.validateNetwork()); err != nil {
		return err
	}
	return o.validateMounts()
}

func (o *CreateOptions) validateMounts() error {
	seen := map[string]bool{}
	for _, m := range o.Mounts {
		destination := filepath.Clean(m.Destination)
		switch {
		case !filepath.IsAbs(m.Destination):
			return tell(ErrInvalid, "invalid mount config for type %q: invalid mount path: '%s' mount path must be absolute", m.Type, quotedPath(m.Destination))
		case destination == "/":
			return tell(ErrInvalid, "invalid mount config: destination can't be '/'")
		case seen[destination]:
			return tell(ErrInvalid, "Duplicate mount point: %s", quotedPath(destination))
		case m.Type == "bind" && !filepath.IsAbs(m.Source):
			return tell(ErrInvalid, "invalid mount config for type \"bind\": invalid mount path: '%s' mount path must be absolute", quotedPath(m.Source))
		case m.Type == "volume" && m.Source != "" && !validName(m.Source):
			return tell(ErrInvalid, "%s includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path", quoted(m.Source))
		case m.Type != "bind" && m.Type != "volume" && m.Type != "tmpfs":
			return tell(ErrInvalid, "invalid mount config: unknown type %s: use bind, volume or tmpfs", quoted(m.Type))
		}
		seen[destination] = true
	}
	return nil
}

// quotedPath shows a path that may hold anything.
func quotedPath(path string) string {
	return strings.Trim(strconv.QuoteToGraphic(path), `"`)
}

// quotedImage is the same for the name of an image.
func quotedImage(name string) string { return quotedPath(name) }
