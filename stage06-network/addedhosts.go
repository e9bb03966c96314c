package network

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mostAdded is how many bytes of a container's own we keep.
const mostAdded = 1 << 20

// addedHosts returns the lines of /etc/hosts that are the container's own: its
// programs may have added some since it was started. It is asked before the
// Spec changes, and with it our lines.
func addedHosts(s *Spec) (string, error) {
	if !s.Network.writes() {
		return "", nil
	}
	ours, err := s.hostNames()
	if err != nil {
		return "", fmt.Errorf("read the host's names: %w", err)
	}
	file, err := os.Open(filepath.Join(s.Network.FilesDir, hostsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", hostsFile, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, mostAdded))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", hostsFile, err)
	}
	known, added := slices.Collect(strings.Lines(ours)), ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n") + "\n"
		_, names, _ := strings.Cut(line, "\t")
		if !slices.Contains(known, line) && names != s.ownNames()+"\n" { // which a connect that was killed may have left
			added += line
		}
	}
	return added, nil
}
