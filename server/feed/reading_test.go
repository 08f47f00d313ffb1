package feed_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
	"github.com/crier/crier/server/feed/memory"
)

// TestNothingIsLostOrDoubledAtTheSeam has readers come while entries are published: what each reads up to the seam,
// and what the tail tells it after, must be everything once.
func TestNothingIsLostOrDoubledAtTheSeam(t *testing.T) {
	onEachStore(t, func(t *testing.T, s feed.Store, _ func() feed.Store) {
		const entries = 2000
		l := feedtest.NewLog(t, s, feed.Options{Recent: 100})
		base := l.Last()
		type listener struct{ heard []uint64 }
		var listeners []*listener // used by the publisher only
		l.Follow(func(e *feed.Entry) {
			for _, r := range listeners {
				r.heard = append(r.heard, e.Offset)
			}
		})
		var readers sync.WaitGroup
		all := make(chan []uint64, 50)
		for i := range entries {
			if i%(entries/50) == 0 {
				readers.Go(func() {
					var me listener
					var last uint64
					if err := l.Seam(t.Context(), func(at uint64) { listeners, last = append(listeners, &me), at }); err != nil {
						t.Error(err)
					}
					var got []uint64
					defer func() { all <- got }()
					for after := base; after < last; after = got[len(got)-1] {
						page, err := l.Read(t.Context(), after, last, 300, 1<<20)
						if err != nil || len(page.Entries) == 0 || page.Missed {
							t.Errorf("after %d: %d entries, %v", after, len(page.Entries), err)
							return
						}
						for _, e := range page.Entries {
							got = append(got, e.Offset)
						}
						if page.UpTo != got[len(got)-1] {
							t.Errorf("a page up to %d says %d", got[len(got)-1], page.UpTo)
						}
					}
					feedtest.Poll(t, func() bool { return l.Last() == base+entries })
					_ = l.Seam(t.Context(), func(uint64) { got = append(got, me.heard...) })
				})
			}
			if err := l.Append("", feedtest.Said(fmt.Sprint(i)), feedtest.Ignore); err != nil {
				t.Fatal(err)
			}
		}
		readers.Wait()
		for range 50 {
			got := <-all
			for i, offset := range got {
				if offset != base+uint64(i+1) {
					t.Fatalf("heard %d where %d was due", offset, base+uint64(i+1))
				}
			}
			if len(got) != entries {
				t.Fatalf("heard %d of %d", len(got), entries)
			}
		}
	})
}

func TestReadingTellsWhatIsNoLongerHeld(t *testing.T) {
	onEachStore(t, func(t *testing.T, s feed.Store, _ func() feed.Store) {
		l := feedtest.NewLog(t, s, feed.Options{MaxEntries: 100, Recent: 10})
		base := l.Last()
		for i := range 500 {
			feedtest.AppendAndWait(t, l, feedtest.Said(fmt.Sprint(i)))
		}
		feedtest.Poll(t, func() bool { return l.Bounds().First == base+401 })
		first := l.Bounds().First
		got, err := l.Read(t.Context(), base+7, 0, 5, 1<<20)
		if err != nil || len(got.Entries) != 5 || got.Entries[0].Offset != first || !got.Missed || got.UpTo != first+4 {
			t.Errorf("the oldest is %d; read %v, %v", first, got, err)
		}
		if l.Bounds().Complete(base+7) || !l.Bounds().Complete(first-1) || l.Bounds().Complete(base+501) {
			t.Errorf("complete: %+v", l.Bounds())
		}
		if _, ok := l.Recent(base+480, 0, 100, 1<<20); ok {
			t.Error("memory held more than it should")
		}
		if got, ok := l.Recent(base+495, 0, 100, 1<<20); !ok || len(got.Entries) != 5 || got.Entries[4].Offset != base+500 {
			t.Errorf("recently: %v", got)
		}
		for _, before := range []uint64{0, base + 501, base + 9999} {
			if got, err := l.Before(t.Context(), before, 20, 1<<20); err != nil || len(got) != 20 || got[19].Offset != base+500 {
				t.Errorf("before %d: %v, %v", before, got, err)
			}
		}
		if got, err := l.Before(t.Context(), first+2, 20, 1<<20); err != nil || len(got) != 2 || got[0].Offset != first {
			t.Errorf("at the oldest end: %v, %v", got, err)
		}
		if got, err := l.Before(t.Context(), base+500, 3, 1<<20); err != nil || len(got) != 3 || got[2].Offset != base+499 {
			t.Errorf("from memory: %v, %v", got, err)
		}
		if got, _ = l.Read(t.Context(), base+900, 0, 5, 1<<20); len(got.Entries) != 0 {
			t.Errorf("after what was never given: %v", got)
		}
	})
}

func TestAgeIsLookedAtThoughNobodyAppends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := feedtest.NewLog(t, memory.New(0), feed.Options{MaxAge: time.Hour})
		feedtest.AppendAndWait(t, l, feed.Entry{Data: []byte("1")})
		time.Sleep(59 * time.Minute)
		if l.Bounds().First != 1 {
			t.Error("retired too early")
		}
		time.Sleep(3 * time.Minute)
		if l.Bounds().First != 2 {
			t.Error("not retired")
		}
		_ = l.Close(t.Context())
	})
}

func TestAClockThatGoesBackRetiresNothingEarly(t *testing.T) {
	onEachStore(t, func(t *testing.T, s feed.Store, _ func() feed.Store) {
		now, base := time.Now(), s.Bounds().Last
		l := feedtest.NewLog(t, s, feed.Options{MaxAge: time.Hour})
		for _, at := range []time.Duration{0, -30 * time.Minute, 48 * time.Hour, -10 * time.Minute} {
			e := feedtest.Said("a")
			e.At = now.Add(at).UnixMilli()
			feedtest.AppendAndWait(t, l, e)
		}
		feedtest.Retire(t, s, now, feed.Limits{Age: time.Hour, Entries: 100, Bytes: 1 << 20})
		if b := s.Bounds(); b.First != base+1 || b.Last != base+4 {
			t.Errorf("%+v is held", b)
		}
		feedtest.Retire(t, s, now.Add(2*time.Hour), feed.Limits{Age: time.Hour, Entries: 100, Bytes: 1 << 20})
		if b := s.Bounds(); b.First != base+5 || b.Last != base+4 {
			t.Errorf("two hours later %+v is held", b)
		}
	})
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	for _, o := range []feed.Options{{MaxAge: -1}, {MaxEntries: -1}, {MaxBytes: -1}, {MaxPendingBytes: 1000}} {
		if _, err := feed.New(memory.New(0), o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
