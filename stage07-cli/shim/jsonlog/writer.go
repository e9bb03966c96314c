package jsonlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Limits bounds what the log may take on disk.
type Limits struct {
	MaxSize  int64 // bytes a file
	MaxFiles int   // files, the current one included
}

// DefaultLimits is 10 MiB three times. Docker sets none, and a talkative
// container fills the disk.
var DefaultLimits = Limits{MaxSize: 10 << 20, MaxFiles: 3}

// Log is the writing end of a container's log. Its streams may write at once.
type Log struct {
	path   string
	limits Limits

	lock   sync.Mutex
	file   *os.File // opened by the first record: many containers never say a word
	size   int64
	buf    []byte
	failed int64
}

// New returns the log at path.
func New(path string, limits Limits) *Log {
	if limits.MaxSize <= 0 {
		limits.MaxSize = DefaultLimits.MaxSize
	}
	if limits.MaxFiles <= 0 {
		limits.MaxFiles = DefaultLimits.MaxFiles
	}
	return &Log{path: path, limits: limits}
}

// Failed returns how many times output couldn't be written down.
func (l *Log) Failed() int64 {
	if l == nil {
		return 0 // an exec has no log
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.failed
}

// Close closes the file.
func (l *Log) Close() error {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// write adds whole records, in one write(2), so that a reader and a kill -9
// see all of them or none. A log that can't be written must not stop the
// container: it is counted, and the next records are tried again.
func (l *Log) write(stream Stream, lines [][]byte) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.buf = l.buf[:0]
	now := time.Now()
	for _, line := range lines {
		l.buf = appendRecord(l.buf, stream, line, now)
	}
	if err := l.put(l.buf); err != nil {
		l.failed++
	}
}

func (l *Log) put(records []byte) error {
	if l.file != nil && l.size > 0 && l.size+int64(len(records)) > l.limits.MaxSize {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	if l.file == nil {
		if err := l.open(); err != nil {
			return err
		}
	}
	n, err := l.file.Write(records)
	if err != nil && n > 0 {
		// Take back what a full disk took half of, or it would garble the next record.
		err = errors.Join(err, l.file.Truncate(l.size))
		n = 0
	}
	l.size += int64(n)
	return err
}

// open opens the current file. Where a power cut tore its last record, the
// next one begins on a line of its own.
func (l *Log) open() error {
	file, err := os.OpenFile(l.path, os.O_RDWR|os.O_APPEND|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return err
	}
	l.file, l.size = file, info.Size()
	last := []byte{'\n'}
	if l.size > 0 {
		if _, err := file.ReadAt(last, l.size-1); err != nil {
			return err
		}
	}
	if last[0] != '\n' {
		l.size++
		_, err = file.WriteString("\n")
	}
	return err
}

// rotate moves every file one number up. The reader follows by inode, not by
// name.
func (l *Log) rotate() error {
	if err := l.file.Close(); err != nil {
		return err
	}
	l.file = nil
	for n := l.limits.MaxFiles - 1; n >= 1; n-- {
		err := os.Rename(numbered(l.path, n-1), numbered(l.path, n))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if l.limits.MaxFiles == 1 {
		return os.Remove(l.path)
	}
	return nil
}

// numbered is the file's name: log, log.1, log.2.
func numbered(path string, n int) string {
	if n == 0 {
		return path
	}
	return fmt.Sprintf("%s.%d", path, n)
}

// Dir is the directory that holds the log.
func (l *Log) Dir() string { return filepath.Dir(l.path) }
