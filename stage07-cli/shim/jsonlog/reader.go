package jsonlog

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
)

// maxRecordLine bounds a line of the file: MaxLine bytes of output, each
// written as six characters at most, and once more in base64.
const maxRecordLine = 8*MaxLine + 1024

// Chain is a log's files in the order in which they were written. It follows
// the files and not their names: rotation renames them under the reader, but
// what is open stays what it is.
type Chain struct {
	path  string
	files []*os.File // the first is being read; the last is the newest
	infos []os.FileInfo
	in    *bufio.Reader
	part  []byte // of a record that is still being written
}

// OpenChain opens all of the log. A log without a file yet is an empty chain.
func OpenChain(path string) (*Chain, error) {
	c := &Chain{path: path}
	return c, c.Extend()
}

// Extend opens the files that were begun since the last call. A follower calls
// it for each sign of change in the directory, before it goes on reading: so it
// has the file open before rotation could take it away.
func (c *Chain) Extend() error {
	for {
		found, err := c.unseen()
		if err != nil {
			return err
		}
		stable := c.inPlace(found)
		if stable {
			for _, file := range found {
				info, err := file.Stat()
				if err != nil {
					return err
				}
				c.files, c.infos = append(c.files, file), append(c.infos, info)
			}
			return nil
		}
		for _, file := range found { // rotated while we looked: look again
			file.Close()
		}
	}
}

// unseen opens log, log.1, … up to the newest that we have, and returns them
// oldest first.
func (c *Chain) unseen() (found []*os.File, err error) {
	for n := 0; ; n++ {
		file, err := os.Open(numbered(c.path, n))
		if errors.Is(err, fs.ErrNotExist) {
			if n == 0 {
				continue // in the moment between two files there is a log.1 and no log
			}
			break
		}
		if err != nil {
			closeAll(found)
			return nil, err
		}
		info, err := file.Stat()
		if err != nil {
			closeAll(append(found, file))
			return nil, err
		}
		if c.has(info) {
			file.Close()
			break
		}
		found = append(found, file)
	}
	slices.Reverse(found)
	return found, nil
}

func (c *Chain) has(info os.FileInfo) bool {
	return slices.ContainsFunc(c.infos, func(seen os.FileInfo) bool { return os.SameFile(seen, info) })
}

// inPlace reports whether the newest file found is the newest still.
func (c *Chain) inPlace(found []*os.File) bool {
	now, err := os.Stat(c.path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	if len(found) == 0 {
		return c.has(now)
	}
	info, err := found[len(found)-1].Stat()
	return err == nil && os.SameFile(info, now)
}

// Next returns the next record, or io.EOF when there is none yet; more may
// come. A line that isn't a record is skipped.
func (c *Chain) Next() (Record, error) {
	for {
		if len(c.files) == 0 {
			return Record{}, io.EOF
		}
		if c.in == nil {
			c.in = bufio.NewReaderSize(c.files[0], 64<<10)
		}
		piece, err := c.in.ReadSlice('\n')
		c.part = append(c.part, piece...)
		switch {
		case err == bufio.ErrBufferFull:
			if len(c.part) > maxRecordLine {
				c.part = c.part[:0] // no record of ours: don't gather it
			}
			continue
		case err == io.EOF && len(c.files) == 1:
			return Record{}, io.EOF
		case err == io.EOF:
			// A newer file exists, so this one is complete. What was renamed is
			// never written again: the writer closes before it renames.
			c.dropFirst()
			continue
		case err != nil:
			return Record{}, err
		}
		record, err := parse(c.part)
		c.part = c.part[:0]
		if err == nil {
			return record, nil
		}
	}
}

// dropFirst never drops the newest file, which therefore stays open, and its
// inode can't come to be another file's.
func (c *Chain) dropFirst() {
	c.files[0].Close()
	c.files, c.infos = c.files[1:], c.infos[1:]
	c.in, c.part = nil, c.part[:0]
}

// Close closes the files.
func (c *Chain) Close() error {
	closeAll(c.files)
	c.files = nil
	return nil
}

func closeAll(files []*os.File) {
	for _, file := range files {
		file.Close()
	}
}
