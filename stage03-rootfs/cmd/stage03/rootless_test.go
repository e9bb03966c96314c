package main

import (
	"testing"

	"cooper/stage01-namespaces/notrace"
	cgroups "cooper/stage02-cgroups"

	"github.com/stretchr/testify/require"
)

// delegated reports whether the user that we are has cgroups of his own, as
// the one of the virtual machine has. There ids are lent to him, too.
func delegated(t *testing.T) bool {
	system, err := cgroups.Detect()
	require.NoError(t, err)
	return system.Hierarchies[0].Delegated != ""
}

// busyroot makes the directory root, as chapter 3 does. The test binary may
// need libraries when it joins a container; the program itself is static.
const busyroot = `for dir in /lib /lib64; do test ! -d $dir || libraries="$libraries -v $dir:$dir:ro"; done
	mkdir -p root/bin root/etc && cp /bin/busybox root/bin && root/bin/busybox --install root/bin
	printf 'root:x:0:0::/root:/bin/sh\nalice:x:7:8::/:/bin/sh\n' > root/etc/passwd
`

func TestAnOrdinaryUserHasARootOfHisOwn(t *testing.T) {
	require.Equal(t, `0 1 on container, writes /new
devices: console fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero
nothing: 0
null is bound: 1, and read-only: chmod: /dev/null: Read-only file system
capabilities: 00000000800405fb filtered: 2
a terminal, which is the console
all: 000001ffffffffff
this is outside
sh: can't create /v/file: Read-only file system
root is the user: yes
stage03: rootfs/setresuid: setresgid 8: invalid argument (the container's user namespace has no such id; more than root there is with ids of /etc/subuid and /etc/subgid)
125
`, notrace.AsUser(t, "stage03", busyroot+`
		inside() { stage03 run --rootfs root "$@"; }
		inside sh -c 'touch /new && echo $(id -u) $$ on $(hostname), writes /new*'
		inside --tty sh -c 'echo devices: $(ls /dev)' | tr -d '\r'
		inside sh -c 'echo x > /dev/null; echo nothing: $(wc -c < /dev/null)'
		inside sh -c 'echo null is bound: $(grep -c " /dev/null " /proc/mounts), and read-only: $(chmod 600 /dev/null 2>&1)'
		inside sh -c 'echo capabilities: $(grep CapEff /proc/self/status | cut -f2) filtered: $(grep Seccomp: /proc/self/status | cut -f2)'
		inside --tty sh -c 'test $(stat -c %t:%T $(tty)) = $(stat -c %t:%T /dev/console) && echo a terminal, which is the console' | tr -d '\r'
		inside --privileged sh -c 'echo all: $(grep CapEff /proc/self/status | cut -f2)'
		mkdir v; echo this is outside > v/file
		inside -v "$PWD/v:/v:ro" sh -c 'cat /v/file; echo > /v/file'
		test "$(stat -c %u root/new)" = "$(id -u)" && echo root is the user: yes
		inside --user alice true; echo $?
	`))
}

// Without a group of its own there are no limits to show, and nobody else's
// groups are to be seen.
func TestAnOrdinaryUsersContainerWithoutAGroupSeesNone(t *testing.T) {
	if delegated(t) {
		t.Skip("for a user to whom no cgroup is delegated")
	}
	require.Regexp(t, `^groups: 0
stage03: cgroups/create: .*delegated.*
125
root
137
$`, notrace.AsUser(t, "stage03", busyroot+`
		stage03 run --rootfs root sh -c 'echo groups: $(ls /sys/fs/cgroup | wc -l)'
		stage03 run --rootfs root --memory 64m true; echo $?
		mkfifo root/ready
		stage03 run --rootfs root $libraries sh -c 'echo > ready; exec sleep 1000' & run=$!; read line < root/ready
		target=$(echo $(cat /proc/$run/task/*/children))
		stage03 exec $target whoami
		kill -KILL $target; wait $run || echo $?
	`))
}

func TestAnOrdinaryUsersContainerSeesItsLimitsWhereACgroupIsDelegated(t *testing.T) {
	if !delegated(t) {
		t.Skip("for a user to whom a cgroup is delegated")
	}
	require.Equal(t, `67108864 50
sh: can't create /sys/fs/cgroup/memory.max: Read-only file system
root 67108864 00000000800405fb
137
gone: 0
`, notrace.AsUser(t, "stage03", busyroot+`
		inside="stage03 run --rootfs root --memory 64m --pids 50 $libraries"
		$inside sh -c 'cd /sys/fs/cgroup && echo $(cat memory.max pids.max); echo max > /sys/fs/cgroup/memory.max'
		mkfifo root/ready
		$inside sh -c 'echo > ready; exec sleep 1000' & run=$!; read line < root/ready
		target=$(echo $(cat /proc/$run/task/*/children))
		stage03 exec $target sh -c 'echo $(whoami) $(cat /sys/fs/cgroup/memory.max) $(grep CapEff /proc/self/status | cut -f2)'
		kill -KILL $target; wait $run || echo $?
		echo gone: $(find /sys/fs/cgroup -name cooper | wc -l)
	`))
}

func TestAnOrdinaryUserWithLentIDsHasMoreUsers(t *testing.T) {
	if !delegated(t) {
		t.Skip("for the virtual machine's user, to whom ids are lent")
	}
	notrace.NeedTool(t, "newuidmap", "newgidmap")
	require.Equal(t, `7 8 0000000000000000
7:8
5
`, notrace.AsUser(t, "stage03", busyroot+`
		inside() { stage03 run --rootfs root --subids "$@"; }
		inside --user alice sh -c 'echo $(id -u) $(id -g) $(grep CapEff /proc/self/status | cut -f2)'
		inside sh -c 'touch /file; chown alice:8 /file; stat -c %u:%g /file; rm /file'
		inside --tty stat -c %g /dev/pts/0 | tr -d '\r'
	`))
}
