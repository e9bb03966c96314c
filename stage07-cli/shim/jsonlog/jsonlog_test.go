package jsonlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever bytes come, in whatever pieces: they are read back exactly, and
// every line of the file is JSON.
func TestOutputComesBackByteForByte(t *testing.T) {
	random := make([]byte, 100_000)
	source := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		random[i] = byte(source.Uint32())
	}
	for name, text := range map[string]string{
		"nothing":                 "",
		"lines":                   "a\nb\n\nc\n",
		"no newline at the end":   "a\nb",
		"a record in disguise":    `{"log":"fake","stream":"stderr"}` + "\n",
		"control characters":      "\x00\x01\x1b[31m\x7f\t\r\n\"\\",
		"line separators":         "\u2028\u2029\n",
		"not UTF-8":               "a\xff\xfeb\n",
		"a very long line":        strings.Repeat("x", 1<<20),
		"a long line of umlauts":  strings.Repeat("ä", 40_000) + "\n",
		"three bytes a character": "a" + strings.Repeat("€", 40_000),
		"noise":                   string(random),
	} {
		for _, size := range []int{1 << 20, ioPiece, 7} {
			path := filepath.Join(t.TempDir(), "log")
			log := New(path, Limits{MaxSize: 1 << 30})
			lines := log.Lines(Stdout)
			for rest := []byte(text); len(rest) > 0; {
				n := min(size, len(rest))
				lines.Add(bytes.Clone(rest[:n]))
				rest = rest[n:]
			}
			lines.Flush()
			require.NoError(t, log.Close())
			require.True(t, text == strings.Join(read(t, path, Stdout), ""), "%s in pieces of %d", name, size)
			if strings.Contains(name, "umlauts") || strings.Contains(name, "three") {
				raw, err := os.ReadFile(path)
				require.NoError(t, err)
				require.NotContains(t, string(raw), `"raw"`, "no character is cut in two")
			}
		}
	}
}

const ioPiece = 16 << 10

func read(t *testing.T, path string, stream Stream) (texts []string) {
	t.Helper()
	chain, err := OpenChain(path)
	require.NoError(t, err)
	defer chain.Close()
	for {
		record, err := chain.Next()
		if err == io.EOF {
			return texts
		}
		require.NoError(t, err)
		require.Equal(t, stream, record.Stream)
		texts = append(texts, string(record.Bytes()))
	}
}

func TestARecordIsWhatDockerWrites(t *testing.T) {
	at := time.Date(2026, 11, 23, 16, 0, 0, 1, time.UTC)
	require.Equal(t, `{"log":"hello\n","stream":"stdout","time":"2026-11-23T16:00:00.000000001Z"}`+"\n",
		string(appendRecord(nil, Stdout, []byte("hello\n"), at)))
	line := appendRecord(nil, Stderr, []byte("bad\xff\n"), at)
	require.Equal(t, `{"log":"bad\ufffd\n","raw":"YmFk/wo=","stream":"stderr","time":"2026-11-23T16:00:00.000000001Z"}`+"\n", string(line))
	var docker struct{ Log, Stream, Time string }
	require.NoError(t, json.Unmarshal(line, &docker))
	require.Equal(t, "bad\ufffd\n", docker.Log)
}

func TestTheLogStaysWithinItsLimits(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	log := New(path, Limits{MaxSize: 4096, MaxFiles: 3})
	lines := log.Lines(Stdout)
	for i := range 1000 {
		lines.Add(fmt.Appendf(nil, "line %d\n", i))
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		require.LessOrEqual(t, info.Size(), int64(4096))
	}
	texts := read(t, path, Stdout)
	require.Equal(t, "line 999\n", texts[len(texts)-1])
	require.Equal(t, fmt.Sprintf("line %d\n", 1000-len(texts)), texts[0], "the last ones, without a gap")
}

func TestAFollowerSeesEveryLineOverRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log := New(path, Limits{MaxSize: 2048, MaxFiles: 2})
	lines := log.Lines(Stdout)
	chain, err := OpenChain(path)
	require.NoError(t, err)
	defer chain.Close()
	next := 0
	for i := range 500 {
		lines.Add(fmt.Appendf(nil, "line %d\n", i))
		require.NoError(t, chain.Extend()) // as at each event; but it reads only now and then
		if i%37 != 0 && i != 499 {
			continue
		}
		for {
			record, err := chain.Next()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("line %d\n", next), record.Log)
			next++
		}
	}
	require.Equal(t, 500, next)
}

func TestATornRecordIsSkipped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	first := appendRecord(nil, Stdout, []byte("first\n"), time.Now())
	require.NoError(t, os.WriteFile(path, append(first, `{"log":"to`...), 0o600))
	log := New(path, DefaultLimits)
	log.Lines(Stdout).Add([]byte("second\n"))
	require.Equal(t, []string{"first\n", "second\n"}, read(t, path, Stdout))
}

func TestAFullDiskIsCountedAndForgiven(t *testing.T) {
	dir := t.TempDir()
	log := New(filepath.Join(dir, "missing", "log"), DefaultLimits)
	lines := log.Lines(Stdout)
	lines.Add([]byte("lost\n"))
	require.Equal(t, int64(1), log.Failed())
	require.NoError(t, os.Mkdir(filepath.Join(dir, "missing"), 0o700))
	lines.Add([]byte("kept\n"))
	require.Equal(t, []string{"kept\n"}, read(t, filepath.Join(dir, "missing", "log"), Stdout))
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte("hello\n"))
	f.Add([]byte("\xff\x00\u2028"))
	f.Fuzz(func(t *testing.T, line []byte) {
		text := appendRecord(nil, Stdout, line, time.Now())
		require.Equal(t, 1, bytes.Count(text, []byte("\n")))
		record, err := parse(text)
		require.NoError(t, err)
		require.Equal(t, string(line), string(record.Bytes()))
	})
}
