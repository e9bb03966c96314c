package cli

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestImagesGoFromOneEngineToAnotherThroughAPipeOrAFile(t *testing.T) {
	h := newHost(t)
	id := h.ok("images", "-q", "--no-trunc")
	h.ok("tag", "base", "base:two")
	r := h.shell("cooper save base | gzip | COOPER_ROOT=$PWD/other cooper load")
	require.Equal(t, result{0, "Loaded image: base:latest\nLoaded image: base:two\n", ""}, r)
	r = h.shell("COOPER_ROOT=$PWD/other cooper images -q --no-trunc; COOPER_ROOT=$PWD/other cooper run --rm --network none base:two echo runs")
	require.Equal(t, id+"\n"+id+"\nruns\n", r.stdout, r.stderr)

	file := filepath.Join(filepath.Dir(h.root), "base.tar")
	h.ok("save", "-o", file, "base:two")
	r = h.shell("cooper image save base:two | cmp - base.tar")
	require.Zero(t, r.code, r.stderr)
	h.ok("rmi", "base:two")
	require.Equal(t, "Loaded image: base:two", h.ok("image", "load", "-q", "-i", file))
	h.ok("create", "--name", "c", "base")
	h.ok("commit", "c", "base:two")
	other := h.ok("images", "-q", "--no-trunc", "base:two")
	require.Equal(t, "The image base:two already exists, renaming the old one with ID "+other+" to empty string\nLoaded image: base:two", h.ok("load", "-i", file))
	r = h.shell("cooper save " + id + " | cooper load")
	require.Equal(t, "Loaded image ID: "+id+"\n", r.stdout)
}

func TestASaveReplacesItsFileWhenItIsWholeAndLeavesNothingWhenItIsKilled(t *testing.T) {
	h := newHost(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "base.tar")
	require.NoError(t, os.WriteFile(file, []byte("before"), 0o600))
	r := h.cooper("save", "-o", file, "base", "nosuch")
	require.Equal(t, 1, r.code)
	requireOnly(t, dir, "before")

	// A store whose lock somebody holds lets the save begin, and not go on.
	lock, err := os.OpenFile(filepath.Join(h.root, "images", "lock"), os.O_RDWR, 0)
	require.NoError(t, err)
	defer lock.Close()
	require.NoError(t, unix.Flock(int(lock.Fd()), unix.LOCK_EX))
	command := h.command("save", "-o", file, "base")
	require.NoError(t, command.Start())
	awaitOpen(t, command.Process.Pid, dir)
	require.NoError(t, command.Process.Kill())
	_ = command.Wait()
	requireOnly(t, dir, "before")
	require.NoError(t, lock.Close())

	h.ok("save", "-o", file, "base")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(1<<20))
	require.Equal(t, os.FileMode(0o600), info.Mode())
}

// requireOnly wants one file in a directory, with this content.
func requireOnly(t *testing.T, dir, content string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	data, err := os.ReadFile(filepath.Join(dir, entries[0].Name()))
	require.NoError(t, err)
	require.Equal(t, content, string(data))
}

// awaitOpen waits until a process has a file of a directory open.
func awaitOpen(t *testing.T, pid int, dir string) {
	t.Helper()
	require.Eventually(t, func() bool {
		links, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd", "*"))
		for _, link := range links {
			if target, err := os.Readlink(link); err == nil && filepath.Dir(target) == dir {
				return true
			}
		}
		return false
	}, 20*time.Second, 10*time.Millisecond)
}

