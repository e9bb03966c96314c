package main

import (
	"os"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

func TestAnOrdinaryUserIsRootOfHisOwn(t *testing.T) {
	require.Equal(t, `stage01: namespaces/clone: clone3: operation not permitted (new namespaces need root, or a new user namespace beside them)
125
0 I am 1 on container
container 0
root of its own has all: 000001ffffffffff
`, notrace.AsUser(t, "stage01", `
		stage01 run true; echo $?
		stage01 run --userns sh -c 'echo $(id -u) I am $$ on $(hostname)'
		mkfifo ready
		stage01 run --userns sh -c 'echo > ready; exec sleep 1000' & read line < ready
		target=$(echo $(cat /proc/$!/task/*/children))
		stage01 exec $target sh -c 'echo $(hostname) $(id -u)'
		kill -KILL $target; wait
		stage01 run --userns sh -c 'echo root of its own has all: $(grep CapEff /proc/self/status | cut -f2)'
	`))
}

// With ids that are lent, as they are to the user of the virtual machine; see
// TestSubordinateIDsAreMappedWithoutRoot for everywhere else.
func TestAnOrdinaryUserHasTheIDsThatAreLent(t *testing.T) {
	if err := (&namespaces.Spec{}).AddSubordinateIDs(os.Getuid()); os.Getuid() == 0 || err != nil {
		t.Skip("for a user to whom ids are lent")
	}
	notrace.NeedTool(t, "newuidmap", "newgidmap")
	require.Equal(t, "7:8\n", notrace.AsUser(t, "stage01", `stage01 run --subids sh -c 'touch file; chown 7:8 file; stat -c %u:%g file; rm file'`))
}
