package socketio_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/crier/crier/server/socketio"
)

func TestAHandlersErrorAnswersItsAck(t *testing.T) {
	logs := new(logBook)
	io, url := serve(t, socketio.Options{Logger: logs.logger()})
	io.OnConnect(func(s *socketio.Socket) {
		s.Use(func(e *socketio.Event) error {
			if e.Name() == "forbidden" {
				return &socketio.Error{Code: "forbidden", Message: "not for you"}
			}
			return nil
		})
		s.On("forbidden", func(*socketio.Event) error {
			t.Error("a middleware's error does not keep the event away")
			return nil
		})
		s.On("ours", func(*socketio.Event) error {
			return &socketio.Error{Code: "full", Message: `no <room> & "more"`, Data: map[string]int{"max": 3}}
		})
		s.On("wrapped", func(*socketio.Event) error {
			return fmt.Errorf("secret: %w", &socketio.Error{Code: "c", Message: "m"})
		})
		s.On("internal", func(*socketio.Event) error { return errors.New("secret: password is 1234") })
		s.On("nil that is no nil", func(*socketio.Event) error { return (*socketio.Error)(nil) })
		s.On("bad data", func(*socketio.Event) error { return &socketio.Error{Code: "c", Data: func() {}} })
		s.On("bad ack", func(e *socketio.Event) error { return e.Ack(func() {}) })
		s.On("bind", func(e *socketio.Event) error { var n int; return e.Bind(&n) })
		s.On("answered", func(e *socketio.Event) error { return errors.Join(e.Ack("mine"), errors.New("after it")) })
		s.On("first of two", func(*socketio.Event) error { return &socketio.Error{Code: "first", Message: ""} })
		s.On("first of two", func(*socketio.Event) error { t.Error("an error does not end the event"); return nil })
		echo(s)
	})
	p := join(t, url, socket4)
	for _, one := range []struct{ event, answer string }{
		{`"ours"`, `{"error":{"code":"full","message":"no <room> & \"more\"","data":{"max":3}}}`},
		{`"wrapped"`, `{"error":{"code":"c","message":"m"}}`},
		{`"internal"`, `{"error":{"code":"internal","message":"internal error"}}`},
		{`"nil that is no nil"`, `{"error":{"code":"internal","message":"internal error"}}`},
		{`"bad data"`, `{"error":{"code":"internal","message":"internal error"}}`},
		{`"bad ack"`, `{"error":{"code":"internal","message":"internal error"}}`},
		{`"bind","x"`, `{"error":{"code":"bad_argument","message":"argument 1 must be a whole number, not a string"}}`},
		{`"bind"`, `{"error":{"code":"bad_argument","message":"argument 1 is missing"}}`},
		{`"forbidden"`, `{"error":{"code":"forbidden","message":"not for you"}}`},
		{`"answered"`, `"mine"`},
		{`"first of two"`, `{"error":{"code":"first","message":""}}`},
	} {
		p.send(`2[` + one.event + `]`) // no ack asked for: nothing to answer
		p.send(`25[` + one.event + `]`)
		p.expect(`35[` + one.answer + `]`)
	}
	p.send(`26["echo"]`)
	p.expect(`36[]`)
	p.send(`27["nobody listens"]`)
	p.send(`28["echo"]`)
	p.expect(`38[]`)
	if !strings.Contains(logs.text(), "password is 1234") {
		t.Error("the server's own error is not in its log")
	}
}

func TestAnAckIsGivenOnce(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	late := make(chan *socketio.Event, 1)
	io.OnConnect(func(s *socketio.Socket) {
		s.On("twice", func(e *socketio.Event) error { return errors.Join(e.Ack(1), e.Ack(2)) })
		s.On("unasked", func(e *socketio.Event) error {
			if e.WantsAck() {
				t.Error("it wants none")
			}
			return e.Ack(1)
		})
		s.On("later", func(e *socketio.Event) error { late <- e; return nil })
		s.On("corrected", func(e *socketio.Event) error {
			if e.Ack(make(chan int)) == nil {
				t.Error("a channel was sent")
			}
			return e.Ack("corrected")
		})
		echo(s)
	})
	p := join(t, url, socket4)
	p.send(`20["twice"]`)
	p.send(`2["unasked"]`)
	p.send(`21["later"]`)
	p.send(`22["corrected"]`)
	p.send(`218446744073709551615["echo"]`) // the largest id
	p.expect(`30[1]`, `32["corrected"]`, `318446744073709551615[]`)
	e := receive(t, late, "the event")
	if err := e.Ack("late", []byte{7}); err != nil {
		t.Error(err)
	}
	p.expect(`61-1["late",{"_placeholder":true,"num":0}]`)
	p.send(`23["later"]`)
	e = receive(t, late, "the event")
	p.send(`1`)
	eventually(t, "the socket has left", func() bool { return io.Len() == 0 })
	if err := e.Ack(); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("an ack after the end: %v", err)
	}
}

