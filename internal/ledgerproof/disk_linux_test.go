package ledgerproof_test

import (
	"os"

	"golang.org/x/sys/unix"
)

// mountSmall mounts a disk in memory, or gives the one that is there another size.
func mountSmall(dir, size string, again bool) error {
	var flags uintptr
	if again {
		flags = unix.MS_REMOUNT
	}
	return unix.Mount("scrip", dir, "tmpfs", flags, "size="+size)
}

func unmount(dir string) error { return unix.Unmount(dir, unix.MNT_DETACH) }

// immutable is FS_IMMUTABLE_FL of linux/fs.h.
const immutable = 0x10

// setImmutable makes a file such that nobody can change it, not even who has it open.
func setImmutable(path string, on bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	flags &^= immutable
	if on {
		flags |= immutable
	}
	return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags)
}
