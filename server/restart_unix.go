//go:build unix

package server

import (
	"os"
	"syscall"
)

// restartSignal asks Crier to stop and says that it will be started again at once.
var restartSignal os.Signal = syscall.SIGUSR2
