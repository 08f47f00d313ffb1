package feed_test

import (
	"errors"
	"runtime"
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
	want := feed.Stats{First: 1, Last: 2, Stored: 2, Repeated: 1, Failed: 1, TooLarge: 1}
	if got := l.Stats(); got != want {
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
