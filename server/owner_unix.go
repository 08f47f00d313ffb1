//go:build unix

package server

import (
	"os"
	"syscall"
)

// ownerOf returns the number of the user that a file belongs to.
func ownerOf(path string) (int, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
