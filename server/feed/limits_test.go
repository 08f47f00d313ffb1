package feed_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
	"github.com/crier/crier/server/feed/memory"
)

// expectNowhere checks that entries before an offset are told in no way.
func expectNowhere(t *testing.T, l *feed.Log, first uint64) {
	t.Helper()
	if b := l.Bounds(); b.First != first {
		t.Errorf("the oldest is %d, want %d", b.First, first)
	}
	check := func(how string, entries []feed.Entry) {
		t.Helper()
		for _, e := range entries {
			if e.Offset < first {
				t.Errorf("%s tells %d, though %d is the oldest", how, e.Offset, first)
				return
			}
		}
	}
	page, err := l.Read(t.Context(), 0, 0, 1000, 1<<20)
	check("Read", page.Entries)
	before, failed := l.Before(t.Context(), 0, 1000, 1<<20)
	check("Before", before)
	if err != nil || failed != nil {
		t.Error(err, failed)
	}
	recent, _ := l.Recent(0, 0, 1000, 1<<20)
	check("Recent", recent.Entries)
	recently, _ := l.RecentBefore(0, 1000, 1<<20)
	check("RecentBefore", recently)
}

func TestWhatIsPastALimitIsNowhere(t *testing.T) {
	onEachStore(t, func(t *testing.T, s feed.Store, _ func() feed.Store) {
		base := s.Bounds().Last
		l := feedtest.NewLog(t, s, feed.Options{MaxEntries: 10})
		for i := range 100 {
			feedtest.AppendAndWait(t, l, feedtest.Said(fmt.Sprint(i)))
			feedtest.Poll(t, func() bool { return l.Bounds().First == base+uint64(max(1, i-8)) })
			expectNowhere(t, l, base+uint64(max(1, i-8)))
		}
	})
	onEachStore(t, func(t *testing.T, s feed.Store, _ func() feed.Store) {
		l := feedtest.NewLog(t, s, feed.Options{MaxBytes: 10_000})
		for i := range 100 {
			feedtest.AppendAndWait(t, l, feedtest.Said(fmt.Sprintf("%0500d", i)))
		}
		feedtest.Poll(t, func() bool { return l.Bounds().First > l.Last()-20 })
		expectNowhere(t, l, l.Bounds().First)
	})
}

// In a room where nothing is said any more, what is too old is not told all the same, though no timer has run.
func TestWhatIsTooOldIsNotToldInAQuietRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := feedtest.NewLog(t, memory.New(0), feed.Options{MaxAge: time.Hour})
		first := feedtest.AppendAndWait(t, l, feed.Entry{Data: []byte("1"), Key: "k", Owner: "o"})
		time.Sleep(30 * time.Minute)
		feedtest.AppendAndWait(t, l, feed.Entry{Data: []byte("2")})
		time.Sleep(30*time.Minute - time.Millisecond)
		expectNowhere(t, l, 1)
		time.Sleep(10 * time.Millisecond)
		expectNowhere(t, l, 2)
		o := feedtest.AppendAndWait(t, l, feed.Entry{Data: []byte("1"), Key: "k", Owner: "o"})
		if o.Repeated || o.Offset == first.Offset {
			t.Errorf("the key of an entry that is past its age: %+v", o)
		}
		time.Sleep(30 * time.Minute)
		expectNowhere(t, l, 3)
		time.Sleep(time.Hour)
		expectNowhere(t, l, 4)
		_ = l.Close(t.Context())
	})
}

func TestHealthTellsThatTheFolderIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lostStore{Store: memory.New(0)}
		l := feedtest.NewLog(t, s, feed.Options{})
		feedtest.AppendAndWait(t, l, feedtest.Said("a"))
		time.Sleep(2 * feed.ProbeEvery)
		if err := l.Health(); err != nil {
			t.Error(err)
		}
		s.lost.Store(true)
		time.Sleep(2 * feed.ProbeEvery)
		if l.Health() == nil {
			t.Error("healthy, and nothing is where it was put")
		}
		s.lost.Store(false)
		time.Sleep(2 * feed.ProbeEvery)
		if err := l.Health(); err != nil {
			t.Error(err)
		}
		_ = l.Close(t.Context())
	})
}

// lostStore is one whose files can go away.
type lostStore struct {
	feed.Store
	lost atomic.Bool
}

func (s *lostStore) Check(context.Context) error {
	if s.lost.Load() {
		return errors.New("the folder is gone")
	}
	return nil
}

func (s *lostStore) Probe(ctx context.Context) error { return s.Check(ctx) }

// lateStore lets something happen right after the limits were applied, before the log knows.
type lateStore struct {
	feed.Store
	then atomic.Pointer[func()]
}

func (s *lateStore) Limit(now time.Time, limits feed.Limits) time.Time {
	due := s.Store.Limit(now, limits)
	if then := s.then.Swap(nil); then != nil {
		(*then)()
	}
	return due
}

// One goroutine finds that nothing is held any more, another stores the next entry: it grows old all the same.
func TestAnEntryThatComesWhileAllOthersExpireGrowsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lateStore{Store: memory.New(0)}
		l := feedtest.NewLog(t, s, feed.Options{MaxAge: 10 * time.Second})
		feedtest.AppendAndWait(t, l, feed.Entry{Data: []byte("1")})
		synctest.Wait()
		time.Sleep(11 * time.Second)
		next := func() {
			if o := feedtest.AppendNow(l, feed.Entry{Data: []byte("2")}); o.Err != nil {
				t.Error(o.Err)
			}
		}
		s.then.Store(&next)
		l.Bounds()
		synctest.Wait()
		time.Sleep(11 * time.Second)
		if b := l.Bounds(); b.First != 3 {
			t.Errorf("after its time the bounds are %+v", b)
		}
		_ = l.Close(t.Context())
	})
}
