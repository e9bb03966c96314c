package cgroups

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// allowed is what the rules mean, said as simply as possible: for each bit of
// the access, the last rule that speaks of it decides.
func allowed(rules []DeviceRule, device devices, access deviceAccess) bool {
	for bit := deviceAccess(1); bit <= accessAll; bit <<= 1 {
		verdict := false
		for _, rule := range rules {
			kind := rule.Type == "" || rule.Type == "a" || rule.Type == string(device.kind)
			major := number(rule.Major) == anyNumber || number(rule.Major) == device.major
			minor := number(rule.Minor) == anyNumber || number(rule.Minor) == device.minor
			if kind && major && minor && rule.access()&bit != 0 {
				verdict = rule.Allow
			}
		}
		if access&bit != 0 && !verdict {
			return false
		}
	}
	return true
}

// run is the kernel's BPF machine, as far as our program needs it.
func run(t *testing.T, program []instruction, device devices, access deviceAccess) bool {
	t.Helper()
	context := map[int16]uint64{
		0: uint64(access)<<16 | map[byte]uint64{'b': 1, 'c': 2}[device.kind],
		4: uint64(device.major),
		8: uint64(device.minor),
	}
	var r [16]uint64
	for at := 0; ; at++ {
		require.Less(t, at, len(program), "the program runs off its end")
		i := program[at]
		require.GreaterOrEqual(t, i.offset, int16(0), "no jump goes back")
		to, from, constant := i.registers&15, i.registers>>4, uint64(int64(i.immediate))
		switch i.code {
		case 0x61: // r = *(u32 *)(r1 + offset)
			require.EqualValues(t, 1, from)
			r[to] = context[i.offset]
		case 0xbf:
			r[to] = r[from]
		case 0xb7:
			r[to] = constant
		case 0x77:
			r[to] >>= constant
		case 0x57:
			r[to] &= constant
		case 0x55:
			if r[to] != constant {
				at += int(i.offset)
			}
		case 0x15:
			if r[to] == constant {
				at += int(i.offset)
			}
		case 0x95:
			require.LessOrEqual(t, r[0], uint64(1))
			return r[0] == 1
		default:
			t.Fatalf("instruction %#x isn't known", i.code)
		}
	}
}

// versionOne is the kernel's devcgroup_check_permission on the lines that we
// would write into a fresh group.
func versionOne(t deviceTable, device devices, access deviceAccess) bool {
	for _, entry := range t {
		switch {
		case !entry.covers(device):
		case t.isOpen() && access&(accessAll&^entry.access) != 0:
			return false // an exception of an open group may match in part
		case !t.isOpen() && access&^entry.access == 0:
			return true // that of a closed one must match as a whole
		}
	}
	return t.isOpen()
}

// somewhere are numbers that rules and devices are made of: few, so that they
// meet, and none is 0, since the kernel asks nobody about device 0:0.
func somewhere(random *rand.Rand) (n int64) { return 1 + random.Int64N(3) }

func randomDevice(random *rand.Rand) devices {
	return devices{"bc"[random.IntN(2)], somewhere(random), somewhere(random)}
}

func randomRules(random *rand.Rand) (rules []DeviceRule) {
	for range random.IntN(7) {
		rule := DeviceRule{Allow: random.IntN(3) > 0, Type: []string{"", "a", "b", "c", "c"}[random.IntN(5)]}
		for _, number := range []**int64{&rule.Major, &rule.Minor} {
			*number = []*int64{nil, new(int64(anyNumber)), new(somewhere(random)), new(somewhere(random))}[random.IntN(4)]
		}
		rule.Access = []string{"", "r", "w", "m", "rw", "rm", "wm", "rwm"}[random.IntN(8)]
		rules = append(rules, rule)
	}
	return rules
}

func TestTheTableTheProgramAndVersionOneMeanWhatTheRulesSay(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	inVersionOne, granted := 0, 0
	for range 1000 {
		rules := randomRules(random)
		require.NoError(t, validateDevices(rules))
		table := newDeviceTable(rules)
		program := table.assemble()
		one := table.isOpen() || table.isClosed()
		if one {
			inVersionOne++
		}
		for range 30 {
			device, access := randomDevice(random), 1+deviceAccess(random.IntN(int(accessAll)))
			want := allowed(rules, device, access)
			about := []any{"%v: %c %d:%d %s", rules, device.kind, device.major, device.minor, access}
			require.Equal(t, want, access&^table.find(device) == 0, about...)
			require.Equal(t, want, run(t, program, device, access), about...)
			if one {
				require.Equal(t, want, versionOne(table, device, access), about...)
			}
			if want {
				granted++
			}
		}
	}
	require.Greater(t, inVersionOne, 300)
	require.Greater(t, granted, 3_000)
}

