package disk

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
)

func init() {
	childTasks["wait for the disk on one processor"] = func(dir string) { os.Exit(waitOnOneProcessor(dir)) }
}

// waitOnOneProcessor counts how often another goroutine can run while the disk syncs. It ends with 0 if that is
// mostly so.
func waitOnOneProcessor(dir string) int {
	runtime.GOMAXPROCS(1)
	f, err := realFiles{}.open(dir+"/file", os.O_CREATE|os.O_RDWR)
	if err != nil {
		return 3
	}
	const rounds = 200
	ran := 0
	for range rounds {
		_, _ = f.WriteAt(zeros[:64<<10], 0)
		_ = f.Sync()
		_, _ = f.WriteAt(zeros[:64<<10], 0)
		var done atomic.Bool
		meanwhile := false
		ended := make(chan struct{})
		go func() { // runs when the processor is given away: there is only one
			meanwhile = !done.Load()
			close(ended)
		}()
		_ = f.Sync()
		done.Store(true)
		<-ended
		if meanwhile {
			ran++
		}
	}
	if ran < rounds*9/10 {
		return 4
	}
	return 0
}

// Without the runtime being told that a sync waits, nothing else runs meanwhile on the only processor, until a
// watchdog looks: at times for 10 ms.
func TestASyncGivesTheOnlyProcessorAway(t *testing.T) {
	if err := child(t, "wait for the disk on one processor", t.TempDir()).Run(); err != nil {
		t.Error(err)
	}
}

func TestASyncSurvivesACollectionAndTellsWhatFailed(t *testing.T) {
	f, err := realFiles{}.open(t.TempDir()+"/file", os.O_CREATE|os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC() // stops all goroutines, whatever they wait for
			}
		}
	}()
	for range 300 {
		_, _ = f.WriteAt([]byte("x"), 0)
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-ended
	_ = f.Close()
	if err := f.Sync(); err == nil {
		t.Error("a closed file is synced")
	}
	if err := fdatasync(1 << 20); err != syscall.EBADF {
		t.Errorf("a wrong descriptor: %v", err)
	}
}
