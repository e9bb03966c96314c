package seccomp

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// What libseccomp 2.5.4 answers was asked once, and lies in testdata with the
// two programs that asked. Its lines:
//
//	T arch                      of which ABI the following lines are the table
//	t number name
//	D machine capabilities      Docker's profile
//	J machine profile           an invented one
//	V arch number a0 … a5 want  a call, and the answer; all in hexadecimal
func answers(t *testing.T, each func(kind byte, rest string)) {
	t.Helper()
	file, err := os.Open("testdata/vectors.txt.gz")
	require.NoError(t, err)
	defer file.Close()
	text, err := gzip.NewReader(file)
	require.NoError(t, err)
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		each(lines.Text()[0], lines.Text()[2:])
	}
	require.NoError(t, lines.Err())
}

func TestOurFiltersAnswerAsLibseccompsDo(t *testing.T) {
	var program Program
	var profile *Profile
	var target Target
	calls, wrong := 0, 0
	answers(t, func(kind byte, rest string) {
		switch kind {
		case 'D', 'J':
			profile, target = asked(t, kind, rest)
			filter, err := profile.Compile(target)
			require.NoError(t, err)
			program, err = Decode(filter)
			require.NoError(t, err)
		case 'V':
			c, want := parseAnswer(t, rest)
			got := program.Judge(c)
			require.Equal(t, literally(t, profile, target, c), got, "%+v, by the rules one after the other", c)
			calls++
			if got == want || differsByDesign(c, got, want) {
				return
			}
			// Of several rules for one call libseccomp makes one tree, and
			// version 2.5.4 sometimes prunes a branch that it shouldn't.
			require.Greater(t, countRules(t, profile, target, c), 1, "%+v: libseccomp says %v, we say %v", c, want, got)
			wrong++
		}
	})
	require.Greater(t, calls, 10000)
	require.Equal(t, 18, wrong)
}

func asked(t *testing.T, kind byte, rest string) (*Profile, Target) {
	goarch, rest, _ := strings.Cut(rest, " ")
	target := Target{GOARCH: goarch, Kernel: [2]int{6, 12}}
	profile, err := DefaultProfile()
	if kind == 'D' {
		target.Capabilities = strings.Split(rest, ",")
	} else {
		profile, err = Parse(strings.NewReader(rest))
	}
	require.NoError(t, err)
	return profile, target
}

func parseAnswer(t *testing.T, text string) (c Call, want Action) {
	numbers := strings.Fields(text)
	require.Len(t, numbers, 9)
	parse := func(i int) uint64 {
		number, err := strconv.ParseUint(numbers[i], 16, 64)
		require.NoError(t, err)
		return number
	}
	for i := range c.Args {
		c.Args[i] = parse(2 + i)
	}
	c.Arch, c.Number = uint32(parse(0)), uint32(parse(1))
	return c, Action(parse(8))
}

// newestOfLibseccomp is the last call that libseccomp 2.5.4 has in its tables.
const newestOfLibseccomp = 456

// differsByDesign tells of the differences that are meant.
func differsByDesign(c Call, got, want Action) bool {
	switch {
	case c.Arch == unix.AUDIT_ARCH_X86_64 && c.Number >= x32Bit:
		return got == noSuchCall // x32, and -1: no such call, rather than death
	case c.Arch == unix.AUDIT_ARCH_X86_64 && c.Number == 335:
		return got == Allow // uretprobe, which has no name there
	case c.Number > newest:
		return got == noSuchCall // as on an old kernel
	}
	return c.Number > newestOfLibseccomp
}

// The tables are made from those of golang.org/x/sys; libseccomp has its own.
func TestTheTablesAreLibseccompsAndGoOn(t *testing.T) {
	var ours map[string]uint32
	var count, arch int
	answers(t, func(kind byte, rest string) {
		switch kind {
		case 'T':
			ours = nil
			for _, goarch := range []string{"amd64", "arm64"} {
				abis, err := machine(goarch)
				require.NoError(t, err)
				for _, a := range abis {
					if fmt.Sprintf("%x", a.audit) == rest {
						ours, _ = a.numbers()
						require.EqualValues(t, newest, ours["rseq_slice_yield"])
					}
				}
			}
			require.NotNil(t, ours, "%s", rest)
			arch++
		case 't':
			var number uint32
			var name string
			_, err := fmt.Sscanf(rest, "%x %s", &number, &name)
			require.NoError(t, err)
			require.Contains(t, ours, name)
			require.Equal(t, number, ours[name], name)
			count++
		}
	})
	require.Equal(t, 4, arch)
	require.Equal(t, 1541, count)
}
