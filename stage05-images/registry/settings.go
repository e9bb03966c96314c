package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What the owner of this machine has decided about registries lies in two
// places, ours and Docker's, so that a machine which has Docker needs nothing
// new. COOPER_CONFIG names another place than the first.
//
//	/etc/cooper/registries.json
//	/etc/cooper/certs.d/HOST/
//	/etc/docker/certs.d/HOST/
//
// The file has two keys, with the names and the meaning that they have in
// Docker's daemon.json:
//
//	{"registry-mirrors":    ["https://mirror.example"],
//	 "insecure-registries": ["registry.lan:5000", "10.0.0.0/8"]}
type settings struct {
	Mirrors  []string `json:"registry-mirrors"`
	Insecure []string `json:"insecure-registries"`
}

func settingsDir() string {
	if dir := os.Getenv("COOPER_CONFIG"); dir != "" {
		return dir
	}
	return "/etc/cooper"
}

func certificateDirs() []string {
	return []string{filepath.Join(settingsDir(), "certs.d"), "/etc/docker/certs.d"}
}

func readSettings() (settings, error) {
	path := filepath.Join(settingsDir(), "registries.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return settings{}, nil
	}
	if err != nil {
		return settings{}, fmt.Errorf("read registry settings: %w", err)
	}
	var s settings
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields() // a misspelt key would silently allow or forbid nothing
	if err := strict.Decode(&s); err != nil {
		return settings{}, fmt.Errorf("read registry settings %s: %w", path, err)
	}
	return s, nil
}

// Known completes options by what this machine knows about a registry: the
// user's login, its certificates, and whether it may be insecure.
func Known(host string, opts Options) (Options, error) {
	set, err := readSettings()
	if err != nil {
		return opts, err
	}
	if opts.Login, err = StoredLogin(host); err != nil {
		return opts, err
	}
	if opts.Trust, err = FindTrust(host, certificateDirs()...); err != nil {
		return opts, err
	}
	opts.Insecure = opts.Insecure || slices.ContainsFunc(set.Insecure, func(entry string) bool { return covers(entry, host) })
	return opts, nil
}

// covers compares a host[:port] with one, or with a network of addresses. A
// name isn't looked up for that: whoever answers for the DNS would decide.
func covers(entry, host string) bool {
	if entry == host {
		return true
	}
	network, err := netip.ParsePrefix(entry)
	if err != nil {
		return false
	}
	own := url.URL{Host: host}
	address, err := netip.ParseAddr(own.Hostname())
	return err == nil && network.Contains(address)
}

// A Mirror has copies of what Docker Hub has.
type Mirror struct {
	Host      string
	PlainHTTP bool
}

// Mirrors lists the mirrors of a registry in the order in which to try them.
// As with Docker, only docker.io has any.
func Mirrors(host string) ([]Mirror, error) {
	if host != "docker.io" {
		return nil, nil
	}
	set, err := readSettings()
	if err != nil {
		return nil, err
	}
	var list []Mirror
	for _, address := range set.Mirrors {
		mirror, err := parseMirror(address)
		if err != nil {
			return nil, fmt.Errorf("read registry settings: %w", err)
		}
		list = append(list, mirror)
	}
	return list, nil
}

func parseMirror(address string) (Mirror, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" ||
		u.Scheme != "https" && u.Scheme != "http" {
		return Mirror{}, fmt.Errorf("registry-mirrors: %q: write https://HOST[:PORT]; a login is stored by 'cooper login HOST[:PORT]'", address)
	}
	return Mirror{u.Host, u.Scheme == "http"}, nil
}