func TestAContainersFilesBecomeAnImageThroughExportAndImport(t *testing.T) {
	h := newHost(t)
	h.ok("run", "-d", "--name", "c", "--network", "none", "--tmpfs", "/mounted", "-v", "kept:/volume", "base", "sh", "-c",
		"echo made > /made; ln /made /twin; rm /etc/os-release; mkfifo /pipe; chown 33:44 /made; echo x > /mounted/x; echo x > /volume/x; echo ready; exec tail -f /dev/null")
	h.ok("volume", "inspect", "kept")
	require.Equal(t, "ready\n", firstLine(t, h, "logs", "-f", "c"))
	running := h.shell("cooper export c | tar tvf - | awk '{print $1, $2, $6, $7, $8, $9}'").stdout
	h.ok("stop", "-t", "0", "c")
	stopped := h.shell("cooper export -o c.tar c && tar tvf c.tar | awk '{print $1, $2, $6, $7, $8, $9}'").stdout
	require.Equal(t, running, stopped, "a mount's files aren't the container's")
	require.Regexp(t, `(?m)^-rw-r--r-- 33/44 made +$`, stopped)
	require.Regexp(t, `(?m)^h\S+ 0/0 twin link to made$`, stopped)
	require.Regexp(t, `(?m)^prw-r--r-- 0/0 pipe +$`, stopped)
	require.Contains(t, stopped, " mounted/ ")
	require.NotContains(t, stopped, "/x ")
	require.NotContains(t, stopped, "os-release")

	id := h.shell(`bzip2 -c c.tar | cooper import -m note -c 'CMD ["cat", "/twin"]' -c 'ENV A="b c"' --platform linux/amd64 - copy:1`)
	require.Regexp(t, `^sha256:[0-9a-f]{64}\n$`, id.stdout, id.stderr)
	require.Equal(t, "made", h.ok("run", "--rm", "--network", "none", "copy:1"))
	require.Equal(t, "note [A=b c]", h.ok("image", "inspect", "-f", "{{.Comment}} {{.Config.Env}}", "copy:1"))
	require.Regexp(t, `^sha256:`, h.ok("import", filepath.Join(filepath.Dir(h.root), "c.tar")))
}

func TestAnImageIsImportedFromAServer(t *testing.T) {
	h := newHost(t)
	h.ok("create", "--name", "c", "base")
	h.shell("cooper export c | gzip > c.tar.gz")
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(h.root))))
	t.Cleanup(server.Close)
	h.ok("import", server.URL+"/c.tar.gz", "web:1")
	require.Equal(t, "runs", h.ok("run", "--rm", "--network", "none", "web:1", "echo", "runs"))
	require.Equal(t, "Imported from "+server.URL+"/c.tar.gz", h.ok("history", "--format", "{{.Comment}}", "web:1"))
	r := h.cooper("import", server.URL+"/nosuch")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "404")
}

func TestACommitIsToldInTheHistoryOfTheImage(t *testing.T) {
	h := newHost(t)
	base := h.ok("images", "-q", "--no-trunc")
	h.ok("run", "--name", "c", "-p", "127.0.0.1::80", "--stop-signal", "INT", "-l", "a=b", "base", "sh", "-c", "echo changed > /file")
	id := h.ok("commit", "-a", "Ada", "-m", "more", "-c", "HEALTHCHECK --interval=5s --retries=2 CMD test -e /file", "-c", `ONBUILD COPY . /src`,
		"-c", "EXPOSE 443 53/udp", "-c", `CMD ["cat", "/file"]`, "-c", "USER 1", "-c", "WORKDIR /tmp", "c", "new:1")
	require.Equal(t, `{"Test":["CMD-SHELL","test -e /file"],"Interval":5000000000,"Retries":2} ["COPY . /src"] {"443/tcp":{},"53/udp":{},"80/tcp":{}} INT Ada more`,
		h.ok("image", "inspect", "-f", "{{json .Config.Healthcheck}} {{json .Config.OnBuild}} {{json .Config.ExposedPorts}} {{.Config.StopSignal}} {{.Author}} {{.Comment}}", "new:1"))
	require.Equal(t, "changed", h.ok("run", "--rm", "--network", "none", "new:1"))
	require.Equal(t, id+"|sh -c echo changed > /file|more\n"+base+"|busybox of this machine|",
		h.ok("history", "--no-trunc", "--format", "{{.ID}}|{{.CreatedBy}}|{{.Comment}}", "new:1"))
	require.Regexp(t, `^\d\d\d\d \d\d\d\d-\d\d-\d\dT\S+\n2\d{6} `, h.ok("history", "--human=false", "--format", "{{.Size}} {{.CreatedAt}}", "new:1"))

	h.ok("create", "--name", "same", "base")
	h.ok("commit", "same", "same:1")
	require.Equal(t, "0B", strings.Fields(h.ok("history", "--format", "{{.Size}}", "same:1"))[0], "no change is no layer")
	h.ok("rmi", "same:1")
	require.Equal(t, short(id)+"\n<missing>", missingBelow(h, "new:1", "c"))
}

// missingBelow forgets the image below, and lists the ids of a history.
func missingBelow(h *host, image, container string) string {
	h.ok("rm", "same", container)
	h.ok("rmi", "base")
	return h.ok("history", "-q", image)
}
