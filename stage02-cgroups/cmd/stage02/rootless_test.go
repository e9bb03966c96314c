package main

import (
	"os"
	"testing"

	"cooper/stage01-namespaces/notrace"
	cgroups "cooper/stage02-cgroups"

	"github.com/stretchr/testify/require"
)

// delegated reports whether the user that we are has cgroups of his own, as
// the one of the virtual machine has.
func delegated(t *testing.T) bool {
	system, err := cgroups.Detect()
	require.NoError(t, err)
	return system.Hierarchies[0].Delegated != ""
}

func TestAnOrdinaryUserHasContainersWithoutLimits(t *testing.T) {
	if delegated(t) {
		t.Skip("for a user to whom no cgroup is delegated")
	}
	require.Regexp(t, `^0 1
stage02: cgroups/create: .*/sys/fs/cgroup/.*: permission denied \(limits need a cgroup that was delegated to this user; .*\)
125
sleep
137
$`, notrace.AsUser(t, "stage02", `
		stage02 run sh -c 'echo > /dev/null && echo $(id -u) $$'
		stage02 run --pids 20 true; echo $?
		mkfifo ready
		stage02 run sh -c 'echo > ready; exec sleep 1000' & run=$!; read line < ready
		target=$(echo $(cat /proc/$run/task/*/children))
		stage02 exec $target cat /proc/1/comm
		kill -KILL $target; wait $run; echo $?
	`))
}

func TestAnOrdinaryUserHasLimitsWhereACgroupIsDelegated(t *testing.T) {
	if !delegated(t) {
		t.Skip("for a user to whom a cgroup is delegated")
	}
	require.Equal(t, `0 1 0::/
137
limit: 67108864
it joins: 2
50
137
gone: 0
`, notrace.AsUser(t, "stage02", `
		stage02 run --pids 20 --memory 64m sh -c 'echo > /dev/null && echo $(id -u) $$ $(cat /proc/self/cgroup)'
		stage02 run --memory 16m --memory-swap 16m tail /dev/zero; echo $?
		mkfifo ready
		stage02 run --memory 64m sh -c 'echo > ready; exec sleep 1000' & run=$!; read line < ready
		target=$(echo $(cat /proc/$run/task/*/children))
		group=/sys/fs/cgroup$(sed s/0::// /proc/$target/cgroup)
		echo limit: $(cat $group/memory.max)
		stage02 exec $target sh -c "echo > $PWD/ready; exec sleep 1000" & read line < ready
		echo it joins: $(wc -l < $group/cgroup.procs)
		stage02 update --pids 50 cooper/${group##*/}
		cat $group/pids.max
		kill -KILL $target; wait $run; echo $?
		echo gone: $(find /sys/fs/cgroup -name cooper | wc -l)
	`))
}

// In a session of his he isn't in the part of the tree that systemd leaves to
// him: run goes there, exec has to be taken there.
func TestAnOrdinaryUserHasLimitsWhereSystemdRuns(t *testing.T) {
	if os.Geteuid() == 0 || cgroups.Driver() != cgroups.Systemd {
		t.Skip("for a user of a machine with systemd")
	}
	require.Regexp(t, `^pids: 20
stage02: cgroups/clone_into_cgroup: enter cgroup .*/container: permission denied \(from here it's reached through .*, which isn't this user's; where systemd runs, put systemd-run --user --scope in front\)
125
joined: 2
137
$`, notrace.AsUser(t, "stage02", `
		mkfifo ready
		stage02 run --cgroup-manager systemd --pids 20 sh -c 'echo > ready; exec sleep 1000' & run=$!; read line < ready
		target=$(echo $(cat /proc/$run/task/*/children))
		group=/sys/fs/cgroup$(sed s/0::// /proc/$target/cgroup)
		echo pids: $(cat $group/pids.max)
		stage02 exec $target true; echo $?
		export XDG_RUNTIME_DIR=/run/user/$(id -u)
		systemd-run --user --scope --quiet stage02 exec $target sh -c "echo > $PWD/ready; exec sleep 1000" & read line < ready
		echo joined: $(wc -l < $group/cgroup.procs)
		kill -KILL $target; wait $run || echo $?
	`))
}

func TestAnOrdinaryUserWithLentIDsHasThemHereToo(t *testing.T) {
	if !delegated(t) {
		t.Skip("for the virtual machine's user, to whom ids are lent")
	}
	notrace.NeedTool(t, "newuidmap", "newgidmap")
	require.Equal(t, "7:8\n", notrace.AsUser(t, "stage02", `stage02 run --subids sh -c 'touch file; chown 7:8 file; stat -c %u:%g file; rm file'`))
}
