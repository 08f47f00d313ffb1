package feed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func newLog(t testing.TB, s Store, opts Options) *Log {
	t.Helper()
	if opts.Logger == nil {
		opts.Logger = quiet
	}
	l, err := New(s, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return l
}

// outcome is what a Done was told.
type outcome struct {
	offset    uint64
	duplicate bool
	err       error
}

func outcomeOf(e *Entry, duplicate bool, err error) outcome {
	if err != nil {
		return outcome{err: err}
	}
	return outcome{offset: e.Offset, duplicate: duplicate}
}

func appendAndWait(t testing.TB, l *Log, e Entry) outcome {
	t.Helper()
	told := make(chan outcome, 1)
	if err := l.Append(e, func(e *Entry, d bool, err error) { told <- outcomeOf(e, d, err) }); err != nil {
		t.Fatal(err)
	}
	return <-told
}

func ignore(*Entry, bool, error) {}

func TestEntriesArePublishedInTheOrderOfOffsets(t *testing.T) {
	onEachStore(t, func(t *testing.T, s Store, _ func() Store) {
		l := newLog(t, s, Options{})
		var published []outcome // no lock: the publisher is one goroutine
		var senders sync.WaitGroup
		for sender := range 8 {
			senders.Go(func() {
				for i := range 200 {
					e := repeatable(fmt.Sprint(sender), fmt.Sprint(i/2)) // each is said twice
					err := l.Append(e, func(e *Entry, d bool, err error) { published = append(published, outcomeOf(e, d, err)) })
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		senders.Wait()
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		next, duplicates := uint64(1), 0
		for _, o := range published {
			switch {
			case o.err != nil:
				t.Fatal(o.err)
			case o.duplicate && o.offset < next:
				duplicates++
			case o.offset == next:
				next++
			default:
				t.Fatalf("%+v was published when %d was due", o, next)
			}
		}
		if next != 801 || duplicates != 800 || l.Last() != 800 {
			t.Errorf("published up to %d with %d duplicates; last %d", next-1, duplicates, l.Last())
		}
	})
}

func TestEntriesThatComeTogetherShareASync(t *testing.T) {
	var disk faulty
	block, blocked := make(chan struct{}), make(chan struct{})
	var once sync.Once
	disk.syncHook = func() { // the first is for the file
		if disk.syncs == 2 {
			once.Do(func() { close(blocked); <-block })
		}
	}
	l := newLog(t, openDisk(t, t.TempDir(), DiskOptions{open: disk.open}), Options{})
	_ = l.Append(said("first"), ignore)
	<-blocked
	for i := range 500 {
		if err := l.Append(said(fmt.Sprint(i)), ignore); err != nil {
			t.Fatal(err)
		}
	}
	close(block)
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if disk.syncs != 3 || l.Last() != 501 {
		t.Errorf("%d entries took %d syncs; want one for the file, the first entry and the others", l.Last(), disk.syncs)
	}
}

func TestNothingIsPublishedBeforeItIsSafe(t *testing.T) {
	var disk faulty
	inSync, goOn := make(chan struct{}), make(chan struct{})
	d := openDisk(t, t.TempDir(), DiskOptions{open: disk.open})
	if err := d.Probe(); err != nil { // begins a file
		t.Fatal(err)
	}
	disk.syncHook = func() { inSync <- struct{}{}; <-goOn }
	l := newLog(t, d, Options{})
	told := make(chan outcome, 1)
	_ = l.Append(said("a"), func(e *Entry, d bool, err error) { told <- outcomeOf(e, d, err) })
	<-inSync
	if len(told) != 0 || l.Last() != 0 {
		t.Error("it was published while the sync was under way")
	}
	if got, _ := l.Read(0, 0, 10, 1000); len(got) != 0 {
		t.Error("it could be read while the sync was under way")
	}
	goOn <- struct{}{}
	if o := <-told; o.offset != 1 || o.err != nil {
		t.Errorf("told %+v", o)
	}
}

// stubbornStore answers when it is told to.
type stubbornStore struct {
	*Memory
	mu     sync.Mutex
	err    error
	answer chan struct{} // nil: at once
}

func (s *stubbornStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *stubbornStore) Probe() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *stubbornStore) Append(entries []Entry) ([]int, error) {
	if s.answer != nil {
		<-s.answer
	}
	if err := s.Probe(); err != nil {
		return nil, err
	}
	return s.Memory.Append(entries)
}

func TestAFailingStoreHarmsOnlyWhatItWasGivenThen(t *testing.T) {
	s := &stubbornStore{Memory: NewMemory(0)}
	l := newLog(t, s, Options{})
	appendAndWait(t, l, repeatable("ann", "1"))
	s.fail(syscall.ENOSPC)
	for range 3 {
		if o := appendAndWait(t, l, repeatable("ann", "2")); !errors.Is(o.err, syscall.ENOSPC) || o.offset != 0 {
			t.Fatalf("told %+v", o)
		}
	}
	if !errors.Is(l.Health(), syscall.ENOSPC) || l.Last() != 1 {
		t.Errorf("health: %v; last %d", l.Health(), l.Last())
	}
	s.fail(nil)
	if o := appendAndWait(t, l, repeatable("ann", "2")); o != (outcome{offset: 2}) {
		t.Errorf("afterwards: %+v", o)
	}
	if l.Health() != nil {
		t.Errorf("health: %v", l.Health())
	}
}

func TestHealthComesBackThoughNobodyAppends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stubbornStore{Memory: NewMemory(0)}
		l := newLog(t, s, Options{})
		s.fail(syscall.EROFS)
		appendAndWait(t, l, said("a"))
		time.Sleep(2 * probeEvery)
		if l.Health() == nil {
			t.Fatal("healthy while the store fails")
		}
		s.fail(nil)
		time.Sleep(2 * probeEvery)
		if err := l.Health(); err != nil {
			t.Errorf("health: %v", err)
		}
		_ = l.Close(t.Context())
	})
}

func TestAStoreThatDoesNotAnswerIsToldByHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stubbornStore{Memory: NewMemory(0), answer: make(chan struct{})}
		l := newLog(t, s, Options{})
		_ = l.Append(said("a"), ignore)
		time.Sleep(stalled / 2)
		if err := l.Health(); err != nil {
			t.Errorf("too early: %v", err)
		}
		time.Sleep(stalled)
		if l.Health() == nil {
			t.Error("healthy")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v", err)
		}
		close(s.answer)
		if err := l.Close(t.Context()); err != nil || l.Health() != nil {
			t.Errorf("Close: %v; health: %v", err, l.Health())
		}
	})
}

