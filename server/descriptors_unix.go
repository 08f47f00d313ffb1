//go:build unix

package server

import "syscall"

// descriptors returns how many files and connections the system lets this process have open, 0 if it does not tell.
// Go has raised the soft limit to the hard one when the process began (package syscall, rlimit.go).
func descriptors() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return uint64(limit.Cur)
}
