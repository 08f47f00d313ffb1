package socketio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/crier/crier/server/socketio"
)

func TestMiddlewareRefusesInTheReferencesWords(t *testing.T) {
	for _, one := range []struct {
		name         string
		err          error
		wire5, wire4 string
	}{
		{"an error", errors.New("not today"), `{"message":"not today"}`, `"not today"`},
		{"an error for machines too", &socketio.Error{Code: "c", Message: "no", Data: map[string]int{"code": 7}},
			`{"message":"no","data":{"code":7}}`, `{"code":7}`},
		{"an error of ours without data", &socketio.Error{Code: "c", Message: "no"}, `{"message":"no"}`, `"no"`},
		{"one that is wrapped", fmt.Errorf("deep: %w", &socketio.Error{Message: "no", Data: 1}), `{"message":"no","data":1}`,
			`1`},
		{"marks of HTML", errors.New(`<b> & "q" ` + "\u2028说"), `{"message":"<b> & \"q\" \u2028说"}`,
			`"<b> & \"q\" \u2028\u8bf4"`},
		{"data that JSON can't hold", &socketio.Error{Message: "no", Data: func() {}}, `{"message":"internal error"}`,
			`{"message":"internal error"}`},
		{"a nil that is no nil", (*socketio.Error)(nil), `{"message":"internal error"}`, `{"message":"internal error"}`},
	} {
		t.Run(one.name, func(t *testing.T) {
			both(t, func(t *testing.T, m mode) {
				io, url := serve(t, socketio.Options{})
				io.OnConnect(echo)
				guarded := io.Of("/guarded")
				guarded.Use(func(s *socketio.Socket) error { s.Join("room"); return nil })
				guarded.Use(func(*socketio.Socket) error { return one.err })
				guarded.Use(func(*socketio.Socket) error { t.Error("the next middleware is asked"); return nil })
				guarded.OnConnect(func(*socketio.Socket) { t.Error("it is let in") })
				p := join(t, url, m)
				p.send(`0/guarded,`)
				if m.version == 4 {
					p.expect(`4/guarded,` + one.wire5)
				} else {
					p.expect(`4/guarded,` + one.wire4)
				}
				if len(guarded.To("room").Sockets()) != 0 || guarded.Len() != 0 {
					t.Error("it is in the namespace all the same")
				}
				p.send(`21["echo"]`) // the session goes on
				p.expect(`31[]`)
			})
		})
	}
}

func TestMiddlewareGuardsTheMainNamespaceOfOldClientsToo(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	var no atomic.Bool
	no.Store(true)
	io.Use(func(s *socketio.Socket) error {
		if no.Load() {
			return errors.New("not yet")
		}
		return nil
	})
	io.OnConnect(echo)
	p := dial(t, url, socket3)
	p.expect(`4"not yet"`)
	no.Store(false)
	join(t, url, socket3)
}

func TestASlowMiddlewareHoldsUpNobodyElse(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		io.OnConnect(echo)
		slow, asked, answer := io.Of("/slow"), make(chan *socketio.Socket), make(chan error)
		slow.Use(func(s *socketio.Socket) error {
			s.Join("room")
			asked <- s
			return <-answer
		})
		slow.OnConnect(echo)
		p := join(t, url, m)
		p.send(`0/slow,`)
		s := receive(t, asked, "the middleware is asked")
		p.send(`0/slow,`) // impatient: one answer is enough
		p.send(`21["echo","meanwhile"]`)
		p.expect(`31["meanwhile"]`)

		_ = slow.To("room").Emit("secret") // it is not let in yet
		_ = slow.Emit("secret")
		if err := s.Emit("secret"); !errors.Is(err, socketio.ErrDisconnected) {
			t.Errorf("Emit to a socket that is not connected: %v", err)
		}
		if s.Connected() || len(slow.Sockets()) != 0 || len(slow.To("room").Sockets()) != 0 {
			t.Error("it is connected before it is let in")
		}
		answer <- nil
		if got := p.next().text; !strings.HasPrefix(got, `0/slow,`) {
			t.Fatalf("the first packet is %s", got)
		}
		_ = slow.To("room").Emit("news")
		p.expect(`2/slow,["news"]`)
		p.send(`2/slow,1["echo"]`)
		p.expect(`3/slow,1[]`)
	})
}

func TestAClientThatLeavesDuringMiddlewareIsNotLetIn(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		asked, answer := make(chan *socketio.Socket), make(chan error)
		dynamic := io.OfFunc(func(string, json.RawMessage) bool { return true })
		dynamic.Use(func(s *socketio.Socket) error {
			s.Join("room")
			asked <- s
			return <-answer
		})
		for _, err := range []error{nil, errors.New("no")} {
			p := join(t, url, m)
			p.send(`0/slow,`)
			s := receive(t, asked, "the middleware is asked")
			p.cut()
			eventually(t, "the session has ended", func() bool { return io.Sessions() == 0 })
			answer <- err
			ns := s.Namespace()
			eventually(t, "the namespace is forgotten", func() bool { return len(dynamic.Namespaces()) == 0 })
			if len(ns.Sockets()) != 0 || len(ns.To("room").Sockets()) != 0 || s.Connected() {
				t.Error("it is in")
			}
			s.Join("room")
			if len(ns.To("room").Sockets()) != 0 {
				t.Error("it joins a room")
			}
		}
	})
}

func TestAPanicBeforeTheConnectionRefusesThatClient(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		io.OnConnect(echo)
		io.Of("/middleware").Use(func(*socketio.Socket) error { panic("oh") })
		io.OfFunc(func(name string, _ json.RawMessage) bool { panic(name) })
		p, witness := join(t, url, m), join(t, url, m)
		p.send(`0/middleware,`)
		want := `4/middleware,{"message":"internal error"}`
		if m.version == 3 {
			want = `4/middleware,"internal error"`
		}
		p.expect(want)
		p.send(`0/dynamic,`)
		p.expect(`4/dynamic,{"message":"Invalid namespace"}`)
		for _, one := range []*peer{p, witness} {
			one.send(`21["echo"]`)
			one.expect(`31[]`)
		}
	})
}