func TestAContainerMayUseTheStandardDevicesOnly(t *testing.T) {
	table := newDeviceTable(DefaultDeviceRules())
	for device, want := range map[devices]string{
		{'c', 1, 3}: "rwm", {'c', 1, 5}: "rwm", {'c', 1, 7}: "rwm", {'c', 1, 8}: "rwm", {'c', 1, 9}: "rwm",
		{'c', 5, 0}: "rwm", {'c', 5, 1}: "rwm", {'c', 5, 2}: "rwm", {'c', 136, 0}: "rwm", {'c', 136, 1000}: "rwm",
		{'c', 1, 1}: "m", {'c', 1, 11}: "m", {'c', 4, 64}: "m", {'c', 10, 229}: "m",
		{'b', 1, 3}: "m", {'b', 8, 0}: "m", {'b', 254, 0}: "m",
	} {
		require.Equal(t, want, table.find(device).String(), "%c %d:%d", device.kind, device.major, device.minor)
	}
}

// The whole of a program, so that a change of it is seen: bpftool prog dump
// xlated shows the same.
func TestTheProgramIsAsDrawn(t *testing.T) {
	var lines []string
	for _, i := range newDeviceTable([]DeviceRule{AllowDevice("c", 1, 3, "rw")}).assemble() {
		lines = append(lines, fmt.Sprintf("%02x %02x %d %d", i.code, i.registers, i.offset, i.immediate))
	}
	require.Equal(t, []string{
		"61 12 0 0", "bf 23 0 0", "77 03 0 16", "57 02 0 65535", "61 14 4 0", "61 15 8 0",
		"55 02 7 2", "55 04 6 1", "55 05 5 3", "57 03 0 -7", "b7 00 0 1", "15 03 1 0", "b7 00 0 0", "95 00 0 0",
		"55 02 5 2", "57 03 0 -1", "b7 00 0 1", "15 03 1 0", "b7 00 0 0", "95 00 0 0",
		"55 02 5 1", "57 03 0 -1", "b7 00 0 1", "15 03 1 0", "b7 00 0 0", "95 00 0 0",
		"b7 00 0 0", "95 00 0 0",
	}, lines)
}

func TestRulesAreReadAsVersionOneSpellsThem(t *testing.T) {
	for _, text := range []string{"c 10:229 rwm", "b *:* m", "c 136:* rw", "a *:* rwm", "c *:3 r"} {
		rule, err := ParseDeviceRule(text)
		require.NoError(t, err, text)
		require.Equal(t, "allow "+text, rule.String())
		again, err := json.Marshal(rule)
		require.NoError(t, err)
		var back DeviceRule
		require.NoError(t, json.Unmarshal(again, &back))
		require.Equal(t, rule, back)
	}
	for _, text := range []string{
		"", "c", "c 1:3", "c 1 3 rwm", "d 1:3 rwm", "c 1:3 x", "c -1:3 r", "c 4096:0 r", "c 1:1048576 r", "c 1:3 r w",
		"c :3 r", "c 1: r", "c 1:3:4 r", "c 0x1:3 r", "c 99999999999999999999:0 r", "c ٣:0 r",
	} {
		_, err := ParseDeviceRule(text)
		require.ErrorContains(t, err, "device rule", text)
	}
}

func FuzzParseDeviceRule(f *testing.F) {
	f.Add("c 10:229 rwm")
	f.Add("a *:* rwm")
	f.Fuzz(func(t *testing.T, text string) {
		rule, err := ParseDeviceRule(text)
		if err != nil {
			return
		}
		require.NoError(t, rule.validate())
		again, err := ParseDeviceRule(strings.TrimPrefix(rule.String(), "allow "))
		require.NoError(t, err)
		require.Equal(t, newDeviceTable([]DeviceRule{rule}), newDeviceTable([]DeviceRule{again}))
	})
}

func TestImpossibleRulesAreRefusedBeforeAnythingIsMade(t *testing.T) {
	for says, rule := range map[string]DeviceRule{
		"type":         {Type: "p"},
		"access":       {Access: "rx"},
		"major number": AllowDevice("c", 4096, 0, "r"),
		"minor number": AllowDevice("c", 0, 1<<20, "r"),
		"0 to 4095":    AllowDevice("c", -2, 0, "r"),
	} {
		s := container("true")
		s.DeviceRules = []DeviceRule{rule}
		require.ErrorContains(t, s.Validate(), says)
	}
}

func TestVersionOneSaysWhenItCantExpressTheRules(t *testing.T) {
	rules := []DeviceRule{{Allow: true, Type: "c"}, {Type: "c", Major: new(int64)}}
	require.ErrorContains(t, limitDevices1(t.TempDir(), newDeviceTable(rules)), "no exceptions from exceptions")
}
