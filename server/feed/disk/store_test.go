package disk

import (
	"bytes"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
)

func TestRetiredFilesLeaveTheDisk(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, Options{SegmentBytes: 16 << 10})
	for range 200 {
		feedtest.MustAppend(t, d, feedtest.Said(string(bytes.Repeat([]byte("x"), 1000))))
	}
	before := listSegments(dir)
	feedtest.Retire(t, d, time.UnixMilli(1), feed.Limits{Age: time.Hour, Entries: 10, Bytes: 1 << 30})
	after := listSegments(dir)
	if len(before) < 10 || len(after) > 2 {
		t.Errorf("there were %d files, and then %d", len(before), len(after))
	}
	feedtest.Retire(t, d, time.Now().Add(2*time.Hour), feed.Limits{Age: time.Hour, Entries: 10, Bytes: 1 << 30})
	if after = listSegments(dir); len(after) != 0 {
		t.Errorf("%d files hold nothing", len(after))
	}
	last := d.Bounds().Last
	_ = d.lockFile.Close() // as after a crash
	d = openDisk(t, dir, Options{})
	if e := feedtest.MustAppend(t, d, feedtest.Said("more")); e[0].Offset != last+1 || d.Damage() != nil {
		t.Errorf("after %d came %d; damage %v", last, e[0].Offset, d.Damage())
	}
}

// What a log is asked, such as for its figures, applies the limits: also while its store is being closed.
func TestLimitsMayBeAppliedWhileTheStoreIsClosed(t *testing.T) {
	for range 20 {
		s := openDisk(t, t.TempDir(), Options{})
		for i := range 100 {
			feedtest.MustAppend(t, s, feedtest.Said(fmt.Sprint(i)))
		}
		var limiting sync.WaitGroup
		limiting.Go(func() {
			for n := 100; n > 0; n-- {
				s.Limit(time.Now(), feed.Limits{Age: time.Hour, Entries: n, Bytes: math.MaxInt64})
			}
		})
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		limiting.Wait()
	}
}
