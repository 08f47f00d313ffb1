package feed_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/disk"
	"github.com/crier/crier/server/feed/internal/feedtest"
	"github.com/crier/crier/server/feed/memory"
)

func TestEntriesArePublishedInTheOrderOfOffsets(t *testing.T) {
	onEachStore(t, func(t *testing.T, s feed.Store, _ func() feed.Store) {
		l := feedtest.NewLog(t, s, feed.Options{})
		base := l.Last()
		var answered []feedtest.Outcome // no lock: the publisher is one goroutine
		var told []uint64
		l.Follow(func(e *feed.Entry) { told = append(told, e.Offset) })
		answer := func(r feed.Result, err error) { answered = append(answered, feedtest.Outcome{Result: r, Err: err}) }
		var senders sync.WaitGroup
		for sender := range 8 {
			senders.Go(func() {
				for i := range 200 { // each is said twice
					if err := l.Append("", feedtest.Repeatable(fmt.Sprint(sender), fmt.Sprint(i/2)), answer); err != nil {
						t.Error(err)
					}
				}
			})
		}
		senders.Wait()
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		next, repeated := base+1, 0
		for _, o := range answered {
			switch {
			case o.Err != nil:
				t.Fatal(o.Err)
			case o.Repeated && o.Same && o.Offset < next:
				repeated++
			case o.Offset == next && !o.Repeated:
				next++
			default:
				t.Fatalf("%+v was answered when %d was due", o, next)
			}
		}
		if next != base+801 || repeated != 800 || l.Last() != base+800 {
			t.Errorf("answered up to %d with %d repetitions; last %d", next-1, repeated, l.Last())
		}
		for i, offset := range told {
			if offset != base+uint64(i)+1 {
				t.Fatalf("the tail told %d as its entry %d", offset, i)
			}
		}
		if len(told) != 800 {
			t.Errorf("the tail told %d", len(told))
		}
	})
}

// stubbornStore answers when it is told to.
type stubbornStore struct {
	feed.Store
	mu     sync.Mutex
	err    error
	answer chan struct{} // nil: at once
}

func (s *stubbornStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *stubbornStore) Probe(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *stubbornStore) Append(ctx context.Context, entries []feed.Entry, results []feed.Result) error {
	if s.answer != nil {
		<-s.answer
	}
	if err := s.Probe(ctx); err != nil {
		return err
	}
	return s.Store.Append(ctx, entries, results)
}

func TestAFailingStoreHarmsOnlyWhatItWasGivenThen(t *testing.T) {
	s := &stubbornStore{Store: memory.New(0)}
	l := feedtest.NewLog(t, s, feed.Options{})
	feedtest.AppendAndWait(t, l, feedtest.Repeatable("ann", "1"))
	s.fail(syscall.ENOSPC)
	for range 3 {
		o := feedtest.AppendAndWait(t, l, feedtest.Repeatable("ann", "2"))
		if !errors.Is(o.Err, syscall.ENOSPC) || o.Offset != 0 {
			t.Fatalf("told %+v", o)
		}
	}
	if !errors.Is(l.Health(), syscall.ENOSPC) || l.Last() != 1 {
		t.Errorf("health: %v; last %d", l.Health(), l.Last())
	}
	s.fail(nil)
	o := feedtest.AppendAndWait(t, l, feedtest.Repeatable("ann", "2"))
	if o != (feedtest.Outcome{Result: feed.Result{Offset: 2, At: o.At}}) {
		t.Errorf("afterwards: %+v", o)
	}
	if l.Health() != nil {
		t.Errorf("health: %v", l.Health())
	}
}

func TestHealthComesBackThoughNobodyAppends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stubbornStore{Store: memory.New(0)}
		l := feedtest.NewLog(t, s, feed.Options{})
		s.fail(syscall.EROFS)
		feedtest.AppendAndWait(t, l, feedtest.Said("a"))
		time.Sleep(2 * feed.ProbeEvery)
		if l.Health() == nil {
			t.Fatal("healthy while the store fails")
		}
		s.fail(nil)
		time.Sleep(2 * feed.ProbeEvery)
		if err := l.Health(); err != nil {
			t.Errorf("health: %v", err)
		}
		_ = l.Close(t.Context())
	})
}

