// Package archive copies files into a container and out of it.
//
// A path in a container is whatever the container makes of it, at any moment: a
// link may appear in it that leads to the host's /etc. An engine that follows
// such a path from outside, as root, has been led astray again and again
// (CVE-2018-15664, CVE-2019-14271, CVE-2021-41089). So nothing is followed from
// outside here. The files are packed and unpacked by a process that is in the
// container, as confined as any of its commands, and what crosses the border is
// a stream: a tar, through a pipe. That process executes no file of the
// container; it is this program once more (namespaces.Spec.Ourselves).
//
// A tar that comes out of a container is hostile still. The same code unpacks it
// on the host, below a directory that no entry gets out of (os.Root).
package archive
