package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// Definition is what a network is, as its network.json says.
type Definition struct {
	Name    string    `json:"name"`
	ID      string    `json:"id"` // 64 hex digits
	Created time.Time `json:"created"`
	Driver  Driver    `json:"driver"`

	// Link is the bridge on the host, or for Macvlan and IPvlan the host's link
	// that the containers' links share.
	Link string `json:"link"`

	Subnets  []Subnet          `json:"subnets"` // one of IPv4, then perhaps one of IPv6
	IPv6     bool              `json:"ipv6,omitempty"`
	Internal bool              `json:"internal,omitempty"` // no way out, and none in
	Labels   map[string]string `json:"labels,omitempty"`
	Options  Options           `json:"options,omitempty"`
}

// Driver is how the containers of a network are joined.
type Driver string

const (
	Bridge  Driver = "bridge"  // by a switch in the kernel, behind the host
	Macvlan Driver = "macvlan" // on the host's own wire, each with a hardware address
	IPvlan  Driver = "ipvlan"  // the same, all with the host's hardware address
)

// Subnet is the range of addresses that a network has of one family.
type Subnet struct {
	Prefix  netip.Prefix `json:"prefix"`
	Range   netip.Prefix `json:"range,omitzero"` // what containers get addresses of, if not all
	Gateway netip.Addr   `json:"gateway"`

	// Reserved addresses are somebody else's, by what they are called.
	Reserved map[string]netip.Addr `json:"reserved,omitempty"`
}

// DefaultNetwork is the network of a container that asks for none. It is made
// when it is first used. Containers on it don't know each other's names.
const DefaultNetwork = "bridge"

// definitionFile is what makes a directory a network.
const definitionFile = "network.json"

// read returns the definition in a network's directory; fs.ErrNotExist if there
// is no such network.
func read(dir string) (*Definition, error) {
	path := filepath.Join(dir, definitionFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d := new(Definition)
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("read %s: %w: remove the network", path, err)
	}
	if len(d.Subnets) == 0 || d.Name != filepath.Base(dir) {
		return nil, fmt.Errorf("read %s: it defines no network %s: remove the network", path, filepath.Base(dir))
	}
	return d, nil
}

// write puts the definition into the directory, whole or not at all, also after
// a power cut.
func (d *Definition) write(dir string) error {
	text, err := json.MarshalIndent(d, "", "\t")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, definitionFile)
	file, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the names in a directory survive a power cut; see fsync(2).
func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// isNetworkName is Docker's grammar for names, and short enough for a file.
func isNetworkName(name string) bool {
	if name == "" || len(name) > 128 || !isAlphanumeric(rune(name[0])) {
		return false
	}
	for _, r := range name {
		if !isAlphanumeric(r) && r != '_' && r != '.' && r != '-' {
			return false
		}
	}
	return true
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