func TestHandlersRunInTheirOrder(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	var order journal
	run := func(what string) func(*socketio.Event) error {
		return func(*socketio.Event) error { order.note(what); return nil }
	}
	io.OnConnect(func(*socketio.Socket) { order.note("connect 1") })
	io.OnConnect(func(s *socketio.Socket) {
		order.note("connect 2")
		s.On("x", run("on 1"))
		s.OnAny(run("any 1"))
		s.Use(run("use 1"))
		s.On("x", run("on 2"))
		s.OnAny(run("any 2"))
		s.Use(run("use 2"))
		s.On("y", run("wrong"))
		s.On("register", func(*socketio.Event) error { s.On("later", run("later")); return nil })
		s.SetData(2)
		echo(s)
	})
	p := join(t, url, socket4)
	p.sendAll(packet{text: `2["x"]`}, packet{text: `20["echo"]`})
	p.expect(`30[]`)
	want := "connect 1, connect 2, use 1, use 2, any 1, any 2, on 1, on 2, use 1, use 2, any 1, any 2"
	if got := order.read(); got != want {
		t.Errorf("the order is %s", got)
	}
	p.sendAll(packet{text: `2["register"]`}, packet{text: `2["later"]`}, packet{text: `21["echo"]`})
	p.expect(`31[]`)
	if !strings.Contains(order.read(), "later") {
		t.Error("a handler that was registered later does not run")
	}
	if got := io.Sockets()[0].Data(); got != 2 {
		t.Errorf("the socket's data is %v", got)
	}
}

func TestAPanicHarmsNobodyElse(t *testing.T) {
	for _, where := range []string{"connect", "use", "any", "on", "disconnecting", "disconnect", "json"} {
		t.Run(where, func(t *testing.T) {
			logs := new(logBook)
			io, url := serve(t, socketio.Options{Logger: logs.logger()})
			ends := make(chan string, 10)
			a := io.Of("/a")
			oh := func(when string) error {
				if when == where {
					panic("oh " + where)
				}
				return nil
			}
			a.OnConnect(func(s *socketio.Socket) {
				s.OnDisconnecting(func(socketio.Reason) { _ = oh("disconnecting") })
				s.OnDisconnect(func(r socketio.Reason) { ends <- string(r); _ = oh("disconnect") })
				s.Use(func(*socketio.Event) error { return oh("use") })
				s.OnAny(func(*socketio.Event) error { return oh("any") })
				s.On("x", func(*socketio.Event) error { return oh("on") })
				s.On("x", func(*socketio.Event) error {
					if where == "json" {
						return s.Emit("x", badJSON{})
					}
					return nil
				})
				_ = oh("connect")
			})
			io.OnConnect(echo)
			p, witness := join(t, url, socket4), join(t, url, socket4)
			p.enter("/a")
			p.send(`2/a,1["x"]`)
			reason := socketio.ReasonServerDisconnect
			if strings.HasPrefix(where, "disc") {
				p.send(`1/a,`)
				reason = socketio.ReasonClientDisconnect
			} else {
				p.expect(`1/a,`)
			}
			if got := receive(t, ends, "OnDisconnect"); got != string(reason) || len(ends) > 0 {
				t.Errorf("the reason is %q, and %d more", got, len(ends))
			}
			for _, one := range []*peer{p, witness} { // the session's other socket too
				one.send(`20["echo"]`)
				one.expect(`30[]`)
			}
			p.enter("/a")
			eventually(t, "the panic is in the log with its stack", func() bool {
				return strings.Contains(logs.text(), "oh ") && strings.Contains(logs.text(), "TestAPanicHarmsNobodyElse")
			})
		})
	}
}

// badJSON panics when it is marshalled.
type badJSON struct{}

func (badJSON) MarshalJSON() ([]byte, error) { panic("oh json") }
