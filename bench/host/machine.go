package host

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// A Machine is what the bench ran on.
type Machine struct {
	Processor string
	Cores     int
	Memory    uint64 // bytes
	Kernel    string
	Files     uint64 // open files that one process may have
}

// ThisMachine looks at the machine, and lets children open as many files as they may.
func ThisMachine() Machine {
	m := Machine{Processor: processor(), Cores: runtime.NumCPU()}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.Memory = info.Totalram * uint64(info.Unit)
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
	}
	m.Files = raiseFiles()
	return m
}

// raiseFiles raises the limit to the hard one, and that one too where the user may.
func raiseFiles() uint64 {
	const wanted = 120_000
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	higher := unix.Rlimit{Cur: max(limit.Max, wanted), Max: max(limit.Max, wanted)}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &higher) == nil {
		return higher.Cur
	}
	limit.Cur = limit.Max
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) // what is there is enough for most works
	return limit.Cur
}

func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range bytes.Lines(info) {
		if name, value, ok := strings.Cut(string(line), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func (m Machine) String() string {
	return fmt.Sprintf("%s, %d cores, %.0f GiB, %s, %d open files for one process",
		m.Processor, m.Cores, float64(m.Memory)/(1<<30), m.Kernel, m.Files)
}

// Says returns the first line that a command prints, or why it does not.
func Says(ctx context.Context, dir, name string, args ...string) string {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "unknown (" + err.Error() + ")"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
