package feed

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
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

var quiet = slog.New(slog.DiscardHandler)

func openDisk(t testing.TB, dir string, opts DiskOptions) *Disk {
	t.Helper()
	if opts.Logger == nil {
		opts.Logger = quiet
	}
	d, err := OpenDisk(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func said(text string) Entry {
	return Entry{At: time.Now().UnixMilli(), From: "ann", ID: "a1", Data: []byte(fmt.Sprintf("%q", text))}
}

func repeatable(sender, key string) Entry {
	e := said(sender + " " + key)
	e.Sender, e.Key = sender, key
	return e
}

func mustAppend(t testing.TB, s Store, entries ...Entry) []Entry {
	t.Helper()
	if _, err := s.Append(entries); err != nil {
		t.Fatal(err)
	}
	return entries
}

func everything(t testing.TB, s Store) []Entry {
	t.Helper()
	entries, err := s.Read(0, 1<<30, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	first, last := s.Bounds()
	for i, e := range entries {
		if e.Offset != first+uint64(i) {
			t.Fatalf("entry %d has the offset %d; the first is %d", i, e.Offset, first)
		}
	}
	if uint64(len(entries)) != last+1-first {
		t.Fatalf("%d entries from %d to %d", len(entries), first, last)
	}
	return entries
}
