package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// clockTick is what Linux counts processor time in for /proc (USER_HZ, 100 on every architecture that Go runs on).
const clockTick = 10 * time.Millisecond

// cpuTime returns the processor time of a process, user and system.
func cpuTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, fields, _ := bytes.Cut(stat, []byte(") ")) // behind the name, from field 3 on
	words := bytes.Fields(fields)
	if len(words) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is short", pid)
	}
	user, userErr := strconv.ParseInt(string(words[11]), 10, 64)
	system, systemErr := strconv.ParseInt(string(words[12]), 10, 64)
	if userErr != nil || systemErr != nil {
		return 0, fmt.Errorf("/proc/%d/stat can't be read", pid)
	}
	return time.Duration(user+system) * clockTick, nil
}

// residentSize returns the resident memory of a process in bytes.
func residentSize(pid int) (int64, error) {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	words := bytes.Fields(statm)
	if len(words) < 2 {
		return 0, fmt.Errorf("/proc/%d/statm is short", pid)
	}
	pages, err := strconv.ParseInt(string(words[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// ownTime returns the generator's own processor time.
func ownTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A meter measures from start to stop.
type meter struct {
	pid         int
	at          time.Time
	server, own time.Duration
}

// start begins a measurement; of a server that can't be looked at, pid 0, it knows no processor time.
func (m *meter) start() (err error) {
	if m.pid != 0 {
		m.server, err = cpuTime(m.pid)
	}
	m.own, m.at = ownTime(), time.Now()
	return err
}

// stop notes in r what was used since start.
func (m *meter) stop(r *Result) error {
	r.Seconds = time.Since(m.at).Seconds()
	r.LoadCPU = ownTime() - m.own
	if m.pid == 0 {
		return nil
	}
	server, err := cpuTime(m.pid)
	r.ServerCPU = server - m.server
	return err
}
