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
