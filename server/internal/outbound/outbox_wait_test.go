package outbound

import (
	"testing"
	"time"
)

func TestAnOutboxTellsWhenWhatItHeldHasLeft(t *testing.T) {
	o, _ := newOutbox(t, OutboxLimits{})
	isClosed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	if !isClosed(o.Flushed()) {
		t.Error("there is something to wait for in an empty one")
	}
	var arena Arena
	push := func() <-chan struct{} {
		t.Helper()
		if err := o.Push(arena.Put([]byte("hello"))); err != nil {
			t.Fatal(err)
		}
		return o.Flushed()
	}
	first, second := push(), push()
	if isClosed(first) || isClosed(second) {
		t.Error("nothing has left yet")
	}
	o.Take()
	if !isClosed(first) || !isClosed(second) {
		t.Error("all has left")
	}
	third := push()
	o.Close()
	select {
	case <-third:
	case <-time.After(patience):
		t.Error("it has closed, and somebody still waits")
	}
	if !isClosed(o.Flushed()) {
		t.Error("there is something to wait for in a closed one")
	}
}
