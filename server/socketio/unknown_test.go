package socketio_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/crier/crier/server/socketio"
)

func TestAnUnknownEventIsAnsweredAndLoggedOnce(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		var book logBook
		h := newHall(t, socketio.Options{Logger: book.logger()})
		p, s := h.join(t, m)
		s.On("known", func(e *socketio.Event) error { return e.Ack("yes") })
		p.send(`2["chat message","hi"]`)
		p.send(`21["chat message","hi"]`)
		p.send(`22["known"]`)
		p.expect(`31[{"error":{"code":"unknown_event","message":"this server does not know the event \"chat message\""}}]`,
			`32["yes"]`)
		if got := strings.Count(book.text(), "chat message"); got != 1 {
			t.Errorf("%d lines: %s", got, book.text())
		}
	})
}

func TestAnEventThatSomethingTakesIsNotUnknown(t *testing.T) {
	for name, take := range map[string]func(*socketio.Socket){
		"a handler":      func(s *socketio.Socket) { s.On("x", func(*socketio.Event) error { return nil }) },
		"OnAny":          func(s *socketio.Socket) { s.OnAny(func(*socketio.Event) error { return nil }) },
		"a middleware":   func(s *socketio.Socket) { s.Use(func(*socketio.Event) error { return nil }) },
		"a refusing one": func(s *socketio.Socket) { s.Use(func(*socketio.Event) error { return errors.New("no") }) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHall(t, socketio.Options{})
			p, s := h.join(t, socket4)
			take(s)
			p.send(`21["x"]`)
			p.leave()
			for _, text := range p.ended() {
				if strings.Contains(text, "unknown_event") {
					t.Error(text)
				}
			}
		})
	}
}

func TestAServerMayStaySilentAboutUnknownEvents(t *testing.T) {
	var book logBook
	names := make(chan string, 1)
	h := newHall(t, socketio.Options{Logger: book.logger(), OnUnknownEvent: func(e *socketio.Event) { names <- e.Name() }})
	p, _ := h.join(t, socket4)
	p.send(`21["x"]`)
	if got := receive(t, names, "OnUnknownEvent"); got != "x" || book.text() != "" {
		t.Errorf("got %q, and the log says %q", got, book.text())
	}
	p.leave()
	if got := p.ended(); len(got) > 0 {
		t.Errorf("it was told %q", got)
	}
}

func TestUnknownEventsDoNotFillTheLog(t *testing.T) {
	var book logBook
	h := newHall(t, socketio.Options{Logger: book.logger()})
	p, _ := h.join(t, socket4)
	for n := range 1000 {
		p.send(fmt.Sprintf(`2["%d-%s"]`, n, strings.Repeat("x", 200)))
	}
	p.send(`21["last"]`)
	if got := p.next().text; !strings.HasPrefix(got, `31[{"error":{"code":"unknown_event"`) {
		t.Error(got)
	}
	if got := len(book.text()); got > 20_000 {
		t.Errorf("the log has %d bytes", got)
	}
}

// What a client is told is in words for its programmer.
func TestErrorsThatReachClientsDoNotSpeakOfTheServersInside(t *testing.T) {
	h := newHall(t, socketio.Options{MaxDepth: 5})
	p, s := h.join(t, socket4)
	s.On("bind", func(e *socketio.Event) error {
		var n int8
		return e.Bind(&n)
	})
	s.On("both", func(e *socketio.Event) error { return e.Ack(e.Arg(0), []byte("attached")) })
	p.send(`21["bind","x"]`)
	p.send(`22["bind",300]`)
	p.send(`23["both",{"_placeholder":true,"num":0}]`)
	p.expect(
		`31[{"error":{"code":"bad_argument","message":"argument 1 must be a whole number, not a string"}}]`,
		`32[{"error":{"code":"bad_argument","message":"argument 1 must be a whole number from -128 to 127, not 300"}}]`,
		`33[{"error":{"code":"placeholder","message":"an object with a member \"_placeholder\" can't be sent together with binary data"}}]`,
	)
	p.send(`2["x",[[[[[[]]]]]]]`)
	p.expect(`2["warning",{"code":"too_deep","message":"arrays and objects are nested deeper than this server takes"}]`)
}

func TestNothingThatLooksLikeAPlaceholderGoesOutBesideAttachments(t *testing.T) {
	h := newHall(t, socketio.Options{})
	p, s := h.join(t, socket4)
	literal, err := socketio.NewArg([]byte(`{"_placeholder":true,"num":0}`))
	if err != nil || !literal.HasLiteralPlaceholder() {
		t.Fatal(err)
	}
	for _, emit := range []func(string, ...any) error{s.Emit, h.Emit, s.Unrecorded().Emit, h.To(s.ID()).Emit} {
		if err := emit("both", literal, []byte("attached")); !errors.Is(err, socketio.ErrPlaceholder) {
			t.Errorf("got %v", err)
		}
	}
	emit(t, s, "alone", literal)
	emit(t, s, "binary", []byte("attached"))
	p.expect(`2["alone",{"_placeholder":true,"num":0}]`)
	if got := p.next(); len(got.attachments) != 1 {
		t.Errorf("got %s", got.text)
	}
}
