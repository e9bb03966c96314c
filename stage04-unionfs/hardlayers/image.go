package hardlayers

import (
	"archive/tar"
	"strings"
	"time"
)

// Portable returns the layers that every engine takes, the lowest first,
// uncompressed. Together they are Tree.
func Portable() [][]byte {
	return [][]byte{base(), change(), Empty()}
}

// Empty is the layer of a step that changed nothing: the end of an archive,
// twice 512 zeros, and nothing before it.
func Empty() []byte { return make([]byte, 1024) }

// Names that need more room than the 100 bytes of a header. Those that aren't
// ASCII are no UTF-8 either: a name is bytes to the kernel.
var (
	longPAX  = strings.Repeat("p", 200)
	longGNU  = strings.Repeat("g", 200)
	longDir  = strings.Repeat("d", 150)
	longLeaf = strings.Repeat("f", 150) // together more than 256
	latin1   = "caf\xe9\xff"
)

// base is the first layer: what kinds of files there are, and what can be said
// of them.
func base() []byte {
	w := newWriter()
	w.dir(".", 0o755)
	w.names()
	w.files()
	w.times()
	w.nodes()
	w.dir("sticky", 0o1777)
	w.toBeChanged()
	return w.finish()
}

func (w *writer) names() {
	w.dir("names", 0o755)
	w.dir("names/"+longDir, 0o711)
	w.file("names/"+longDir+"/"+longLeaf, "deep")
	w.file("names/"+longPAX, "pax")
	w.put(tar.Header{Typeflag: tar.TypeReg, Name: "names/" + longGNU, Mode: 0o644, Format: tar.FormatGNU}, "gnu")
	w.file("names/"+latin1+"-pax", "")
	w.put(tar.Header{Typeflag: tar.TypeReg, Name: "names/" + latin1 + "-gnu", Mode: 0o644, Format: tar.FormatGNU}, "")
	w.file("names/a:b,c\\d e\nf", "")
	w.file("names/.wh", "no whiteout: the name goes on")
	w.symlink("names/to-pax", "../names/"+longPAX)
	w.put(tar.Header{Typeflag: tar.TypeSymlink, Name: "names/to-gnu", Linkname: longGNU, Mode: 0o777, Format: tar.FormatGNU}, "")
}

// capability is cap_net_bind_service=ep, as setcap(8) writes it.
const capability = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func (w *writer) files() {
	w.dir("files", 0o755)
	w.put(tar.Header{Typeflag: tar.TypeReg, Name: "files/empty"}, "")
	w.put(tar.Header{Typeflag: tar.TypeReg, Name: "files/plain", Mode: 0o640, Uid: 12, Gid: 34}, "hello")
	w.hardlink("files/second", "files/plain")
	w.put(tar.Header{Typeflag: tar.TypeReg, Name: "files/setuid", Mode: 0o6755, Uid: 7, Gid: 8}, "run me")
	w.put(tar.Header{Typeflag: tar.TypeReg, Name: "files/capable", Mode: 0o755, Uid: 9,
		PAXRecords: map[string]string{"SCHILY.xattr.security.capability": capability}}, "bind 80")
	w.put(tar.Header{Typeflag: tar.TypeReg, Name: "files/noted", Mode: 0o644,
		PAXRecords: map[string]string{"SCHILY.xattr.user.note": "a \x00 and a ="}}, "")
	w.put(tar.Header{Typeflag: tar.TypeReg, Name: "files/owner-pax", Mode: 0o644, Uid: 4_000_000_000, Gid: 1<<21 + 1}, "")
	w.put(tar.Header{Typeflag: tar.TypeReg, Name: "files/owner-gnu", Mode: 0o644, Uid: 1<<21 + 2, Gid: 1<<31 - 1, Format: tar.FormatGNU}, "")
	w.symlink("files/dangling", "/nowhere/at/all")
	w.hardlink("files/dangling-too", "files/dangling")
}

// times come in the order that is wrong for who sets a directory's at once.
func (w *writer) times() {
	w.put(tar.Header{Typeflag: tar.TypeDir, Name: "times/", Mode: 0o755, ModTime: time.Unix(1_100_000_000, 5)}, "")
	w.put(tar.Header{Typeflag: tar.TypeReg, Name: "times/moon", Mode: 0o644, ModTime: time.Unix(-14_182_940, 250_000_000)}, "")
	w.put(tar.Header{Typeflag: tar.TypeReg, Name: "times/nanoseconds", Mode: 0o644, ModTime: time.Unix(1_700_000_000, 123_456_789)}, "")
	w.put(tar.Header{Typeflag: tar.TypeReg, Name: "times/epoch", Mode: 0o644, ModTime: time.Unix(0, 0)}, "")
	w.put(tar.Header{Typeflag: tar.TypeSymlink, Name: "times/link", Linkname: "moon", Mode: 0o777, ModTime: time.Unix(1_200_000_000, 0)}, "")
}

