package namespaces

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestValidateSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{}, "no command given: name the program to run"},
		{Spec{Args: []string{""}}, "no command given: name the program to run"},
		{Spec{Args: []string{"x"}, Namespaces: New("mnt")}, `unknown namespace "mnt": use cgroup, ipc, mount, network, pid, time, user or uts`},
		{Spec{Args: []string{"x"}, Namespaces: New(PID, PID)}, `namespace "pid" given twice`},
		{Spec{Args: []string{"x"}, Namespaces: New(User)}, "a new user namespace needs uid and gid mappings"},
		{Spec{Args: []string{"x"}, Hostname: "h"}, "a host name of its own needs a new uts namespace"},
	} {
		require.EqualError(t, c.spec.Validate(), c.want)
	}
	require.NoError(t, (&Spec{Args: []string{"x"}, Namespaces: New(UTS), Hostname: "h"}).Validate())
}

func TestANamespaceIsKnownByBothItsNames(t *testing.T) {
	require.Equal(t, Mount, ParseKind("mnt"))
	require.Equal(t, Mount, ParseKind("mount"))
	require.Equal(t, Network, ParseKind("net"))
	require.Equal(t, Kind("nonsense"), ParseKind("nonsense"))
}

// TestTheOrderOfSteps shows both lists as they are taken. When it fails,
// somebody changed the order: the reason must stand in the code.
func TestTheOrderOfSteps(t *testing.T) {
	spec := &Spec{Args: []string{"sh"}, Hostname: "h", Terminal: true, Namespaces: New(Mount, PID, UTS, IPC, Network, Cgroup, Time, User)}
	require.Equal(t, []string{
		"namespaces/clone",
		"namespaces/map_ids",
		"namespaces/send_spec",
	}, names(Outside(spec, &Process{})))
	require.Equal(t, []string{
		"namespaces/private_mounts",
		"namespaces/unshare_cgroup",
		"namespaces/set_hostname",
		"namespaces/loopback",
		"namespaces/session_keyring",
		"namespaces/mount_proc",
		"namespaces/open_terminal",
		"namespaces/find_command", "namespaces/pdeathsig", "namespaces/close_range", "namespaces/sigaction",
		"namespaces/exec",
	}, names(Inside(spec)))
	only := []string{"namespaces/session_keyring", "namespaces/find_command", "namespaces/close_range", "namespaces/sigaction", "namespaces/exec"}
	require.Equal(t, only, names(Inside(&Spec{Args: []string{"sh"}, OutliveParent: true})), "without new namespaces there is little but the exec")
	require.Equal(t, only, names(Inside(&Spec{Args: []string{"sh"}, OutliveParent: true, Target: 1, Namespaces: New(Mount, PID)})), "what is joined is ready")
	require.Equal(t, only[1:], names(Inside(&Spec{Args: []string{"sh"}, OutliveParent: true, NoNewKeyring: true})))
}

func TestASealComesRightBeforeTheExec(t *testing.T) {
	steps := names(Exec(&Spec{Args: []string{"sh"}}, Step{Name: "namespaces/seal"}))
	require.Equal(t, []string{"namespaces/seal", "namespaces/exec"}, steps[len(steps)-2:])
}

func names(steps []Step) (list []string) {
	for _, step := range steps {
		list = append(list, step.Name)
	}
	return list
}

func TestEveryStepSaysWhy(t *testing.T) {
	spec := &Spec{Args: []string{"sh"}, Hostname: "h", Terminal: true, Namespaces: New(Mount, PID, UTS, IPC, Network, Cgroup, Time, User)}
	for _, step := range append(Outside(spec, &Process{}), Inside(spec)...) {
		require.NotEmpty(t, step.Why, step.Name)
		require.NotContains(t, step.Why, "\n", step.Name)
		require.True(t, strings.HasPrefix(Chapter(step.Name), "docs/01-namespaces.md#namespaces"), step.Name)
	}
}

func TestExplainWritesOneLineAStep(t *testing.T) {
	var text, jsonLines bytes.Buffer
	start := time.Unix(1000, 0)
	for _, watch := range []func(Event){ExplainText(&text), ExplainJSON(&jsonLines)} {
		watch(Event{Time: start, Step: "cgroups/create", Why: "limits hang on it"})
		watch(Event{Time: start.Add(1500 * time.Microsecond), Inside: true, Step: "rootfs/pivot_root", Why: "a new root"})
	}
	require.Equal(t, ""+
		"    0.000 ms  outside  cgroups/create               limits hang on it (docs/02-cgroups.md#cgroupscreate)\n"+
		"    1.500 ms  inside   rootfs/pivot_root            a new root (docs/03-rootfs.md#rootfspivot_root)\n", text.String())
	require.Contains(t, jsonLines.String(), `"inside":true,"step":"rootfs/pivot_root","why":"a new root","chapter":"docs/03-rootfs.md#rootfspivot_root"}`)
}

func TestPlanPrintsBothListsWithoutTakingThem(t *testing.T) {
	var text bytes.Buffer
	never := func() error { t.Error("a step was taken"); return nil }
	Plan(&text, []Step{{Name: "a/b", Why: "because", Do: never}}, []Step{{Name: "c/d", Why: "so", Do: never}})
	require.Equal(t, "outside, by the parent:\n   1  a/b                          because\n"+
		"inside, by the child before it becomes the command:\n   1  c/d                          so\n", text.String())
}

func TestExplainFlagTakesTextAndJSON(t *testing.T) {
	var flag ExplainFlag
	require.True(t, flag.IsBoolFlag())
	require.Nil(t, flag.Watch(&bytes.Buffer{}))
	require.NoError(t, flag.Set("true"))
	require.Equal(t, "text", flag.String())
	require.NotNil(t, flag.Watch(&bytes.Buffer{}))
	require.NoError(t, flag.Set("json"))
	require.NotNil(t, flag.Watch(&bytes.Buffer{}))
	require.NoError(t, flag.Set("false"))
	require.Equal(t, "", flag.String())
	require.EqualError(t, flag.Set("xml"), `"xml" is neither text nor json`)
}

func TestAnIDIsSixtyFourHexDigits(t *testing.T) {
	require.Regexp(t, "^[0-9a-f]{64}$", NewID())
	require.NotEqual(t, NewID(), NewID())
}

func FuzzHeedNeverPanics(f *testing.F) {
	f.Add([]byte(`{"time":"2026-01-01T00:00:00Z","inside":true,"step":"a/b","why":"c"}`))
	f.Add([]byte(`{"step":"a/b","error":"x","errno":22}`))
	f.Add([]byte{0, recordSetns, 0, 0, 1, 0, 0, 0})
	f.Add([]byte{0, recordPid, 0, 0, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, packet []byte) {
		if len(packet) > 0 {
			if err := (&Process{}).heed(packet); err != nil {
				_ = err.Error()
			}
		}
	})
}
