//go:build unix

package certificates

import (
	"os"
	"syscall"
)

func ownerOf(info os.FileInfo) owner {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return owner{stat.Uid, stat.Gid}
	}
	return owner{}
}
