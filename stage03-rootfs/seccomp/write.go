package seccomp

import (
	"encoding/binary"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// instruction is one of classic BPF, struct sock_filter; see doc.go.
type instruction = unix.SockFilter

// Where things are in seccomp_data, in bytes. On little-endian machines, which
// ours are, an argument's lower half comes first.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArgs   = 16
	sizeofData   = 64
)

// maxInstructions is the kernel's limit, BPF_MAXINSNS.
const maxInstructions = 4096

// writer writes a program from its end to its beginning. Jumps lead forward
// only, so when a jump is written, what it leads to is there already, and the
// distance is known. (Written the other way round, every jump would have to be
// gone back to.)
type writer struct {
	backwards []instruction
	returns   map[Action]label // the latest of each
	chains    map[string]label // comparisons, by what they decide
}

// label is how many instructions there are from one to the end, itself
// included.
type label int

func newWriter() *writer {
	return &writer{returns: map[Action]label{}, chains: map[string]label{}}
}

func (w *writer) put(i instruction) label {
	w.backwards = append(w.backwards, i)
	return label(len(w.backwards))
}

// distance is what an instruction that is put next would have to skip.
func (w *writer) distance(to label) int { return len(w.backwards) - int(to) }

// maxSkip is what fits into the 8 bits of jt and jf, less one for a
// springboard that may come in between.
const maxSkip = 255 - 1

// near returns a label within reach that leads to the same end: an answer is
// repeated, for anything else there is a springboard, a jump with 32 bits.
func (w *writer) near(to label) label {
	if w.distance(to) <= maxSkip {
		return to
	}
	if i := w.backwards[to-1]; i.Code == unix.BPF_RET|unix.BPF_K {
		return w.put(i)
	}
	return w.jump(to)
}

func (w *writer) jump(to label) label {
	return w.put(instruction{Code: unix.BPF_JMP | unix.BPF_JA | unix.BPF_K, K: uint32(w.distance(to))})
}

// above makes sure that what is put next runs on into a label.
func (w *writer) above(to label) {
	if w.distance(to) > 0 {
		w.jump(to)
	}
}

// branch writes: if A op k, go to yes, else to no.
func (w *writer) branch(op uint16, k uint32, yes, no label) label {
	yes = w.near(yes)
	no = w.near(no)
	return w.put(instruction{
		Code: unix.BPF_JMP | op | unix.BPF_K, K: k,
		Jt: uint8(w.distance(yes)), Jf: uint8(w.distance(no)),
	})
}

// answer writes a return, unless there is one within reach.
func (w *writer) answer(a Action) label {
	if there, ok := w.returns[a]; ok && w.distance(there) <= maxSkip {
		return there
	}
	w.returns[a] = w.put(instruction{Code: unix.BPF_RET | unix.BPF_K, K: uint32(a)})
	return w.returns[a]
}

// load writes A = four bytes of seccomp_data, in front of what it is for.
func (w *writer) load(offset uint32, then label) label { return w.loadMasked(offset, ^uint32(0), then) }

// bytes returns the program as the kernel takes it, with what the kernel
// would refuse refused.
func (w *writer) bytes() ([]byte, error) {
	if len(w.backwards) > maxInstructions {
		return nil, fmt.Errorf("it takes %d instructions, and the kernel allows %d", len(w.backwards), maxInstructions)
	}
	var program []byte
	for _, i := range slices.Backward(w.backwards) {
		program = binary.NativeEndian.AppendUint16(program, i.Code)
		program = append(program, i.Jt, i.Jf)
		program = binary.NativeEndian.AppendUint32(program, i.K)
	}
	return program, nil
}