func TestAStoreThatDoesNotAnswerIsToldByHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stubbornStore{Store: memory.New(0), answer: make(chan struct{})}
		l := feedtest.NewLog(t, s, feed.Options{})
		_ = l.Append("", feedtest.Said("a"), feedtest.Ignore)
		time.Sleep(feed.Stalled / 2)
		if err := l.Health(); err != nil {
			t.Errorf("too early: %v", err)
		}
		time.Sleep(feed.Stalled)
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
	s := &stubbornStore{Store: memory.New(0), answer: make(chan struct{})}
	l := feedtest.NewLog(t, s, feed.Options{MaxPending: 10})
	for range 10 {
		if err := l.Append("", feedtest.Said("a"), feedtest.Ignore); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Append("", feedtest.Said("a"), feedtest.Ignore); err != feed.ErrBusy {
		t.Errorf("the 11th: %v", err)
	}
	if err := l.Append("", feed.Entry{Data: make([]byte, feed.MaxEntryBytes)}, feedtest.Ignore); err != feed.ErrTooLarge {
		t.Errorf("a large one: %v", err)
	}
	close(s.answer)
	feedtest.Poll(t, func() bool { return l.Append("", feedtest.Said("a"), feedtest.Ignore) == nil })

	large := feed.Entry{Data: make([]byte, 12<<20)}
	s = &stubbornStore{Store: memory.New(0), answer: make(chan struct{})}
	l = feedtest.NewLog(t, s, feed.Options{})
	_, _ = l.Append("", large, feedtest.Ignore), l.Append("", large, feedtest.Ignore)
	if err := l.Append("", large, feedtest.Ignore); err != feed.ErrBusy {
		t.Errorf("the third of 12 MiB: %v", err)
	}
	close(s.answer)
}

func TestCloseStoresAndPublishesWhatWaits(t *testing.T) {
	dir := t.TempDir()
	l := feedtest.NewLog(t, openDisk(t, dir, disk.Options{}), feed.Options{})
	published := 0
	for i := range 1000 {
		_ = l.Append("", feedtest.Said(fmt.Sprint(i)), func(feed.Result, error) { published++ })
	}
	if err := l.Close(t.Context()); err != nil || published != 1000 {
		t.Errorf("%d were published; %v", published, err)
	}
	if err := l.Append("", feedtest.Said("late"), feedtest.Ignore); err != feed.ErrClosed {
		t.Errorf("after Close: %v", err)
	}
	if err := l.Seam(t.Context(), func(uint64) {}); err != feed.ErrClosed {
		t.Errorf("a seam after Close: %v", err)
	}
	l = feedtest.NewLog(t, openDisk(t, dir, disk.Options{}), feed.Options{})
	got, err := l.Read(t.Context(), 0, 0, 2000, 1<<20)
	if len(got.Entries) != 1000 || err != nil {
		t.Errorf("%d are stored; %v", len(got.Entries), err)
	}
}

func TestDoneMayAppendAndRead(t *testing.T) {
	l := feedtest.NewLog(t, memory.New(0), feed.Options{})
	told := make(chan feedtest.Outcome, 1)
	err := l.Append("", feedtest.Said("a"), func(feed.Result, error) {
		if got, _ := l.Read(t.Context(), 0, 0, 10, 1000); len(got.Entries) != 1 || l.Last() != 1 {
			t.Errorf("who is told of it can't read it: %v", got)
		}
		_ = l.Append("", feedtest.Said("b"), func(r feed.Result, err error) { told <- feedtest.Outcome{Result: r, Err: err} })
	})
	if o := <-told; err != nil || o.Offset != 2 {
		t.Errorf("told %+v; %v", o, err)
	}
}

// askedStore counts how often it is asked whether it is where it was put, and answers some things when it may.
type askedStore struct {
	feed.Store
	checks        atomic.Int64
	check, retire atomic.Bool // whether that waits
	answer        chan struct{}
}

func (s *askedStore) Check(ctx context.Context) error {
	s.checks.Add(1)
	if s.check.Load() {
		<-s.answer
	}
	return s.Store.Check(ctx)
}

func (s *askedStore) Retire(ctx context.Context) error {
	if s.retire.Load() {
		<-s.answer
	}
	return s.Store.Retire(ctx)
}

// The next entry is always there when one has been stored: the log is never idle.
func TestAStoreIsLookedAfterHoweverBusyItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := &stubbornStore{Store: memory.New(0), answer: make(chan struct{})}
		s := &askedStore{Store: busy}
		l := feedtest.NewLog(t, s, feed.Options{})
		add := func() {
			if err := l.Append("", feed.Entry{Data: []byte("1")}, feedtest.Ignore); err != nil {
				t.Fatal(err)
			}
		}
		add()
		for began := time.Now(); time.Since(began) < 10*feed.ProbeEvery; {
			add()
			time.Sleep(10 * time.Millisecond)
			busy.answer <- struct{}{}
		}
		if n := s.checks.Load(); n < 8 {
			t.Errorf("in the time of 10 looks it was looked at %d times", n)
		}
		close(busy.answer)
		_ = l.Close(t.Context())
	})
}

func TestHealthTellsOfAStoreThatDoesNotAnswerALook(t *testing.T) {
	for name, hold := range map[string]func(s *askedStore){
		"check":  func(s *askedStore) { s.check.Store(true) },
		"retire": func(s *askedStore) { s.retire.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &askedStore{Store: &stubbornStore{Store: memory.New(0)}, answer: make(chan struct{})}
				l := feedtest.NewLog(t, s, feed.Options{})
				hold(s)
				time.Sleep(2*time.Minute + feed.Stalled)
				if l.Health() == nil {
					t.Error("healthy, though the store does not answer")
				}
				close(s.answer)
				time.Sleep(2 * feed.ProbeEvery)
				if err := l.Health(); err != nil {
					t.Errorf("it answers, and health is %v", err)
				}
				_ = l.Close(t.Context())
			})
		})
	}
}
