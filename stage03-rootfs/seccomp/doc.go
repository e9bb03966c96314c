// Package seccomp turns a list of permitted system calls into the program that
// the kernel runs before each of them.
//
// A process hands the kernel a small program, the filter, and from then on the
// kernel runs it at every system call that the process or a descendant makes.
// The program sees this, struct seccomp_data, and nothing else: no memory of
// the process, so that nobody can change what was judged after it was judged.
//
//	 0        4        8                16       24             64
//	┌────────┬────────┬────────────────┬────────┬──────── … ───┐
//	│ number │ arch   │ instruction    │ args[0]│ args[1] … [5]│
//	└────────┴────────┴────────────────┴────────┴──────── … ───┘
//	  read is 0 on     where the call    64 bits each, in the
//	  x86-64, 3 on     was made          machine's byte order
//	  i386, hence arch
//
// It answers with 32 bits: let it pass, fail it with an errno, kill the process.
//
// The language is classic BPF of 1992, in which tcpdump says which packets it
// wants. There is one register, A; instructions take eight bytes and only jump
// forward, so every program ends:
//
//	 0        2    3    4        8     code  load, and, jump if =, > or >=, return
//	┌────────┬────┬────┬────────┐      jt    skip so many instructions if it is true
//	│ code   │ jt │ jf │ k      │      jf    … and so many if it is not
//	└────────┴────┴────┴────────┘      k     offset, constant, or answer
//
// What we compile looks like this. The kernel allows 4096 instructions;
// Docker's profile takes 416, and some ten of them are run for a call.
//
//	A = arch
//	A == x86-64? ──▶ A = number
//	A == i386?  ─┐   A >= 222? ──▶ A >= 311? ──▶ …     numbers in a row that share
//	return KILL  │      └▶ A >= 97? ──▶ …              an answer are one leaf of a
//	             │            └▶ return ALLOW          balanced tree
//	             │                 └▶ A = args[0] …    calls that it depends on their
//	             └─▶ A = number …                      arguments: a chain of comparisons
//
// Read on in profile.go (the words), verdict.go (what they mean for a number),
// write.go and compile.go (the program), interpret.go (running it), and then in
// seccomp(2) and Documentation/userspace-api/seccomp_filter.rst of the kernel.
//
// Why not libseccomp, which runc uses? It is written in C, and this engine is
// one static binary that needs no C compiler. It compiles the same profile to
// a list that is searched from its beginning. Both answer alike: a test
// compares them on tens of thousands of calls.
package seccomp

//go:generate go run generate.go
