package disk

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/crier/crier/server/feed/internal/feedtest"
)

// slowly copies a file a little at a time, while the store goes on.
func slowly(from, to string, step func()) error {
	in, err := os.Open(from)
	if err != nil {
		return nil // it was retired meanwhile
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	for {
		_, err := io.CopyN(out, in, 1500)
		step()
		if err == io.EOF {
			return out.Close()
		}
		if err != nil {
			return err
		}
	}
}

func run(name string, args ...string) func(from, to string, step func()) error {
	return func(from, to string, step func()) error {
		for i, a := range args {
			args[i] = strings.NewReplacer("FROM", from, "TO", to).Replace(a)
		}
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, out)
		}
		return nil
	}
}

// inOrder copies the files one after the other.
func inOrder(order func(names []string)) func(from, to string, step func()) error {
	return func(from, to string, step func()) error {
		names, _ := realFiles{}.list(from)
		order(names)
		for _, name := range names {
			if name != "feed.lock" && name != "feed.mark" {
				if err := slowly(filepath.Join(from, name), filepath.Join(to, name), step); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// TestACopyOfAFolderInUseHasWhatWasAcknowledgedBefore copies while the store takes in more, begins files and, at
// times, retires others.
func TestACopyOfAFolderInUseHasWhatWasAcknowledgedBefore(t *testing.T) {
	for name, copyIt := range map[string]func(from, to string, step func()) error{
		"cp":                    run("cp", "-r", "FROM/.", "TO"),
		"tar":                   run("sh", "-c", "tar -C FROM -cf - . 2>/dev/null | tar -C TO -xf -"),
		"rsync":                 run("rsync", "-a", "FROM/", "TO/"),
		"slowly, by name":       inOrder(func([]string) {}),
		"slowly, in reverse":    inOrder(slices.Reverse),
		"slowly, state first":   inOrder(func(names []string) { slices.SortFunc(names, stateFirst) }),
		"the tool's own backup": func(from, to string, _ func()) error { _ = os.Remove(to); return Backup(from, to) },
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(name); err != nil && (name == "rsync" || name == "tar") {
				t.Skip("there is no " + name)
			}
			dir, to := t.TempDir(), t.TempDir()
			d := openDisk(t, dir, Options{SegmentBytes: 10 << 10})
			more := func() {
				e := feedtest.Said(strings.Repeat("x", 400))
				e.Attachments = [][]byte{make([]byte, 700)}
				feedtest.MustAppend(t, d, e)
			}
			for range 100 {
				more()
			}
			known := feedtest.Everything(t, d)
			var stop atomic.Bool
			ended := make(chan struct{})
			slow := strings.HasPrefix(name, "slowly")
			go func() {
				defer close(ended)
				for !slow && !stop.Load() {
					more()
				}
			}()
			err := copyIt(dir, to, more)
			stop.Store(true)
			<-ended
			if err != nil {
				t.Fatal(err)
			}
			copied := openDisk(t, to, Options{})
			got := feedtest.Everything(t, copied)
			if len(got) < len(known) || !feedtest.SameTexts(got[:len(known)], known) {
				t.Fatalf("of %d entries %d are there; damage %v", len(known), len(got), copied.Damage())
			}
			expectSeam(t, copied.Bounds(), feedtest.Everything(t, d))
		})
	}
}

func stateFirst(a, b string) int {
	state := func(name string) int {
		if name == "feed.state" {
			return 0
		}
		return 1
	}
	return state(a) - state(b)
}
