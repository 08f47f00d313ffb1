package socketio_test

import (
	"strings"
	"testing"

	"github.com/crier/crier/server/socketio"
)

func TestWhoKeepsToNoNamespaceIsClosed(t *testing.T) {
	for _, one := range []struct {
		name string
		text string
		mode mode
		in   bool // connected to the main namespace before
	}{
		{"an event before CONNECT", `2["echo"]`, socket4, false},
		{"an ack before CONNECT", `31[]`, socket4, false},
		{"DISCONNECT before CONNECT", `1`, socket4, false},
		{"an event for another namespace", `2/other,["echo"]`, socket4, true},
		{"an event for another namespace, in revision 3", `2/other,["echo"]`, socket3, true},
		{"CONNECT twice", `0`, socket4, true},
		{"CONNECT_ERROR", `4{"message":"no"}`, socket4, true},
		{"CONNECT_ERROR for another namespace", `4/other,"no"`, socket3, true},
	} {
		t.Run(one.name, func(t *testing.T) {
			io, url := serve(t, socketio.Options{})
			io.Of("/other")
			reasons := make(chan socketio.Reason, 1)
			io.OnConnect(func(s *socketio.Socket) {
				echo(s)
				s.OnDisconnect(func(r socketio.Reason) { reasons <- r })
			})
			witness := join(t, url, socket4)
			p := dial(t, url, one.mode)
			if one.in {
				if one.mode.version == 4 {
					p.send(`0`)
				}
				p.connected()
			}
			p.send(one.text)
			if got := p.ended(); len(got) > 0 {
				t.Errorf("before its end the client hears %q", got)
			}
			if one.in {
				if r := receive(t, reasons, "OnDisconnect"); r != socketio.ReasonForcedClose {
					t.Errorf("the reason is %q", r)
				}
			}
			witness.send(`21["echo"]`)
			witness.expect(`31[]`)
		})
	}
}

// The client may send on until it hears that it was disconnected; and it may come back.
func TestLateEventsOfADisconnectedClientAreIgnored(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		ns := io.Of("/a")
		handled := make(chan string, 10)
		io.OnConnect(echo)
		ns.OnConnect(func(s *socketio.Socket) {
			s.On("go", func(e *socketio.Event) error { s.Disconnect(false); return nil })
			s.OnAny(func(e *socketio.Event) error { handled <- e.Name(); return nil })
		})
		p := join(t, url, m)
		p.enter("/a")
		p.sendAll(packet{text: `2/a,["go"]`}, packet{text: `2/a,["late"]`}, packet{text: `2/a,0["late"]`},
			packet{text: `3/a,9[]`})
		p.expect(`1/a,`)
		p.send(`2/a,["later"]`)
		p.send(`1/a,`)
		p.send(`21["echo"]`)
		p.expect(`31[]`)
		if got := receive(t, handled, "the event"); got != "go" || len(handled) != 0 {
			t.Errorf("handled %s, and %d more", got, len(handled))
		}
		p.enter("/a")
		p.send(`2/a,["again"]`)
		if got := receive(t, handled, "the event"); got != "again" {
			t.Errorf("handled %s", got)
		}
	})
}

// A page that connects again as soon as it hears that it was disconnected is no client that connects twice.
func TestAClientMayComeBackAtOnce(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		ns := io.Of("/a")
		connected := make(chan *socketio.Socket, 1)
		ns.OnConnect(func(s *socketio.Socket) { connected <- s })
		p := join(t, url, m)
		for range 200 {
			p.enter("/a")
			go receive(t, connected, "OnConnect").Disconnect(false) // ends at once
			p.expect(`1/a,`)
		}
	})
}

func TestALargeAuthIsRefused(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	io.Of("/guarded").OnConnect(func(*socketio.Socket) { t.Error("the client was let in") })
	p := dial(t, url, socket4)
	p.send(`0/guarded,{"token":"` + strings.Repeat("x", 64<<10) + `"}`)
	p.expect(`4/guarded,{"message":"Auth too large"}`)
}
