package feed_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
	"github.com/crier/crier/server/feed/memory"
)

func TestStatsCountWhatBecameOfEntries(t *testing.T) {
	s := &stubbornStore{Store: memory.New(0)}
	l := feedtest.NewLog(t, s, feed.Options{MaxPending: 1})
	say := func(id string) {
		feedtest.AppendAndWait(t, l, feedtest.Repeatable("ann", id))
		for l.Stats().Waiting > 0 { // an entry makes room when done has returned
			runtime.Gosched()
		}
	}
	say("1")
	say("2")
	say("1")
	s.fail(syscall.ENOSPC)
	say("3")
	if err := l.Append("", feed.Entry{Data: make([]byte, feed.MaxEntryBytes)}, nil); !errors.Is(err, feed.ErrTooLarge) {
		t.Fatal(err)
	}
	want := feed.Stats{First: 1, Last: 2, Held: 2, Stored: 2, Repeated: 1, Failed: 1, TooLarge: 1}
	got := l.Stats()
	if size := got.HeldBytes; size <= 0 {
		t.Errorf("the two entries that are held have %d bytes", size)
	}
	if got.HeldBytes = 0; got != want {
		t.Errorf("the stats are %+v, want %+v", got, want)
	}

	s.fail(nil)
	say("3")
	s.answer = make(chan struct{})
	told := make(chan struct{})
	if err := l.Append("", feedtest.Repeatable("ann", "4"), func(feed.Result, error) { close(told) }); err != nil {
		t.Fatal(err)
	}
	if err := l.Append("", feedtest.Repeatable("ann", "5"), nil); !errors.Is(err, feed.ErrBusy) {
		t.Fatal(err)
	}
	if got := l.Stats(); got.Waiting != 1 || got.WaitingBytes == 0 || got.Busy != 1 || !got.Working {
		t.Errorf("with an entry under way the stats are %+v", got)
	}
	close(s.answer)
	<-told
}

func TestHowMuchIsHeldIsTold(t *testing.T) {
	store := memory.New(0)
	var told struct {
		sync.Mutex
		entries int
		bytes   int64
	}
	held := func() (entries int, bytes int64) {
		told.Lock()
		defer told.Unlock()
		return told.entries, told.bytes
	}
	o := feed.Options{MaxEntries: 3, Held: func(entries int, bytes int64) {
		told.Lock()
		defer told.Unlock()
		told.entries, told.bytes = entries, bytes
	}}
	l := feedtest.NewLog(t, store, o)
	if entries, bytes := held(); entries != 0 || bytes != 0 {
		t.Errorf("of an empty feed it is told %d entries and %d bytes", entries, bytes)
	}
	var one int64
	for n, want := range []int{1, 2, 3, 3, 3} {
		feedtest.AppendAndWait(t, l, feedtest.Repeatable("ann", fmt.Sprint(n)))
		entries, bytes := held()
		if n == 0 {
			one = bytes
		}
		if entries != want || one <= 0 || bytes != one*int64(want) {
			t.Errorf("after %d entries it is told %d and %d bytes, of which one has %d", n+1, entries, bytes, one)
		}
	}
	if entries, bytes := l.Stats().Held, l.Stats().HeldBytes; entries != 3 || bytes != 3*one {
		t.Errorf("the stats have %d entries and %d bytes", entries, bytes)
	}

	o.MaxEntries = 2
	feedtest.NewLog(t, store, o)
	if entries, bytes := held(); entries != 2 || bytes != 2*one {
		t.Errorf("at the start on a full store it is told %d entries and %d bytes", entries, bytes)
	}
}
