package disk

import (
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"

	"github.com/crier/crier/server/feed/internal/feedtest"
)

func TestMain(m *testing.M) {
	if task, ok := childTasks[os.Getenv("FEED_TEST_CHILD")]; ok {
		task(os.Getenv("FEED_TEST_DIR"))
		return
	}
	goleak.VerifyTestMain(m)
}

// childTasks are what the test binary does as a process of its own.
var childTasks = map[string]func(dir string){}

// child returns the command that does one of them.
func child(t testing.TB, task, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "FEED_TEST_CHILD="+task, "FEED_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

func openDisk(t testing.TB, dir string, opts Options) *Store {
	t.Helper()
	if opts.Logger == nil {
		opts.Logger = feedtest.Quiet
	}
	d, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// listSegments returns the numbers in the names of the segments.
func listSegments(dir string) (bases []uint64) {
	names, _ := realFiles{}.list(dir)
	for _, name := range names {
		if base := baseIn(name); base > 0 {
			bases = append(bases, base)
		}
	}
	return bases
}
