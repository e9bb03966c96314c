package images

import (
	"bufio"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// binary is what the kernel and the dynamic linker read of a program; see
// elf(5) and ld.so(8).
type binary struct {
	interpreter string   // PT_INTERP: the dynamic linker; "" for a static program
	needed      []string // DT_NEEDED: libraries by name
	runpath     []string // DT_RUNPATH, DT_RPATH: where to look first
	machine     elf.Machine
	class       elf.Class
}

func readELF(path string) (*binary, error) {
	file, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	bin := &binary{machine: file.Machine, class: file.Class}
	for _, prog := range file.Progs {
		if prog.Type == elf.PT_INTERP {
			name, err := io.ReadAll(prog.Open())
			if err != nil {
				return nil, err
			}
			bin.interpreter = strings.TrimRight(string(name), "\x00")
		}
	}
	if bin.needed, err = file.ImportedLibraries(); err != nil {
		return nil, fmt.Errorf("read libraries of %s: %w", path, err)
	}
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		entries, _ := file.DynString(tag)
		for _, entry := range entries {
			entry = strings.ReplaceAll(strings.ReplaceAll(entry, "${ORIGIN}", "$ORIGIN"), "$ORIGIN", filepath.Dir(path))
			bin.runpath = append(bin.runpath, filepath.SplitList(entry)...)
		}
	}
	return bin, nil
}

// libraries collects what a set of programs is linked with.
type libraries struct {
	dirs         []string          // where the linker looks, in its order
	found        map[string]string // libc.so.6 → /usr/lib/x86_64-linux-gnu/libc.so.6
	interpreters map[string]bool
	seen         []string // every file that becomes part of the image
}

func newLibraries() *libraries {
	dirs := linkerDirs("/etc/ld.so.conf")
	return &libraries{
		dirs:         append(dirs, "/lib64", "/usr/lib64", "/lib", "/usr/lib"),
		found:        map[string]string{},
		interpreters: map[string]bool{},
	}
}

// need adds what one program or library needs, and what that needs in turn.
func (l *libraries) need(path string, bin *binary) error {
	if bin.interpreter != "" && !l.interpreters[bin.interpreter] {
		l.interpreters[bin.interpreter] = true
		l.seen = append(l.seen, bin.interpreter)
	}
	for _, name := range bin.needed {
		if l.found[name] != "" || l.isInterpreter(name) {
			continue
		}
		library, libraryBin := l.look(name, bin)
		if library == "" {
			return fmt.Errorf("%s needs %s, which is in no library directory", path, name)
		}
		l.found[name] = library
		l.seen = append(l.seen, library)
		if err := l.need(library, libraryBin); err != nil {
			return err
		}
	}
	return nil
}

// look finds a library of the program's own kind: a 64-bit system may have the
// 32-bit one of the same name next to it.
func (l *libraries) look(name string, by *binary) (string, *binary) {
	for _, dir := range append(by.runpath, l.dirs...) {
		path := filepath.Join(dir, name)
		bin, err := readELF(path)
		if err == nil && bin.machine == by.machine && bin.class == by.class {
			return path, bin
		}
	}
	return "", nil
}

func (l *libraries) isInterpreter(name string) bool {
	for path := range l.interpreters {
		if filepath.Base(path) == name {
			return true
		}
	}
	return false
}

// home is where all libraries go: the C library's own directory, in which its
// linker looks without being told.
func (l *libraries) home() string {
	if libc := l.found["libc.so.6"]; libc != "" {
		return filepath.Dir(libc)
	}
	return "/lib"
}

// linkerDirs reads the linker's list of directories: one a line, and lines
// "include PATTERN"; see ldconfig(8). A file that isn't there lists none.
func linkerDirs(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	var dirs []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		line = strings.TrimSpace(line)
		if pattern, ok := strings.CutPrefix(line, "include "); ok {
			files, _ := filepath.Glob(strings.TrimSpace(pattern))
			for _, included := range files {
				dirs = append(dirs, linkerDirs(included)...)
			}
		} else if filepath.IsAbs(line) {
			dirs = append(dirs, line)
		}
	}
	return dirs
}
