package images

import (
	"os"

	"golang.org/x/sys/unix"
)

// topDir is FS_TOPDIR_FL of linux/fs.h, the attribute T of chattr(1).
const topDir = 0x00020000

// spreadApart tells the file system that the directories in this one have
// nothing to do with each other. Ext4 then puts each layer into a group of
// inodes of its own, where it would put them all into the one of the directory.
// That shows when a layer is made soon after another was removed: without a
// journal ext4 keeps off an inode for minutes after its file is gone, and asks
// each of thousands for every file that it makes; see recently_deleted in
// fs/ext4/ialloc.c. It is a hint: other file systems don't know it.
func spreadApart(dir string) {
	file, err := os.Open(dir)
	if err != nil {
		return
	}
	defer file.Close()
	fd := int(file.Fd())
	if flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS); err == nil {
		_ = unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(flags|topDir))
	}
}
