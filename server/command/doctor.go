package command

import (
	"io"
	"log"

	"github.com/crier/crier/server/command/doctor"
)

// Doctor does `crier doctor ARGS` and returns the exit code. From then on the process's standard logger is silent:
// net/http's client logs what a server sends unasked to it, and a Transport has no other.
func Doctor(args []string, stdout, stderr io.Writer) int {
	log.SetOutput(io.Discard)
	return doctor.Run(args, stdout, stderr)
}
