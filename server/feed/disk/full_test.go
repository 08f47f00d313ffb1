package disk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
)

// expectRefusedThenTaken appends while the disk fails in a way, and again when it does not any more.
func expectRefusedThenTaken(t *testing.T, operation string, partial int) {
	var disk faulty
	dir := t.TempDir()
	d := openDisk(t, dir, Options{SegmentBytes: 10 << 10, files: &disk})
	var stored []feed.Entry
	for i := range 40 {
		disk.partial = partial * i
		stored = append(stored, feedtest.MustAppend(t, d, feedtest.Repeatable("ann", fmt.Sprint(i)))...)
		disk.fail(operation, syscall.EIO)
		for _, size := range []int{10, 3000} {
			e := feedtest.Repeatable("ann", "next")
			e.Data = []byte(strings.Repeat("x", size))
			_, err := feedtest.Append(d, []feed.Entry{e, feedtest.Said("b")})
			if !errors.Is(err, syscall.EIO) && operation != "open" {
				t.Fatalf("Append says: %v", err)
			}
			if err == nil {
				stored = append(stored, mustRead(t, d, stored)...)
			}
		}
		if operation != "open" && d.Probe(context.Background()) == nil {
			t.Error("the probe says that all is well")
		}
		disk.fail(operation, nil)
		if err := d.Probe(context.Background()); err != nil {
			t.Errorf("then the probe says: %v", err)
		}
		refused := feedtest.Repeatable("ann", fmt.Sprint("refused ", i))
		disk.fail(operation, syscall.EIO)
		if _, err := feedtest.Append(d, []feed.Entry{refused}); err == nil {
			stored = append(stored, mustRead(t, d, stored)...)
		} else {
			disk.fail(operation, nil)
			stored = append(stored, feedtest.MustAppend(t, d, refused)...)
		}
		disk.fail(operation, nil)
		if got := feedtest.Everything(t, d); !feedtest.SameTexts(got, stored) {
			t.Fatalf("%d entries were stored and %d are there", len(stored), len(got))
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openDisk(t, dir, Options{})
	if got := feedtest.Everything(t, d); !feedtest.SameTexts(got, stored) || d.Damage() != nil {
		t.Errorf("opened again: %d of %d entries; damage %v", len(got), len(stored), d.Damage())
	}
}

// mustRead returns what is stored behind the given entries.
func mustRead(t *testing.T, s feed.Store, known []feed.Entry) []feed.Entry {
	t.Helper()
	got, err := s.Read(context.Background(), known[len(known)-1].Offset, 1000, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestADiskThatRefusesLeavesTheStoreAsItWas(t *testing.T) {
	t.Run("write", func(t *testing.T) { expectRefusedThenTaken(t, "write", 0) })
	t.Run("write in part", func(t *testing.T) { expectRefusedThenTaken(t, "write", 7) })
	t.Run("sync", func(t *testing.T) { expectRefusedThenTaken(t, "sync", 0) })
	t.Run("open", func(t *testing.T) { expectRefusedThenTaken(t, "open", 0) })
}

func TestWhatCannotBeCutOffIsNotBuiltUpon(t *testing.T) {
	var disk faulty
	d := openDisk(t, t.TempDir(), Options{files: &disk})
	a := feedtest.MustAppend(t, d, feedtest.Said("a"))
	disk.fail("sync", syscall.EIO)
	disk.fail("truncate", syscall.EROFS)
	if _, err := feedtest.Append(d, []feed.Entry{feedtest.Said("lost")}); !errors.Is(err, syscall.EIO) {
		t.Errorf("Append says: %v", err)
	}
	disk.fail("sync", nil)
	if _, err := feedtest.Append(d, []feed.Entry{feedtest.Said("lost")}); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Append says: %v", err)
	}
	disk.fail("truncate", nil)
	if e := feedtest.MustAppend(t, d, feedtest.Said("b")); e[0].Offset != a[0].Offset+1 ||
		len(feedtest.Everything(t, d)) != 2 {
		t.Errorf("then: %v", e)
	}
}

func TestRetiringThatFailsIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	var disk faulty
	d, all := filled(t, dir, Options{files: &disk})
	limits := feed.Limits{Age: 1 << 62, Entries: 10, Bytes: 1 << 30}
	disk.fail("remove", syscall.EIO)
	d.Limit(time.Now(), limits)
	if err := d.Retire(t.Context()); err == nil {
		t.Error("Retire says nothing")
	}
	disk.fail("remove", nil)
	feedtest.MustAppend(t, d, feedtest.Said("more"))
	feedtest.Retire(t, d, time.Now(), limits)
	if got := feedtest.Everything(t, d); len(got) != 10 || got[8].Offset != all[len(all)-1].Offset {
		t.Errorf("%d entries are held", len(got))
	}
	if bases := listSegments(dir); len(bases) > 3 {
		t.Errorf("%d files are left", len(bases))
	}
}

func TestAFileThatCannotBeRemovedIsNotAppendedTo(t *testing.T) {
	var disk faulty
	dir := t.TempDir()
	d := openDisk(t, dir, Options{files: &disk})
	a := feedtest.MustAppend(t, d, feedtest.Said("a"))
	disk.fail("remove", syscall.EIO)
	none := feed.Limits{Age: 1 << 62, Bytes: 1 << 30}
	d.Limit(time.Now(), none)
	d.Limit(time.Now(), feed.Limits{Age: 1 << 62, Entries: 1000, Bytes: 1 << 30})
	if err := d.Retire(t.Context()); err == nil {
		t.Error("Retire says nothing")
	}
	crashed := openDisk(t, copyOf(t, dir), Options{})
	if got := feedtest.Everything(t, crashed); len(got) > 1 {
		t.Errorf("%d entries are there after a crash", len(got))
	}
	if e := feedtest.MustAppend(t, d, feedtest.Said("b")); e[0].Offset != a[0].Offset+1 ||
		len(feedtest.Everything(t, d)) != 1 {
		t.Errorf("then: %v", e)
	}
	disk.fail("remove", nil)
	feedtest.Retire(t, d, time.Now(), none)
	if bases := listSegments(dir); len(bases) != 0 {
		t.Errorf("%d files are left", len(bases))
	}
}
