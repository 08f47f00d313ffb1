package feed

import (
	"errors"
	"syscall"
	"testing"
)

func TestStatsCountWhatBecameOfEntries(t *testing.T) {
	s := &stubbornStore{Memory: NewMemory(0)}
	l := newLog(t, s, Options{MaxPending: 1})
	appendAndWait(t, l, repeatable("ann", "1"))
	appendAndWait(t, l, repeatable("ann", "2"))
	appendAndWait(t, l, repeatable("ann", "1"))
	s.fail(syscall.ENOSPC)
	appendAndWait(t, l, repeatable("ann", "3"))
	if err := l.Append(Entry{Data: make([]byte, MaxEntryBytes)}, nil); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	want := Stats{First: 1, Last: 2, Stored: 2, Repeated: 1, Failed: 1, TooLarge: 1}
	if got := l.Stats(); got != want {
		t.Errorf("the stats are %+v, want %+v", got, want)
	}

	s.fail(nil)
	appendAndWait(t, l, repeatable("ann", "3"))
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
