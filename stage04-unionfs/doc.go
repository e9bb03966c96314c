// Package unionfs lays directories over one another, so that many containers
// share one image and each has a writable root of its own.
//
// The union is the kernel's: overlayfs shows a stack of read-only lower
// directories under one upper directory that takes every change. An image's
// layers are the lower directories, and they travel as tar archives. So this
// stage has two halves:
//
//   - the step unionfs/overlay, which mounts the stack as the container's root;
//   - Apply, which turns a layer's tar into a directory that overlayfs can use,
//     and Diff, which turns an upper directory back into a layer's tar.
//
// A layer comes from a stranger. Every path in it is resolved by descriptor
// beneath the layer's own directory, and no link in it is followed out of it.
//
// To read: steps.go, overlay.go, then whiteout.go, apply.go and lean.go.
//
// Man pages: mount(8) under "overlay", fsopen(2), fsconfig(2), move_mount(2),
// openat2(2), xattr(7), capabilities(7), tar(5). The kernel's own text is
// Documentation/filesystems/overlayfs.rst; the format of a layer is the image
// specification's layer.md.
package unionfs
