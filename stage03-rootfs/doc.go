// Package rootfs gives a container a root of its own: stage 3.
//
// The clone of stage 1 left the child in a new mount namespace that still
// shows the host's files. This stage builds another tree of mounts next to it,
// turns the process around into that tree with pivot_root, lets the old one
// go, and then takes from the process what it shouldn't have: its identity,
// its capabilities, its way to more of them.
//
// It exports two shares of the inside list. Enter builds and enters the root;
// Confine limits the process, and is also what a command takes that joins a
// running container, where there is nothing left to mount.
//
// Two rules hold throughout. No path of the container is ever used as a
// string where the kernel could be led astray by a symbolic link: it is opened
// once, inside the container's root (openat2(2), RESOLVE_IN_ROOT), and what
// follows works on the descriptor. And no mount is ever attached before it has
// its final flags: it is made detached (fsmount(2), open_tree(2)), changed
// (mount_setattr(2)), and only then put in its place (move_mount(2)), so that
// there is no moment in which a read-only volume can be written.
//
// Read on in mount_namespaces(7), pivot_root(2), path_resolution(7),
// capabilities(7), credentials(7), proc(5), sysfs(5), devpts(4).
package rootfs
