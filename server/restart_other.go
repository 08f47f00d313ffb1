//go:build !unix

package server

import "os"

// restartSignal asks Crier to stop and says that it will be started again at once; this system has none for it.
var restartSignal os.Signal
