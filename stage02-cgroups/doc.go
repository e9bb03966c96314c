// Package cgroups limits what a container may use, counts what it uses, and
// holds all its processes in one hand: stage 2 of the book, and its chapter is
// docs/02-cgroups.md.
//
// A cgroup is a directory. Making the directory makes the group, writing a pid
// into one of its files moves a process, writing a number into another sets a
// limit, reading a third tells what was used, and rmdir removes it. All that
// is left to teach is the order: the limits stand before the first process
// comes in, the first process is born inside, and the directory goes when the
// last process has gone.
//
// The kernel has this twice. Version 2 is one tree with all controllers in it;
// version 1 is a tree for each controller. Both work here, and a mixed system
// ("hybrid") counts as version 1.
//
//	spec.go       what can be limited
//	steps.go      the order
//	hierarchy.go  which trees this machine has
//	group.go      one container's directory in each of them
//	create.go     making it; enter.go: being born inside; delegate.go: without root
//	memory.go, cpu.go, cpuset.go, pids.go, io.go, hugetlb.go, rdma.go: one controller each
//	unified.go    what has no field; pressure.go: who waited; machine.go: of how much
//	devices.go: which devices; device.go: a rule, devicetable.go: what a list
//	of rules means, devices1.go and devices2.go: how each version is told,
//	bpf.go: the system call that takes version 2's program
//	limit.go, stats.go, oom.go, oomwatch.go, freeze.go, kill.go, remove.go: what one does with a group
//
// To read beside it: cgroups(7), cgroup_namespaces(7), clone(2) on
// CLONE_INTO_CGROUP, the kernel's admin-guide/cgroup-v2.rst and
// admin-guide/cgroup-v1/.
package cgroups
