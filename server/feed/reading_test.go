package feed

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestNothingIsLostOrDoubledAtTheSeam has readers come while entries are published: what each reads up to the seam, and
// what it is passed after, must be everything once.
func TestNothingIsLostOrDoubledAtTheSeam(t *testing.T) {
	onEachStore(t, func(t *testing.T, s Store, _ func() Store) {
		const entries = 2000
		l := newLog(t, s, Options{Recent: 100})
		type listener struct{ heard []uint64 }
		var listeners []*listener // used by the publisher only
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
					for after := uint64(0); after < last; after = got[len(got)-1] {
						page, err := l.Read(after, last, 300, 1<<20)
						if err != nil || len(page) == 0 {
							t.Errorf("after %d: %d entries, %v", after, len(page), err)
							return
						}
						for _, e := range page {
							got = append(got, e.Offset)
						}
					}
					poll(t, func() bool { return l.Last() == entries })
					_ = l.Seam(t.Context(), func(uint64) { got = append(got, me.heard...) })
				})
			}
			err := l.Append(said(fmt.Sprint(i)), func(e *Entry, _ bool, _ error) {
				offset := e.Offset
				for _, r := range listeners {
					r.heard = append(r.heard, offset)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		readers.Wait()
		for range 50 {
			got := <-all
			for i, offset := range got {
				if offset != uint64(i+1) {
					t.Fatalf("heard %d where %d was due", offset, i+1)
				}
			}
			if len(got) != entries {
				t.Fatalf("heard %d of %d", len(got), entries)
			}
		}
	})
}

func TestReadingTellsWhatIsNoLongerHeld(t *testing.T) {
	onEachStore(t, func(t *testing.T, s Store, _ func() Store) {
		l := newLog(t, s, Options{MaxEntries: 100, Recent: 10})
		for i := range 500 {
			appendAndWait(t, l, said(fmt.Sprint(i)))
		}
		poll(t, func() bool { return l.First() == 401 })
		first := l.First()
		got, err := l.Read(7, 0, 5, 1<<20)
		if err != nil || len(got) != 5 || got[0].Offset != first {
			t.Errorf("the oldest is %d; read %v, %v", first, got, err)
		}
		if _, ok := l.Recent(480); ok {
			t.Error("memory held more than it should")
		}
		if got, ok := l.Recent(495); !ok || len(got) != 5 || got[4].Offset != 500 {
			t.Errorf("recently: %v", got)
		}
		for _, before := range []uint64{0, 501, 9999} {
			if got, err = l.Before(before, 20, 1<<20); err != nil || len(got) != 20 || got[19].Offset != 500 {
				t.Errorf("before %d: %v, %v", before, got, err)
			}
		}
		if got, err = l.Before(first+2, 20, 1<<20); err != nil || len(got) != 2 || got[0].Offset != first {
			t.Errorf("at the oldest end: %v, %v", got, err)
		}
		if got, err = l.Before(500, 3, 1<<20); err != nil || len(got) != 3 || got[2].Offset != 499 {
			t.Errorf("from memory: %v, %v", got, err)
		}
		if got, _ = l.Read(900, 0, 5, 1<<20); len(got) != 0 {
			t.Errorf("after what was never given: %v", got)
		}
	})
}

func TestAgeIsLookedAtThoughNobodyAppends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t, NewMemory(0), Options{MaxAge: time.Hour})
		appendAndWait(t, l, Entry{Data: []byte("1")})
		time.Sleep(59 * time.Minute)
		if l.First() != 1 {
			t.Error("retired too early")
		}
		time.Sleep(3 * time.Minute)
		if l.First() != 2 {
			t.Error("not retired")
		}
		_ = l.Close(t.Context())
	})
}

func TestAClockThatGoesBackRetiresNothingEarly(t *testing.T) {
	onEachStore(t, func(t *testing.T, s Store, _ func() Store) {
		now := time.Now()
		l := newLog(t, s, Options{MaxAge: time.Hour})
		for _, at := range []time.Duration{0, -30 * time.Minute, 48 * time.Hour, -10 * time.Minute} {
			e := said("a")
			e.At = now.Add(at).UnixMilli()
			appendAndWait(t, l, e)
		}
		retire(t, s, now, Limits{Age: time.Hour, Entries: 100, Bytes: 1 << 20})
		if first, last := s.Bounds(); first != 1 || last != 4 {
			t.Errorf("%d to %d are held", first, last)
		}
		retire(t, s, now.Add(2*time.Hour), Limits{Age: time.Hour, Entries: 100, Bytes: 1 << 20})
		if first, last := s.Bounds(); first != 3 || last != 4 {
			t.Errorf("two hours later %d to %d are held", first, last)
		}
	})
}

func TestAFormerLifeInMemoryIsNotMistakenForThisOne(t *testing.T) {
	before := AboveFormerLives(time.Now())
	m := NewMemory(before)
	mustAppend(t, m, said("a"))
	if next := AboveFormerLives(time.Now().Add(time.Millisecond)); next <= before+1 {
		t.Errorf("started at %d, then at %d", before, next)
	}
	if m.last >= 1<<53 {
		t.Errorf("%d is not a JavaScript number", m.last)
	}
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	for _, o := range []Options{{MaxAge: -1}, {MaxEntries: -1}, {MaxBytes: -1}, {MaxPendingBytes: 1000}} {
		if _, err := New(NewMemory(0), o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
