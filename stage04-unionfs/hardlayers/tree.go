package hardlayers

import (
	"fmt"
	"strings"
)

// Tree is what a container sees of Portable: the census of their union.
func Tree() string {
	return spell(union, "SPARSE", "", "SETUID", "", "STICKY", "")
}

// ContraryTree is what it sees with Contrary on top.
func ContraryTree() string {
	return spell(contraryUnion,
		"SPARSE", `"files/sparse-gnu" 100644 0:0 AT TAIL`+"\n"+`"files/sparse-pax" 100644 0:0 AT TAIL`+"\n",
		"SETUID", `"names/setuid" is "files/setuid"`+"\n",
		"STICKY", `"sticky/note" 100644 0:0 AT "the directory stays 1777"`+"\n")
}

// spell writes out the words in capitals that stand in the lists: what only one
// of the trees has, and then the usual time and the long names, in which the
// rest of a line would be lost.
func spell(union string, extra ...string) string {
	text := strings.NewReplacer(extra...).Replace(files + kinds + names + nodesToTimes + union)
	return strings.NewReplacer(
		"AT", fmt.Sprintf("%d.000000000", at.Unix()),
		"PPP", longPAX, "GGG", longGNU, "DDD", longDir, "FFF", longLeaf,
		"TAIL", brief(append(make([]byte, 1<<20-4), "tail"...)),
	).Replace(text)
}

const files = `"." 40755 0:0
"files" 40755 0:0 AT
"files/capable" 100755 9:0 AT "bind 80" security.capability="\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
"files/dangling" 120777 0:0 AT -> "/nowhere/at/all"
"files/dangling-too" is "files/dangling"
"files/empty" 100000 0:0 AT ""
"files/noted" 100644 0:0 AT "" user.note="a \x00 and a ="
"files/owner-gnu" 100644 2097154:2147483647 AT ""
"files/owner-pax" 100644 4000000000:2097153 AT ""
"files/plain" 100644 0:0 AT "changed, and the other name isn't"
"files/second" 100640 12:34 AT "hello"
"files/setuid" 106755 7:8 AT "run me"
SPARSE`

const kinds = `"kinds" 40755 0:0 AT
"kinds/dir-to-file" 100644 0:0 AT "a file now"
"kinds/dir-to-link" 120777 0:0 AT -> "target"
"kinds/fifo-to-file" 100644 0:0 AT ""
"kinds/file-to-dir" 40700 0:0 AT
"kinds/file-to-dir/new" 100644 0:0 AT ""
"kinds/file-to-link" 120777 0:0 AT -> "target"
"kinds/link-to-dir" 40755 0:0 AT
"kinds/link-to-dir/new" 100644 0:0 AT "not in target"
"kinds/link-to-file" 100644 0:0 AT "not in target/kept"
"kinds/target" 40755 0:0 AT
"kinds/target/kept" 100644 0:0 AT "as it was"
`

const names = `"names" 40755 0:0 AT
"names/.wh" 100644 0:0 AT "no whiteout: the name goes on"
"names/a:b,c\\d e\nf" 100644 0:0 AT ""
"names/caf\xe9\xff-gnu" 100644 0:0 AT ""
"names/caf\xe9\xff-pax" 100644 0:0 AT ""
"names/DDD" 40711 0:0 AT
"names/DDD/FFF" 100644 0:0 AT "deep"
"names/GGG" 100644 0:0 AT "gnu"
"names/PPP" 100644 0:0 AT "pax"
SETUID"names/to-gnu" 120777 0:0 AT -> "GGG"
"names/to-pax" 120777 0:0 AT -> "../names/PPP"
`

const nodesToTimes = `"nodes" 40750 0:0 AT
"nodes/disk" 60660 0:6 AT device 259:1000000
"nodes/null" 20666 0:0 AT device 1:3
"nodes/pipe" 10622 0:0 AT
"sticky" 41777 0:0 AT
STICKY"times" 40755 0:0 1100000000.000000005
"times/epoch" 100644 0:0 0.000000000 ""
"times/link" 120777 0:0 1200000000.000000000 -> "moon"
"times/moon" 100644 0:0 -14182940.250000000 ""
"times/nanoseconds" 100644 0:0 1700000000.123456789 ""
`

const union = `"union" 40755 0:0 1300000000.000000000
"union/merged" 42770 5:6 1400000000.000000007
"union/merged/new" 100644 0:0 AT "from above"
"union/merged/new-too" is "union/merged/new"
"union/merged/old" 100644 0:0 AT "from below"
"union/opaque" 40755 0:0 AT
"union/opaque/new" 100644 0:0 AT "alone"
`

const contraryUnion = `"union" 40755 0:0 AT
"union/merged" 42770 0:0 AT
"union/merged/anew" 100644 0:0 AT ""
"union/opaque" 100644 0:0 AT "a file at last"
"union/twice" 100644 0:0 AT "second"
`
