package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"os"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

// busyroot makes the directory root, as chapter 3 does, and one to lie on top.
const busyroot = `mkdir -p root/bin root/proc root/sys root/dev root/tree app
	cp /bin/busybox root/bin && root/bin/busybox --install root/bin
	touch root/tree/old root/gone && echo hello > app/hello
	run() { stage04 run --lower app --lower root "$@"; }
`

// The marks of a user's overlay are others than root's, and his layers are the
// same as root's.
func TestAnOrdinaryUserHasAStackOfHisOwn(t *testing.T) {
	require.Equal(t, `0 hello
userxattr: 1
thrown away: 0
D /gone
A /kept
C /tree
A /tree/new
D /tree/old
.wh.gone
kept
tree/
tree/.wh..wh..opq
tree/new
new
hello
volatile
stage04: apply layer: entry "x": fchown to 7:7: invalid argument (this user namespace has no such id; more of them are lent by /etc/subuid and /etc/subgid)
125
stage04: apply layer: entry "null": create null: operation not permitted (a user namespace can't make devices)
125
app layer.tar root
scratch: 0
`, notrace.AsUser(t, "stage04", busyroot+`
		export TMPDIR=$PWD
		run sh -c 'echo $(id -u) $(cat /hello); echo userxattr: $(grep -c "^overlay / .*userxattr" /proc/mounts); touch /lost'
		echo thrown away: $(find . -name lost | wc -l)
		run --upper mine sh -c 'rm -r /tree && mkdir /tree && touch /tree/new && rm /gone && touch /kept'
		stage04 changes mine app root
		stage04 diff mine > layer.tar; busybox tar -tf layer.tar
		stage04 apply layer < layer.tar
		stage04 run --lower layer --lower app --lower root sh -c 'ls /tree; cat /hello; ! test -e /gone'
		stage04 run --volatile --upper mine --lower app --lower root sh -c 'test -e /kept && echo volatile'
		stage04 remove mine && stage04 remove mine.work && stage04 remove layer
		`+typed(t, tar.Header{Typeflag: tar.TypeReg, Name: "x", Uid: 7, Gid: 7})+` | stage04 apply layer; echo $?
		`+typed(t, tar.Header{Typeflag: tar.TypeChar, Name: "null", Devmajor: 1, Devminor: 3})+` | stage04 apply layer; echo $?
		stage04 remove layer
		echo $(ls | grep -v bin); echo scratch: $(ls | grep -c stage04-)
	`))
}

// typed is a command that writes a layer with one entry.
func typed(t testing.TB, entry tar.Header) string {
	var layer bytes.Buffer
	packed := gzip.NewWriter(&layer)
	archive := tar.NewWriter(packed)
	require.NoError(t, archive.WriteHeader(&entry))
	require.NoError(t, errors.Join(archive.Close(), packed.Close()))
	return "echo " + base64.StdEncoding.EncodeToString(layer.Bytes()) + " | busybox base64 -d"
}

// With ids that are lent, as they are to the user of the virtual machine.
func TestALayerOfManyOwnersIsAppliedWithTheIDsThatAreLent(t *testing.T) {
	if err := (&namespaces.Spec{}).AddSubordinateIDs(os.Getuid()); os.Getuid() == 0 || err != nil {
		t.Skip("for a user to whom ids are lent")
	}
	notrace.NeedTool(t, "newuidmap", "newgidmap")
	require.Equal(t, `7:8 600
7:8 600
removed: 0
`, notrace.AsUser(t, "stage04", busyroot+`
		run --subids --upper mine sh -c 'echo secret > /owned; chown 7:8 /owned; chmod 600 /owned; stat -c "%u:%g %a" /owned'
		stage04 diff --subids mine | stage04 apply --subids layer
		stage04 run --subids --lower layer --lower root stat -c '%u:%g %a' /owned
		stage04 remove --subids mine; stage04 remove --subids mine.work; stage04 remove --subids layer
		echo removed: $(ls -d mine layer 2>/dev/null | wc -l)
	`))
}
