package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"cooper/stage05-images/flock"

	"golang.org/x/sys/unix"
)

// loginFile is Docker's config.json. Much in it is none of our business, and
// is kept as it stands.
type loginFile struct {
	Auths       map[string]storedAuth `json:"auths"`
	CredsStore  helper                `json:"credsStore"`
	CredHelpers map[string]helper     `json:"credHelpers"`

	path    string
	all     map[string]json.RawMessage // the whole file
	changed bool
}

func openLogins() (*loginFile, error) {
	path, err := loginPath()
	if err != nil {
		return &loginFile{}, nil // nobody's home: no logins
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = []byte("{}"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read stored logins: %w", err)
	}
	file, err := parseLogins(data)
	if err != nil {
		return nil, err
	}
	file.path = path
	return file, nil
}

// loginPath follows links to the file itself: some keep theirs elsewhere, and
// what is written must not replace the link.
func loginPath() (string, error) {
	dir := os.Getenv("DOCKER_CONFIG")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(home, ".docker")
	}
	path := filepath.Join(dir, "config.json")
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target, nil
	}
	return path, nil
}

// parseLogins never quotes the file in an error.
func parseLogins(data []byte) (*loginFile, error) {
	var file loginFile
	if json.Unmarshal(data, &file) != nil || json.Unmarshal(data, &file.all) != nil {
		return nil, errNotJSON
	}
	if file.all == nil {
		file.all = map[string]json.RawMessage{} // "null" is JSON too
	}
	return &file, nil
}

// helper returns the program that keeps the login of a host, "" for none.
func (f *loginFile) helper(host string) helper {
	if own := f.CredHelpers[loginKey(host)]; own != "" {
		return own
	}
	return f.CredsStore
}

// changeLogins changes the file, or makes it. Two logins at once take turns:
// what is locked is the directory, which leaves nothing behind.
func changeLogins(change func(*loginFile) error) error {
	path, err := loginPath()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := flock.Lock(dir); err != nil {
		return err
	}
	file, err := openLogins()
	if err != nil {
		return err
	}
	if err := change(file); err != nil || !file.changed {
		return err
	}
	return file.write()
}

// set puts an entry in the place of the one under its key; what a program
// newer than this one has stored with it goes, as it belonged to the old login.
func (f *loginFile) set(key string, auth storedAuth) error {
	entries, err := f.entries()
	if err != nil {
		return err
	}
	if entries[key], err = json.Marshal(auth); err != nil {
		return err
	}
	return f.setEntries(entries)
}

// remove removes the entries of a host, under its old names too.
func (f *loginFile) remove(host string) error {
	entries, err := f.entries()
	if err != nil {
		return err
	}
	before := len(entries)
	maps.DeleteFunc(entries, func(key string, _ json.RawMessage) bool {
		return key == loginKey(host) || sameRegistry(key, host)
	})
	if len(entries) == before {
		return nil
	}
	return f.setEntries(entries)
}

func (f *loginFile) entries() (map[string]json.RawMessage, error) {
	entries := map[string]json.RawMessage{}
	if f.all["auths"] == nil {
		return entries, nil
	}
	if json.Unmarshal(f.all["auths"], &entries) != nil || entries == nil {
		return nil, errNotJSON
	}
	return entries, nil
}

func (f *loginFile) setEntries(entries map[string]json.RawMessage) (err error) {
	f.changed = true
	f.all["auths"], err = json.Marshal(entries)
	return err
}

// write replaces the file in one step, for its owner's eyes alone. Who runs
// this with sudo stays the owner of what is theirs.
func (f *loginFile) write() error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // others' values stay as they were written
	encoder.SetIndent("", "\t")  // as Docker writes it
	if err := encoder.Encode(f.all); err != nil {
		return err
	}
	temp := f.path + ".new"
	_ = os.Remove(temp) // of one that was killed, before the rename below
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	defer file.Close()
	if _, err := file.Write(text.Bytes()); err != nil {
		return err
	}
	var old unix.Stat_t
	if unix.Stat(f.path, &old) == nil {
		if err := file.Chown(int(old.Uid), int(old.Gid)); err != nil {
			return err
		}
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return os.Rename(temp, f.path)
}
