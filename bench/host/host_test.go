package host

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func shell(t *testing.T, script string) Command {
	t.Helper()
	return Command{Path: "/bin/sh", Args: []string{"-c", script}, Log: filepath.Join(t.TempDir(), "log")}
}

func start(t *testing.T, c Command, stdout *os.File) *Process {
	t.Helper()
	p, err := Start(c, stdout)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAChildHasItsCoreAlone(t *testing.T) {
	var mine unix.CPUSet
	if err := unix.SchedGetaffinity(0, &mine); err != nil {
		t.Fatal(err)
	}
	core := 0
	for !mine.IsSet(core) {
		core++
	}
	c := shell(t, "grep Cpus_allowed_list /proc/self/status")
	c.Core = core
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, c, w)
	_ = w.Close()
	out, err := io.ReadAll(r)
	_ = r.Close()
	if err = errors.Join(err, p.Wait(context.Background())); err != nil {
		t.Fatal(err)
	}
	if fields := strings.Fields(string(out)); len(fields) != 2 || fields[1] != "0" && core == 0 {
		t.Errorf("the child may use %q", out)
	}
	var after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &after); err != nil || after != mine {
		t.Errorf("the bench itself may use %v cores now, %v before", after.Count(), mine.Count())
	}
}

func TestStopEndsAChildThatWillNot(t *testing.T) {
	p := start(t, shell(t, "trap '' TERM; while :; do sleep 0.01; done"), nil)
	if err := p.Stop(50 * time.Millisecond); err != nil {
		t.Error(err)
	}
	if err := unix.Kill(p.PID(), 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("the child is still there: %v", err)
	}
}

func TestWaitEndsAChildWhenTheTimeIsOver(t *testing.T) {
	p := start(t, shell(t, "sleep 60"), nil)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := unix.Kill(p.PID(), 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("the child is still there: %v", err)
	}
}

func TestAServerThatEndsIsNotWaitedFor(t *testing.T) {
	p := start(t, shell(t, "exit 3"), nil)
	addr, err := FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := p.Listening(ctx, addr); err == nil || ctx.Err() != nil {
		t.Errorf("got %v after a server that ended at once", err)
	}
	_ = p.Stop(0)
}

func TestTheMachineIsKnown(t *testing.T) {
	m := ThisMachine()
	if m.Cores < 1 || m.Memory == 0 || m.Processor == "" || m.Files == 0 {
		t.Errorf("got %+v", m)
	}
	if others := Now().Others(Now()); others < 0 || others > 1 {
		t.Errorf("others used a share of %v", others)
	}
}

func TestWhatIsUrgentGoesFirstAndWeDoNot(t *testing.T) {
	c := shell(t, "exec sleep 60")
	c.Urgent = true
	p := start(t, c, nil)
	defer p.Stop(0)
	child, err := unix.SchedGetAttr(p.PID(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if ours.Policy != unix.SCHED_NORMAL {
		t.Errorf("the bench itself has policy %d now", ours.Policy)
	}
	if os.Geteuid() == 0 && child.Policy != unix.SCHED_FIFO {
		t.Errorf("the child has policy %d", child.Policy)
	}
}
