//go:build unix

package feed_test

import (
	"syscall"
	"time"
)

// processorTime returns what the process has used, user and system.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
