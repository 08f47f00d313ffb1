package feed

import (
	"errors"
	"runtime"
	"syscall"
	"testing"
)

func TestStatsCountWhatBecameOfEntries(t *testing.T) {
	s := &stubbornStore{Memory: NewMemory(0)}
	l := newLog(t, s, Options{MaxPending: 1})
	say := func(id string) {
		appendAndWait(t, l, repeatable("ann", id))
		for l.Stats().Waiting > 0 { // an entry makes room when done has returned
			runtime.Gosched()
		}
	}
	say("1")
	say("2")
	say("1")
	s.fail(syscall.ENOSPC)
	say("3")
	if err := l.Append(Entry{Data: make([]byte, MaxEntryBytes)}, nil); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	want := Stats{First: 1, Last: 2, Stored: 2, Repeated: 1, Failed: 1, TooLarge: 1}
	if got := l.Stats(); got != want {
		t.Errorf("the stats are %+v, want %+v", got, want)
	}

	s.fail(nil)
	say("3")
	s.answer = make(chan struct{})
	told := make(chan struct{})
	if err := l.Append(repeatable("ann", "4"), func(*Entry, bool, error) { close(told) }); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(repeatable("ann", "5"), nil); !errors.Is(err, ErrBusy) {
		t.Fatal(err)
	}
	if got := l.Stats(); got.Waiting != 1 || got.WaitingBytes == 0 || got.Busy != 1 || !got.Working {
		t.Errorf("with an entry under way the stats are %+v", got)
	}
	close(s.answer)
	<-told
}
