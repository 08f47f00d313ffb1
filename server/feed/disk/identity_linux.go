package disk

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

func identify(path string, info fs.FileInfo) (identity, error) {
	var x unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_INO|unix.STATX_BTIME, &x)
	if err != nil { // a system or a sandbox without statx
		stat, _ := info.Sys().(*syscall.Stat_t)
		return identity{inode: stat.Ino}, nil
	}
	id := identity{inode: x.Ino}
	if x.Mask&unix.STATX_BTIME != 0 {
		id.born = x.Btime.Sec*1e9 + int64(x.Btime.Nsec)
	}
	return id, nil
}
