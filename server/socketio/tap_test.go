package socketio_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/crier/crier/server/socketio"
)

func TestAPanicInAnOutgoingHookIsLoggedAndTheEventGoesOut(t *testing.T) {
	var book logBook
	h := newHall(t, socketio.Options{Logger: book.logger()})
	p, s := h.join(t, socket4)
	var told journal
	h.OnAnyOutgoing(func(*socketio.OutgoingEvent) { panic("of the namespace") })
	s.OnAnyOutgoing(func(string, []any) { panic("of the socket") })
	s.OnAnyOutgoing(func(event string, _ []any) { told.note(event) })
	done := make(chan bool)
	go func() { // ends with the answer
		defer close(done)
		_, _ = s.EmitWithAck(t.Context(), "ask")
	}()
	p.expect(`21["ask"]`)
	p.send(`31[]`)
	receive(t, done, "the answer")
	emit(t, s, "one")
	emit(t, h, "all")
	p.expect(`2["one"]`, `2["all"]`)
	if got := told.read(); got != "ask, one, all" {
		t.Errorf("the other hook was told of %s", got)
	}
	if log := book.text(); !strings.Contains(log, "a hook panicked") || !strings.Contains(log, "hook=outgoing") {
		t.Errorf("the log has %s", log)
	}
}

func TestHooksAreNotToldOfEventsThatCannotBeEncoded(t *testing.T) {
	h := newHall(t, socketio.Options{})
	_, s := h.join(t, socket4)
	var told journal
	h.OnAnyOutgoing(func(e *socketio.OutgoingEvent) { told.note(e.Name) })
	s.OnAnyOutgoing(func(event string, _ []any) { told.note(event) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, bad := range []struct {
		event string
		arg   any
	}{{"connect", 1}, {"x", make(chan int)}} {
		_, one := s.EmitWithAck(ctx, bad.event, bad.arg)
		_, all := h.To(s.ID()).EmitWithAck(ctx, bad.event, bad.arg)
		for _, err := range []error{s.Emit(bad.event, bad.arg), h.Emit(bad.event, bad.arg), one, all} {
			if err == nil || errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", bad.event, err)
			}
		}
	}
	if got := told.read(); got != "" || socketio.Awaited(s) != 0 {
		t.Errorf("told of %q, %d answers are awaited", got, socketio.Awaited(s))
	}
}

func TestHooksOfASocketAreToldOfBroadcastsThatReachIt(t *testing.T) {
	h := newHall(t, socketio.Options{})
	_, s := h.join(t, socket4)
	_, other := h.join(t, socket4)
	var told journal
	s.OnAnyOutgoing(func(event string, _ []any) { told.note(event) })
	s.Join("a", "b")
	other.Join("a", "c")
	emit(t, h.To("c"), "not its room")
	emit(t, h.Except("b"), "left out")
	emit(t, s.To("a"), "its own")
	emit(t, h.To("a", "c"), "room")
	emit(t, h.To(s.ID()), "id")
	emit(t, other.Broadcast(), "others")
	emit(t, h, "all")
	if got := told.read(); got != "room, id, others, all" {
		t.Errorf("told of %s", got)
	}
}