func TestWhatWaitsIsBounded(t *testing.T) {
	s := &stubbornStore{Memory: NewMemory(0), answer: make(chan struct{})}
	l := newLog(t, s, Options{MaxPending: 10})
	for range 10 {
		if err := l.Append(said("a"), ignore); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Append(said("a"), ignore); err != ErrBusy {
		t.Errorf("the 11th: %v", err)
	}
	if err := l.Append(Entry{Data: make([]byte, MaxEntryBytes)}, ignore); err != ErrTooLarge {
		t.Errorf("a large one: %v", err)
	}
	close(s.answer)
	poll(t, func() bool { return l.Append(said("a"), ignore) == nil })

	large := Entry{Data: make([]byte, 12<<20)}
	s = &stubbornStore{Memory: NewMemory(0), answer: make(chan struct{})}
	l = newLog(t, s, Options{})
	_, _ = l.Append(large, ignore), l.Append(large, ignore)
	if err := l.Append(large, ignore); err != ErrBusy {
		t.Errorf("the third of 12 MiB: %v", err)
	}
	close(s.answer)
}

func poll(t testing.TB, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to pass in 10 s")
		}
	}
}

func TestCloseStoresAndPublishesWhatWaits(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, openDisk(t, dir, DiskOptions{}), Options{})
	published := 0
	for i := range 1000 {
		_ = l.Append(said(fmt.Sprint(i)), func(*Entry, bool, error) { published++ })
	}
	if err := l.Close(t.Context()); err != nil || published != 1000 {
		t.Errorf("%d were published; %v", published, err)
	}
	if err := l.Append(said("late"), ignore); err != ErrClosed {
		t.Errorf("after Close: %v", err)
	}
	if err := l.Seam(t.Context(), func(uint64) {}); err != ErrClosed {
		t.Errorf("a seam after Close: %v", err)
	}
	l = newLog(t, openDisk(t, dir, DiskOptions{}), Options{})
	if got, err := l.Read(0, 0, 2000, 1<<20); len(got) != 1000 || err != nil {
		t.Errorf("%d are stored; %v", len(got), err)
	}
}

func TestDoneMayAppendAndRead(t *testing.T) {
	l := newLog(t, NewMemory(0), Options{})
	told := make(chan outcome, 1)
	err := l.Append(said("a"), func(*Entry, bool, error) {
		if got, _ := l.Read(0, 0, 10, 1000); len(got) != 1 || l.Last() != 1 {
			t.Errorf("who is told of it can't read it: %v", got)
		}
		_ = l.Append(said("b"), func(e *Entry, d bool, err error) { told <- outcomeOf(e, d, err) })
	})
	if o := <-told; err != nil || o.offset != 2 {
		t.Errorf("told %+v; %v", o, err)
	}
}

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
