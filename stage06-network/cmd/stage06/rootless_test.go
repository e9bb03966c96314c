package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cooper/stage01-namespaces/notrace"
)

// busyroot makes the directory root, with the server in it. The test binary may
// need libraries; the program itself is static.
const busyroot = `mkdir -p root/bin && cp /bin/busybox root/bin && root/bin/busybox --install root/bin
	cp bin/stage06 root/bin/answer
	for library in $(ldd bin/stage06 2>/dev/null | grep -o '/[^ )]*'); do mkdir -p root${library%/*} && cp $library root$library; done
`

// programs calls test for each program that makes networks without root.
func programs(t *testing.T, test func(t *testing.T, program string)) {
	for _, program := range []string{"pasta", "slirp4netns"} {
		t.Run(program, func(t *testing.T) {
			notrace.NeedTool(t, program)
			test(t, program)
		})
	}
}

// The container calls outside, and while it waits for the answer is called from
// everywhere itself. S55: a remote client is never seen as 127.0.0.1.
func TestAnOrdinaryUsersContainerReachesTheWorldAndIsReached(t *testing.T) {
	programs(t, func(t *testing.T, program string) {
		out := newHost(t)
		answer(t, out.do, ":7", func(from string) string {
			said := []string{"you are " + from}
			for _, call := range []struct {
				who       outside
				protocol  string
				address   string
				reachable string // "" is not
			}{
				{out, "tcp", hostIP + ":8080", "hello, " + outsideIP},
				{out, "udp", hostIP + ":8080", "hello, " + outsideIP},
				{nil, "tcp", "127.0.0.1:8080", "hello, "},
				{nil, "udp", hostIP + ":8080", "hello, "},
				{nil, "tcp", "127.0.0.1:8081", "hello, "},
				{out, "tcp", hostIP + ":8081", ""},
				{out, "tcp", hostIP + ":80", ""},
			} {
				if program == "pasta" && call.who == nil && call.protocol == "udp" {
					continue // the container has the host's address, too
				}
				got, err := call.who.call(call.protocol, call.address)
				if (err == nil) != (call.reachable != "") || !strings.HasPrefix(got, call.reachable) {
					said = append(said, fmt.Sprintf("%s %s: %q, %v", call.protocol, call.address, got, err))
				}
			}
			return strings.Join(said, "; ")
		})
		require.Equal(t, "tcp you are "+hostIP+"\nudp you are "+hostIP+"\n", notrace.AsUser(t, "stage06", busyroot+`
			stage06 run --network `+program+` -p 8080:80 -p 8080:80/udp -p 127.0.0.1:8081:80 --rootfs root answer tcp `+outsideIP+`:7 udp `+outsideIP+`:7
		`))
	})
}

// What listens on the host's loopback is for the host alone: not by the
// container's own, nor by the gateway's address.
func TestAnOrdinaryUsersContainerDoesNotReachTheHostsLoopback(t *testing.T) {
	programs(t, func(t *testing.T, program string) {
		newHost(t)
		answer(t, func(listen func()) { listen() }, "127.0.0.1:9", func(string) string { return "secret" })
		require.Equal(t, "tcp no answer\ntcp no answer\n", notrace.AsUser(t, "stage06", busyroot+`
			stage06 run --network `+program+` --rootfs root sh -c '
				gateway=$(ip route | sed -n "s/default via \([^ ]*\).*/\1/p")
				answer tcp 127.0.0.1:9 tcp $gateway:9'
		`))
	})
}

// The host's name server is on 127.0.0.53, where the container can't go.
func TestAnOrdinaryUsersContainerAsksTheHostsNameServer(t *testing.T) {
	programs(t, func(t *testing.T, program string) {
		newHost(t)
		serveNames(t, "127.0.0.53:53", [4]byte{203, 0, 113, 7})
		require.Contains(t, notrace.AsUser(t, "stage06", busyroot+`
			stage06 run --network `+program+` --rootfs root nslookup -type=a example.org
		`), "203.0.113.7")
	})
}

