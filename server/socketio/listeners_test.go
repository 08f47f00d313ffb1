package socketio_test

import (
	"errors"
	"testing"

	"github.com/crier/crier/server/socketio"
)

// An event that is being handled goes on to all listeners that it had when that began, and to no others.
func TestOnceIsChosenWhenTheEventBegins(t *testing.T) {
	h := newHall(t, socketio.Options{OnUnknownEvent: func(e *socketio.Event) { _ = e.Ack() }})
	p, s := h.join(t, socket4)
	var told journal
	note := func(what string) func(*socketio.Event) error {
		return func(*socketio.Event) error { told.note(what); return nil }
	}
	ask := func(event, want string) {
		t.Helper()
		p.send(`21["` + event + `"]`)
		p.next()
		p.send(`22["end"]`) // what runs behind an acknowledgement has run by then
		p.next()
		if got := told.read(); got != want {
			t.Errorf("%s: %q ran, not %q", event, got, want)
		}
	}
	s.On("off", func(e *socketio.Event) error { told.note("on"); s.Off("off"); return e.Ack() })
	s.Once("off", note("once"))
	ask("off", "on, once")
	ask("off", "")

	s.On("more", func(e *socketio.Event) error {
		told.note("on")
		s.Once("more", note("once"))
		return e.Ack()
	})
	ask("more", "on")
	ask("more", "on, once")
	s.Off("more")

	s.Once("fails", func(*socketio.Event) error { told.note("first"); return errors.New("fails") })
	s.Once("fails", note("second"))
	s.Once("fails", func(e *socketio.Event) error { told.note("third"); return e.Ack() })
	ask("fails", "first")
	ask("fails", "second, third")
	ask("fails", "")
}