func (w *writer) nodes() {
	w.dir("nodes", 0o750)
	w.put(tar.Header{Typeflag: tar.TypeChar, Name: "nodes/null", Mode: 0o666, Devmajor: 1, Devminor: 3}, "")
	w.put(tar.Header{Typeflag: tar.TypeBlock, Name: "nodes/disk", Mode: 0o660, Gid: 6, Devmajor: 259, Devminor: 1_000_000}, "")
	w.fifo("nodes/pipe", 0o622)
}

// kinds are what change puts one in the other's place of, each in a name like
// file-to-dir. Whoever follows a link writes into kinds/target.
func (w *writer) toBeChanged() {
	w.dir("kinds", 0o755)
	w.dir("kinds/target", 0o755)
	w.file("kinds/target/kept", "as it was")
	w.file("kinds/file-to-dir", "")
	w.file("kinds/file-to-link", "")
	w.dir("kinds/dir-to-file", 0o755)
	w.file("kinds/dir-to-file/lost", "")
	w.dir("kinds/dir-to-link", 0o755)
	w.file("kinds/dir-to-link/lost", "")
	w.symlink("kinds/link-to-dir", "target")
	w.symlink("kinds/link-to-file", "target/kept")
	w.fifo("kinds/fifo-to-file", 0o600)
	w.dir("union", 0o755)
	w.file("union/gone", "")
	w.dir("union/gone-dir", 0o755)
	w.file("union/gone-dir/too", "")
	w.dir("union/merged", 0o755)
	w.file("union/merged/old", "from below")
	w.dir("union/opaque", 0o755)
	w.file("union/opaque/old", "")
	w.dir("union/opaque/sub", 0o755)
	w.file("union/opaque/sub/old", "")
}

// change is the second layer: what a layer can do to those below it.
func change() []byte {
	w := newWriter()
	w.file("union/.wh.gone-dir", "") // before its own directory is listed
	w.dir("files", 0o755)
	w.file("files/plain", "changed, and the other name isn't")
	w.dir("kinds", 0o755)
	w.dir("kinds/file-to-dir", 0o700)
	w.file("kinds/file-to-dir/new", "")
	w.symlink("kinds/file-to-link", "target")
	w.file("kinds/dir-to-file", "a file now")
	w.symlink("kinds/dir-to-link", "target")
	w.dir("kinds/link-to-dir", 0o755)
	w.file("kinds/link-to-dir/new", "not in target")
	w.file("kinds/link-to-file", "not in target/kept")
	w.file("kinds/fifo-to-file", "")
	w.put(tar.Header{Typeflag: tar.TypeDir, Name: "union/", Mode: 0o755, ModTime: time.Unix(1_300_000_000, 0)}, "")
	w.put(tar.Header{Typeflag: tar.TypeDir, Name: "union/merged/", Mode: 0o2770, Uid: 5, Gid: 6, ModTime: time.Unix(1_400_000_000, 7)}, "")
	w.file("union/merged/new", "from above")
	w.hardlink("union/merged/new-too", "union/merged/new")
	w.dir("union/opaque", 0o755)
	w.file("union/opaque/new", "alone")
	w.file("union/opaque/.wh..wh..opq", "") // behind the file that it doesn't mean
	w.file("union/.wh.gone", "")
	return w.finish()
}

// Contrary returns a layer to lie on top of the others. It leans on them, with
// a hard link to a file that it doesn't have and a file in a directory that it
// doesn't list; its whiteouts stand where other engines, which take the archive
// at its word, lose what it just brought; and Docker and Podman load no layer
// with sparse files as GNU's tar writes them. With it the tree is ContraryTree.
func Contrary() []byte {
	w := newWriter()
	w.raw(SparsePAX("files/sparse-pax", 1<<20))
	w.raw(SparseGNU("files/sparse-gnu", 1<<20))
	w.hardlink("names/setuid", "files/setuid")
	w.file("sticky/note", "the directory stays 1777")
	w.dir("union", 0o755)
	w.dir("union/merged", 0o2770)
	w.file("union/merged/anew", "")
	w.file("union/.wh.merged", "") // a new directory, not none
	w.file("union/.wh.opaque", "")
	w.file("union/opaque", "a file at last") // so are the whiteout and its name
	w.file("union/twice", "first")
	w.file("union/twice", "second")
	w.file("union/.wh..wh.plnk/1.2", "AUFS's own")
	return w.finish()
}
