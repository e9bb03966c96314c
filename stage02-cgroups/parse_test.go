package cgroups

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The texts are captured from Linux 6.1.
func TestPressureIsReadAsTheKernelWritesIt(t *testing.T) {
	p, err := parsePressure(strings.NewReader("some avg10=1.53 avg60=0.87 avg300=0.25 total=1522441\nfull avg10=0.00 avg60=0.10 avg300=0.00 total=7\n"))
	require.NoError(t, err)
	require.Equal(t, &Pressure{Some: Stall{1.53, 0.87, 0.25, 1522441}, Full: Stall{Avg60: 0.10, Total: 7}}, p)
	_, err = parsePressure(strings.NewReader("some avg10=many\n"))
	require.ErrorContains(t, err, "unexpected line")
	none, err := readPressure(t.TempDir(), "cpu.pressure")
	require.NoError(t, err)
	require.Nil(t, none, "a kernel without it")
}

func TestTheMachinesTimeIsTheSumOfItsProcessors(t *testing.T) {
	const stat = "cpu  1038 1 4402 1285131 1072 2 63 91 5 0\ncpu0 511 0 2263 642361 558 0 17 45 5 0\ncpu1 527 1 2139 642770 514 2 46 46 0 0\n"
	m, err := parseMachine(strings.NewReader(stat + "intr " + strings.Repeat("0 ", 1<<17) + "\n"))
	require.NoError(t, err)
	require.Equal(t, Machine{CPUTime: (1038 + 1 + 4402 + 1285131 + 1072 + 2 + 63) * 10_000_000, OnlineCPUs: 2}, m)
	for _, wrong := range []string{"", "intr 1\n", "cpu  1 2\n", "cpu  a b c d e f g h\ncpu0 1 2 3 4 5 6 7 8\n"} {
		_, err := parseMachine(strings.NewReader(wrong))
		require.ErrorContains(t, err, "read /proc/stat", "%q", wrong)
	}
	now, err := ReadMachine()
	require.NoError(t, err)
	require.Positive(t, now.CPUTime)
	require.Positive(t, now.OnlineCPUs)
}

func TestHugePagesAreCountedBySize(t *testing.T) {
	one := fake(t, map[string]string{
		"hugetlb.2MB.usage_in_bytes": "2097152", "hugetlb.2MB.max_usage_in_bytes": "4194304", "hugetlb.2MB.limit_in_bytes": "8388608", "hugetlb.2MB.failcnt": "1",
		"hugetlb.2MB.rsvd.usage_in_bytes": "0", "hugetlb.2MB.rsvd.failcnt": "2", "tasks": "",
	})
	stats, err := hugetlbStats(one, 1)
	require.NoError(t, err)
	require.Equal(t, []HugetlbStats{{Pagesize: "2MB", Usage: 2 << 20, MaxUsage: 4 << 20, Limit: 8 << 20, Failures: 3}}, stats)
	two := fake(t, map[string]string{
		"hugetlb.1GB.current": "0", "hugetlb.1GB.max": "max", "hugetlb.1GB.events": "max 0\n", "hugetlb.1GB.rsvd.current": "0",
		"hugetlb.2MB.current": "2097152", "hugetlb.2MB.max": "8388608", "hugetlb.2MB.events": "max 3\n", "memory.current": "1",
	})
	stats, err = hugetlbStats(two, 2)
	require.NoError(t, err)
	require.Equal(t, []HugetlbStats{{Pagesize: "1GB"}, {Pagesize: "2MB", Usage: 2 << 20, Limit: 8 << 20, Failures: 3}}, stats)
}

// FuzzParsers gives any text to all that reads a cgroup's files. None may
// panic, and what comes out must be possible.
func FuzzParsers(f *testing.F) {
	for _, text := range []string{
		"max", "9223372036854771712", "low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\n",
		"8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n7:0 \n",
		"8:16 Read 1459200\n8:16 Discard 0\nTotal 316232704\n",
		"some avg10=0.00 avg60=1.50 avg300=0.31 total=1234567\nfull avg10=nan avg60=0.00 avg300=0.00 total=0\n",
		"cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 1\n",
		"4:memory:/cooper/1234\n2:cpu,cpuacct:/a:b\n0::/\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := parseNumber(text); err == nil {
			require.Less(t, n, uint64(1<<62))
		}
		_, _ = parseTable(strings.NewReader(text))
		lines := strings.Count(text, "\n") + 1
		two, _ := parseIO2(strings.NewReader(text))
		require.LessOrEqual(t, len(two), lines)
		one, _ := parseIO1(strings.NewReader(text), nil, true)
		require.LessOrEqual(t, len(one), lines)
		_, _ = parsePressure(strings.NewReader(text))
		if m, err := parseMachine(strings.NewReader(text)); err == nil {
			require.Positive(t, m.OnlineCPUs)
		}
		_, err := parseMemberships(strings.NewReader(text))
		require.True(t, err == nil || len(text) > 1<<16, "only a line without end is refused")
	})
}
