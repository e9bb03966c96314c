package cgroups

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// hugePages as its argument makes the test binary a program that takes huge
// pages and touches them: so many, promised beforehand or not.
const hugePages = "huge-pages"

func takeHugePages(count string, promised bool) {
	n, err := strconv.Atoi(count)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	flags := unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_HUGETLB
	if !promised {
		flags |= unix.MAP_NORESERVE
	}
	memory, err := unix.Mmap(-1, 0, n*2*mib, unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		fmt.Println("mmap:", err)
		os.Exit(1)
	}
	for i := range n {
		memory[i*2*mib] = 1
	}
	fmt.Println("touched", n)
	os.Exit(0)
}

// Two pages are allowed. A third one is refused when it's promised, and costs
// whoever doesn't ask for a promise his life when he touches it.
func TestHugePagesBeyondTheLimitAreNotToBeHad(t *testing.T) {
	notrace.Check(t)
	free, err := readNumber("/sys/kernel/mm/hugepages/hugepages-2048kB", "free_hugepages")
	if ifPresent(err) == nil && free < 4 {
		t.Skip("no huge pages are set aside here; the virtual machine has some")
	}
	require.NoError(t, err)
	for _, c := range []struct {
		count, promised string
		output          string
		code            int
	}{
		{"2", "promised", "^touched 2\n$", 0},
		{"3", "promised", "^mmap: cannot allocate memory\n$", 1},
		{"2", "", "^touched 2\n$", 0},
		{"3", "", "SIGBUS: bus error", 2}, // in Go's words
	} {
		s := container("/proc/self/exe", hugePages, c.count, c.promised)
		s.Limits.HugepageLimits = []HugepageLimit{{Pagesize: "2MB", Limit: 4 * mib}}
		run := start(t, s)
		output, code := run.end(t)
		require.Regexp(t, c.output, output)
		require.Equal(t, c.code, code, output)
		stats, err := run.group(t).Stats()
		require.NoError(t, err)
		i := slices.IndexFunc(stats.Hugetlb, func(h HugetlbStats) bool { return h.Pagesize == "2MB" })
		require.NotEqual(t, -1, i)
		require.EqualValues(t, 4*mib, stats.Hugetlb[i].Limit)
		require.Zero(t, stats.Hugetlb[i].Usage, "they are given back")
		require.Equal(t, c.code != 0, stats.Hugetlb[i].Failures > 0)
	}
}