// The program ends with the container, and with us however we end.
func TestNothingOfAnOrdinaryUsersNetworkIsLeft(t *testing.T) {
	programs(t, func(t *testing.T, program string) {
		newHost(t)
		require.Equal(t, `0
running: `+program+`
137
the port is free again
stage06: publish 0.0.0.0:80:80/tcp: listen tcp4 0.0.0.0:80: bind: permission denied (the first port that needs no root is the sysctl net.ipv4.ip_unprivileged_port_start)
125
files: hostname hosts resolv.conf
`, strings.ReplaceAll(notrace.AsUser(t, "stage06", busyroot+`
			inside() { stage06 run --network `+program+` "$@"; }
			inside -p 8080:80 --rootfs root true; echo $?
			mkfifo root/ready
			stage06 run --network `+program+` -p 8080:80 --rootfs root sh -c 'echo > ready; exec sleep 1000' & run=$!; read line < root/ready
			for child in $(cat /proc/$run/task/*/children); do
				case $(cat /proc/$child/comm) in
				pas*) echo running: pasta ;;
				slirp4netns) echo running: slirp4netns ;;
				esac
			done
			kill -KILL $run; wait $run; echo $?
			until inside -p 8080:80 --rootfs root echo the port is free again 2>/dev/null; do :; done
			inside -p 0.0.0.0:80:80 --rootfs root true; echo $?
			echo files: $(ls .local/share/cooper/containers/*)
		`), "Killed\n", ""))
	})
}

func TestABusyPortOfAnOrdinaryUserIsAnErrorBeforeAnythingIsMade(t *testing.T) {
	programs(t, func(t *testing.T, program string) {
		newHost(t)
		answer(t, func(listen func()) { listen() }, ":8080", func(string) string { return "" })
		require.Equal(t, `stage06: publish 0.0.0.0:8080:80/tcp: listen tcp :8080: bind: address already in use
125
0
`, notrace.AsUser(t, "stage06", busyroot+`
			stage06 run --network `+program+` -p 8081:80 -p 8080:80 --rootfs root true; echo $?
			ls .local 2>/dev/null | wc -l
		`))
	})
}

func TestAnOrdinaryUserWithoutAskingGetsWhicheverProgramThereIs(t *testing.T) {
	notrace.NeedTool(t, "pasta", "slirp4netns")
	newHost(t)
	require.Equal(t, `network/pasta
network/write_files
network/slirp4netns
network/add_hostfwd
network/write_files
stage06: no program for a network without root: install pasta (package passt) or slirp4netns, or use --network none
125
`, notrace.AsUser(t, "stage06", busyroot+`
		steps() { stage06 plan --rootfs root "$@" true | busybox grep -o 'network/[a-z0-9_]*'; }
		mkdir only none; ln -s $(command -v slirp4netns) only; ln -s /bin/busybox none/busybox; ln -s $PWD/bin/stage06 none/stage06
		steps
		PATH=$PWD/none:$PWD/only steps -p 8080:80
		PATH=$PWD/none stage06 run --rootfs root true; echo $?
	`))
}

func TestAnOrdinaryUserIsToldWhatTakesRoot(t *testing.T) {
	newHost(t)
	require.Equal(t, `stage06: network bridge: a link on the host takes root: use --network pasta, slirp4netns, none or host
stage06: unpacking an image takes root: take a directory with --rootfs
125
`, notrace.AsUser(t, "stage06", busyroot+`
		stage06 run --network bridge --rootfs root true
		stage06 run --network none busybox true; echo $?
	`))
}

func TestAnOrdinaryUserIsToldWhatATapLinkTakes(t *testing.T) {
	programs(t, func(t *testing.T, program string) {
		newHost(t)
		require.NoError(t, os.Chmod("/dev/net/tun", 0o600)) // the test's own
		require.Equal(t, `stage06: network/`+program+`: /dev/net/tun is for root alone: chmod 0666 /dev/net/tun, as udev has it (it lets users make links in namespaces of their own only)
125
`, notrace.AsUser(t, "stage06", busyroot+`
			stage06 run --network `+program+` --rootfs root true; echo $?
		`))
	})
}

func TestAnOrdinaryUsersContainerWithoutAProgram(t *testing.T) {
	newHost(t)
	require.Equal(t, `none: lo
host: lo up0 , and a /sys
7:8
`, notrace.AsUser(t, "stage06", busyroot+`
		links='echo $(ip -o link | sed "s/[0-9]*: \([a-z0-9]*\).*/\1/")'
		echo none: $(stage06 run --network none --rootfs root sh -c "$links")
		echo host: $(stage06 run --network host --rootfs root sh -c "$links; test -d /sys/class/net/lo && echo , and a /sys")
		stage06 run --subids --network none --rootfs root sh -c 'touch /file; chown 7:8 /file; stat -c %u:%g /file; rm /file'
	`))
}

// Root is refused: pasta would become nobody, who may not enter the container's
// namespaces.
func TestRootHasBridgesInPlaceOfPrograms(t *testing.T) {
	newHost(t)
	err := app().Run([]string{"stage06", "--root", t.TempDir(), "plan", "--userns", "--rootfs", t.TempDir(), "--network", "pasta", "true"})
	require.EqualError(t, err, "network pasta: it is for users without root, in a user namespace: use --network bridge")
}
