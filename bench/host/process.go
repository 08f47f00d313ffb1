// Package host starts the processes of a bench, each on its own core, and sees to it that they end.
package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Command is what to start.
type Command struct {
	Path string
	Args []string
	Dir  string   // "": the current one
	Env  []string // added to the bench's own
	Core int      // the only core it may use
	Log  string   // a file that takes what it prints to stderr

	// Urgent puts it before all others on its core, as far as the system lets us: what measures must not wait for what
	// loads.
	Urgent bool
}

// A Process is a child that runs. It ends with the bench, however that ends.
type Process struct {
	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{}
	err   error // of Wait; read after ended
}

// Start starts c; stdout may be nil.
func Start(c Command, stdout *os.File) (*Process, error) {
	log, err := os.Create(c.Log)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir, cmd.Env, cmd.Stderr = c.Dir, append(os.Environ(), c.Env...), log
	if stdout != nil {
		cmd.Stdout = stdout
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := startOn(c.Core, c.Urgent, cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", c.Path, err), log.Close())
	}
	p := &Process{cmd: cmd, log: log, ended: make(chan struct{})}
	go func() { // ends with the process
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// startOn starts cmd from a thread that may use one core only, which the child inherits: so it knows of no other from
// its first instruction on, and a Go runtime sizes itself for one. The same goes for its urgency.
func startOn(core int, urgent bool, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	one.Set(core)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("core %d: %w", core, err)
	}
	if urgent && unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1},
		0) == nil {
		defer func() { // a thread may always give it up
			_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}, 0)
		}()
	}
	err := cmd.Start()
	return errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Wait waits until the process has ended by itself, or ctx is over, which ends it.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.ended:
		return errors.Join(p.err, p.log.Close())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.Stop(0))
	}
}

// Ask asks the process to end, and does not wait.
func (p *Process) Ask() error {
	select {
	case <-p.ended:
		return nil
	default:
		return p.cmd.Process.Signal(syscall.SIGTERM)
	}
}

// Stop asks the process to end, and after grace ends it. It returns when the process is gone.
func (p *Process) Stop(grace time.Duration) error {
	if grace > 0 {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
		select {
		case <-p.ended:
			return p.log.Close()
		case <-time.After(grace):
		}
	}
	_ = p.cmd.Process.Kill() // it may be gone already
	<-p.ended
	return p.log.Close()
}

// Listening waits until the process takes connections at addr.
func (p *Process) Listening(ctx context.Context, addr string) error {
	for {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("it has ended: %w; see %s", p.err, p.log.Name())
		case <-ctx.Done():
			return fmt.Errorf("it does not listen on %s: %w", addr, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// FreeAddr returns an address of the loopback network that nobody listens on.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
