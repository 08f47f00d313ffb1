package command

import (
	"io"

	"github.com/crier/crier/server/command/doctor"
)

// Doctor does `crier doctor ARGS` and returns the exit code.
func Doctor(args []string, stdout, stderr io.Writer) int { return doctor.Run(args, stdout, stderr) }
