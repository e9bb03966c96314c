package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Durability says what a written file survives.
type Durability bool

const (
	Volatile Durability = false // a kill -9: for what a power cut makes meaningless anyway
	Durable  Durability = true  // a power cut
)

// maxRecord bounds what is read of a state file; ours are some kilobytes.
const maxRecord = 4 << 20

// tmpPrefix marks a file that was never finished.
const tmpPrefix = ".tmp-"

// Write replaces a file in one act: whoever reads sees the old text or the new.
//
// The data is forced to disk before the rename, or else the name could survive
// a power cut and the data not; the directory after it, or else the rename
// could be lost. An fsync that fails is an error and isn't tried again: the
// kernel has dropped the page by then (see fsync(2)).
func Write(dir, name string, data []byte, d Durability) (err error) {
	// O_EXCL by CreateTemp: nothing that lies there already is opened or followed.
	tmp, err := os.CreateTemp(dir, tmpPrefix+name+"-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	if _, err = tmp.Write(data); err == nil && d == Durable {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	if d == Durable {
		return SyncDir(dir)
	}
	return nil
}

// WriteJSON writes a record as indented JSON: `cat` and `jq` are the debugger.
func WriteJSON(dir, name string, record any, d Durability) error {
	data, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return Write(dir, name, append(data, '\n'), d)
}

// SyncDir forces a directory's names to disk.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ErrCorrupt marks a record that is there and can't be understood.
var ErrCorrupt = errors.New("corrupt")

// ReadJSON reads a record. A missing one is fs.ErrNotExist; anything wrong with
// its text is ErrCorrupt, so that the caller can tell a broken container from
// a broken disk.
func ReadJSON(dir, name string, record any) error {
	// No symlink and no FIFO: a state file is a plain file of ours, or corrupt.
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) {
		return fmt.Errorf("read %s: not a plain file: %w", name, ErrCorrupt)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > maxRecord {
		return fmt.Errorf("read %s: not a plain file of at most %d bytes: %w", name, maxRecord, ErrCorrupt)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxRecord))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, record); err != nil {
		return fmt.Errorf("read %s: %w: %w", name, ErrCorrupt, err)
	}
	return nil
}

// SweepTmp removes the files that a killed Write left in dir. The caller holds
// the container's lock.
func SweepTmp(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), tmpPrefix) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, entry.Name())))
		}
	}
	return err
}
