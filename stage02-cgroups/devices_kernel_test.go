package cgroups

import (
	"bufio"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

// S25: what is denied can be made, and not opened.
func TestTheKernelDeniesAllButTheStandardDevices(t *testing.T) {
	notrace.Check(t)
	s := container()
	s.DeviceRules = DefaultDeviceRules()
	p := probe(t, s)
	for _, device := range []devices{{'b', 254, 0}, {'c', 1, 11}, {'c', 10, 229}, {'c', 1, 1}, {'c', 4, 64}, {'b', 8, 0}} {
		require.True(t, p.may(t, device, 1), "a node can be made")
		require.False(t, p.may(t, device, 2), "%v", device)
		require.False(t, p.may(t, device, 4), "%v", device)
		require.False(t, p.may(t, device, 6), "%v", device)
	}
	for _, device := range []devices{{'c', 1, 3}, {'c', 1, 9}, {'c', 5, 0}, {'c', 136, 7}} {
		for _, access := range accesses {
			require.True(t, p.may(t, device, access), "%v %s", device, access)
		}
	}
}

// S25, as somebody would type it: the kernel's log, which a machine in a machine
// has, too.
func TestADeviceThatWasMadeInTheContainerCantBeOpened(t *testing.T) {
	notrace.Check(t)
	s := container("sh", "-c", `mount -t tmpfs none /tmp && cd /tmp && mknod kmsg c 1 11 && echo made && head -c1 kmsg`)
	s.Namespaces = namespaces.New(namespaces.Mount)
	s.DeviceRules = DefaultDeviceRules()
	output, code := start(t, s).end(t)
	require.NotZero(t, code)
	require.Regexp(t, "^made\n.*Operation not permitted", output)
}

// S25: neither an update of the limits nor joining is a way around.
func TestDevicesStayDeniedAfterAnUpdateAndForWhoJoins(t *testing.T) {
	notrace.Check(t)
	s := container("sleep", "1000")
	s.DeviceRules = DefaultDeviceRules()
	c := start(t, s)
	require.NoError(t, c.group(t).Update(Limits{Memory: 64 * mib, Pids: 100}))

	joining := container()
	joining.Target, joining.CgroupPath = c.Pid, parent+"/"+s.ID
	p := probe(t, joining)
	require.False(t, p.may(t, devices{'b', 254, 0}, 2))
	require.True(t, p.may(t, devices{'c', 1, 3}, 6))
}

func TestDeviceRulesChangeWhileTheCommandRuns(t *testing.T) {
	notrace.Check(t)
	s := container()
	s.DeviceRules = DefaultDeviceRules()
	p := probe(t, s)
	g, err := siteOf(s).group()
	require.NoError(t, err)
	fuse := devices{'c', 10, 229}
	for _, c := range []struct {
		rules      []DeviceRule
		fuse, null bool
	}{
		{append(DefaultDeviceRules(), AllowDevice("c", 10, 229, "rwm")), true, true},
		{DefaultDeviceRules(), false, true},
		{[]DeviceRule{{Allow: true}}, true, true},
		{[]DeviceRule{{Allow: true}, {Type: "c", Major: new(int64(10))}}, false, true},
		{[]DeviceRule{{Allow: true}}, true, true},
		{[]DeviceRule{AllowDevice("c", 10, 229, "rw")}, true, false},
		{[]DeviceRule{{Allow: false}}, false, false},
	} {
		require.NoError(t, g.UpdateDevices(c.rules))
		require.Equal(t, c.fuse, p.may(t, fuse, 6), "%v", c.rules)
		require.Equal(t, c.null, p.may(t, devices{'c', 1, 3}, 6), "%v", c.rules)
	}
	require.Error(t, g.UpdateDevices([]DeviceRule{{Type: "x"}}))
}

// What the machine's own version makes of a thousand questions.
func TestTheKernelMeansWhatTheRulesSay(t *testing.T) {
	notrace.Check(t)
	s := container()
	s.DeviceRules = DefaultDeviceRules()
	p := probe(t, s)
	g, err := siteOf(s).group()
	require.NoError(t, err)
	askAtRandom(t, p, func(rules []DeviceRule) bool {
		table := newDeviceTable(rules)
		if g.version == 1 && !table.isOpen() && !table.isClosed() {
			return false
		}
		require.NoError(t, g.UpdateDevices(rules))
		return true
	})
}

func askAtRandom(t *testing.T, p *prober, apply func([]DeviceRule) bool) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	for done := 0; done < 100; {
		rules := randomRules(random)
		if !apply(rules) {
			continue
		}
		done++
		for range 10 {
			device, access := randomDevice(random), accesses[random.IntN(len(accesses))]
			require.Equal(t, allowed(rules, device, access), p.may(t, device, access), "%v: %c %d:%d %s", rules, device.kind, device.major, device.minor, access)
		}
	}
}

// A hybrid machine has a tree of version 2 as well, and asks its programs, too.
func TestTheKernelsMachineRunsTheProgramAsDrawn(t *testing.T) {
	notrace.Check(t)
	top := unifiedTop(t)
	dir := filepath.Join(top, "cooper-test")
	require.NoError(t, os.Mkdir(dir, 0o755))
	defer func() { require.NoError(t, removeTree(dir)) }()
	group, err := os.Open(dir)
	require.NoError(t, err)
	defer group.Close()

	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.Command(self, deviceProbe)
	child.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(group.Fd())}
	questions, err := child.StdinPipe()
	require.NoError(t, err)
	answers, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	defer func() {
		require.NoError(t, questions.Close())
		require.NoError(t, child.Wait())
	}()
	p := &prober{t.TempDir(), questions, bufio.NewScanner(answers)}
	askAtRandom(t, p, func(rules []DeviceRule) bool {
		require.NoError(t, limitDevices2(dir, newDeviceTable(rules)))
		programs, err := attachedPrograms(group)
		require.NoError(t, err)
		require.LessOrEqual(t, len(programs), 1, "the old program goes when the new one has come")
		return true
	})
}

func unifiedTop(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); fields[2] == "cgroup2" {
			return fields[1]
		}
	}
	t.Skip("no cgroup2 is mounted here; the virtual machine has one")
	return ""
}
