package seccomp

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// Compile turns a profile into a filter: an array of struct sock_filter, in
// the machine's byte order, ready for SECCOMP_SET_MODE_FILTER.
//
// It fails closed: a comparison or an action that it doesn't know is an error.
// A system call that it doesn't know is none, since profiles are written for
// many kernels and machines at once; no program can make that call by name.
func (p *Profile) Compile(t Target) ([]byte, error) {
	program, err := p.compile(t)
	if err != nil {
		return nil, fmt.Errorf("compile seccomp profile: %w", err)
	}
	return program, nil
}

func (p *Profile) compile(t Target) ([]byte, error) {
	if err := checkFlags(p.Flags); err != nil {
		return nil, err
	}
	byDefault, err := parseAction(p.DefaultAction, p.DefaultErrnoRet)
	if err != nil {
		return nil, err
	}
	abis, err := p.abis(t)
	if err != nil {
		return nil, err
	}
	chosen, err := p.rules(t)
	if err != nil {
		return nil, err
	}
	rules, err := understandAll(chosen, byDefault)
	if err != nil {
		return nil, err
	}
	w := newWriter()
	next := w.answer(KillProcess) // by an ABI that nobody has thought of, all calls look like others
	for _, a := range slices.Backward(abis) {
		next = w.branch(unix.BPF_JEQ, a.audit, w.judge(a, rules, byDefault), next)
	}
	w.load(offsetArch, next)
	return w.bytes()
}

// judge writes what is done with the calls of one ABI.
func (w *writer) judge(a abi, rules []judged, byDefault Action) label {
	numbers, newest := a.numbers()
	rows := a.runs(verdicts(rules, numbers, byDefault), newest, byDefault)
	clear(w.chains) // another ABI compares its arguments otherwise
	return w.load(offsetNumber, w.search(a, rows))
}

// search writes a binary search for the number in A.
//
// It only compares, so A is the number to the very leaf. A chain of
// comparisons, which loads arguments into A, never leads back here: it ends in
// an answer. A well-known compiler got this wrong, and the filter it made of
// Docker's profile judged the calls that came later in the list by an argument
// of the call, in place of its number.
func (w *writer) search(a abi, rows []run) label {
	if len(rows) == 1 {
		return w.verdict(a, rows[0].verdict)
	}
	middle := len(rows) / 2
	high := w.search(a, rows[middle:])
	low := w.search(a, rows[:middle])
	return w.branch(unix.BPF_JGE, rows[middle].first, high, low)
}

// verdict writes a leaf: an answer, or a chain of comparisons and their
// answers. Calls that share a verdict share it.
func (w *writer) verdict(a abi, v verdict) label {
	if len(v.clauses) == 0 {
		return w.answer(v.otherwise)
	}
	if there, ok := w.chains[v.same()]; ok {
		return there
	}
	start := w.answer(v.otherwise)
	for _, c := range slices.Backward(v.clauses) {
		no := start
		start = w.answer(c.action)
		for _, condition := range slices.Backward(c.all) {
			start = w.compare(a, condition, start, no)
		}
	}
	w.chains[v.same()] = start
	return start
}
