package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/crier/crier/server/socketio"
)

// watched makes the server tell of every end: the reasons, and whether the rooms were still there.
func watched(io *socketio.Server) chan string {
	ends := make(chan string, 100)
	io.OnConnect(func(s *socketio.Socket) {
		echo(s)
		s.Join("room")
		s.OnDisconnecting(func(r socketio.Reason) {
			if got := s.Rooms(); !slices.Equal(got, []string{s.ID(), "room"}) {
				ends <- fmt.Sprintf("disconnecting sees the rooms %q", got)
			}
			if _, known := io.Socket(s.ID()); known || s.Connected() {
				ends <- "disconnecting: the socket is still connected"
			}
		})
		s.OnDisconnect(func(r socketio.Reason) {
			if got := s.Rooms(); len(got) > 0 {
				ends <- fmt.Sprintf("disconnect sees the rooms %q", got)
			}
			ends <- string(r)
		})
	})
	return ends
}

func TestEveryEndHasItsReason(t *testing.T) {
	for _, one := range []struct {
		name   string
		reason socketio.Reason
		modes  []mode
		end    func(p *peer, io *socketio.Server)
		hears  []string
	}{
		{"the client disconnects", "client namespace disconnect", modes, func(p *peer, io *socketio.Server) {
			p.send(`1`)
			eventually(p.t, "the socket has left", func() bool { return io.Len() == 0 })
			p.leave()
		}, nil},
		{"the server disconnects", "server namespace disconnect", modes, func(p *peer, io *socketio.Server) {
			_ = io.Emit("bye")
			io.DisconnectSockets(false)
			p.expect(`2["bye"]`, `1`)
			p.leave()
		}, nil},
		{"the server closes the session", "server namespace disconnect", modes, func(p *peer, io *socketio.Server) {
			_ = io.Emit("bye")
			io.DisconnectSockets(true)
		}, []string{`2["bye"]`, `1`}},
		{"the client closes its engine", "transport close", modes, func(p *peer, _ *socketio.Server) { p.leave() }, nil},
		{"the connection is cut", "transport close", []mode{socket4, socket3, {4, "upgrade"}},
			func(p *peer, _ *socketio.Server) { p.cut() }, nil},
		{"the client closes its WebSocket", "transport close", []mode{socket4, socket3}, func(p *peer, _ *socketio.Server) {
			_, _ = p.conn.Write(ws.MustCompileFrame(ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1001, "")))))
		}, nil},
		{"a poll is cut", "transport error", []mode{poll4, {3, "polling"}, {3, "jsonp"}}, func(p *peer, io *socketio.Server) {
			eventually(p.t, "a poll waits", func() bool { return socketio.IsReady(io.Sockets()[0]) })
			p.cut()
		}, nil},
		{"an Engine.IO packet can't be read", "parse error", modes, func(p *peer, _ *socketio.Server) {
			_ = p.write(engineMessage{data: []byte("x")})
		}, nil},
		{"a Socket.IO packet can't be read", "forced close", modes,
			func(p *peer, _ *socketio.Server) { _ = p.trySend(packet{text: `2[`}) }, nil},
		{"the server closes", "server shutting down", modes, func(p *peer, io *socketio.Server) {
			_ = io.Emit("bye")
			if err := io.Close(p.ctx); err != nil {
				p.t.Error(err)
			}
		}, []string{`2["bye"]`}}, // and no DISCONNECT: clients come back only from a lost connection
	} {
		t.Run(one.name, func(t *testing.T) {
			for _, m := range one.modes {
				t.Run(m.String(), func(t *testing.T) {
					io, url := serve(t, socketio.Options{})
					ends := watched(io)
					peers, _ := crowd(t, io, url, m)
					p := peers[0]
					one.end(p, io)
					if got := p.ended(); one.hears != nil && !slices.Equal(got, one.hears) {
						t.Errorf("before the end the client hears %q", got)
					}
					if got := receive(t, ends, "OnDisconnect"); got != string(one.reason) {
						t.Errorf("the reason is %q", got)
					}
					eventually(t, "the session has ended", func() bool { return io.Sessions() == 0 })
				})
			}
		})
	}
}

func TestASlowConsumerIsCutOff(t *testing.T) {
	o := socketio.Options{}
	o.Engine.MaxQueue = 1 << 20
	io, url := serve(t, o)
	ends := watched(io)
	p := open(t, url, socket4) // reads nothing
	p.send(`0`)
	chunk := strings.Repeat("x", 100<<10)
	eventually(t, "it is cut off", func() bool {
		_ = io.Emit("chunk", chunk)
		return len(ends) > 0
	})
	if got := <-ends; got != string(socketio.ReasonSlowConsumer) {
		t.Errorf("the reason is %q", got)
	}
}

func TestDisconnectWithTheSessionEndsEveryNamespace(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		ends := make(chan string, 3)
		watch := func(s *socketio.Socket) {
			s.OnDisconnect(func(r socketio.Reason) { ends <- s.Namespace().Name() + " " + string(r) })
		}
		io.OnConnect(watch)
		io.Of("/a").OnConnect(watch)
		slow, answer := make(chan bool, 1), make(chan error)
		io.Of("/slow").Use(func(*socketio.Socket) error { slow <- true; return <-answer })
		io.Of("/slow").OnConnect(func(*socketio.Socket) { t.Error("it is let in after the end") })
		p := join(t, url, m)
		p.enter("/a")
		p.send(`0/slow,`)
		receive(t, slow, "the middleware is asked")
		io.Sockets()[0].Disconnect(true)
		answer <- nil
		heard := p.ended()
		slices.Sort(heard)
		if !slices.Equal(heard, []string{`1`, `1/a,`}) {
			t.Errorf("the client hears %q", heard)
		}
		got := []string{receive(t, ends, "OnDisconnect"), receive(t, ends, "OnDisconnect")}
		slices.Sort(got)
		if !slices.Equal(got, []string{"/ server namespace disconnect", "/a server namespace disconnect"}) {
			t.Errorf("ends %q", got)
		}
	})
}

// What the client sent before it left is handled first, disconnecting and disconnect come last, in that order, and
// once; after the end the socket is in no room and joins none.
func TestDisconnectIsTheLastThing(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		var order journal
		release, over := make(chan struct{}), make(chan struct{})
		io.OnConnect(func(s *socketio.Socket) {
			order.note("connect")
			s.On("n", func(e *socketio.Event) error {
				<-release
				order.note(string(e.Arg(0).JSON()))
				if len(s.Rooms()) > 0 && !s.Connected() {
					s.Join("late")
				}
				return nil
			})
			s.OnDisconnect(func(socketio.Reason) { order.note("disconnect"); s.Join("late"); close(over) })
			s.OnDisconnecting(func(socketio.Reason) { order.note("disconnecting"); s.Join("late") })
		})
		peers, sockets := crowd(t, io, url, m)
		p, s := peers[0], sockets[0]
		var all []packet
		for n := range 5 {
			all = append(all, packet{text: fmt.Sprintf(`2["n",%d]`, n)})
		}
		p.sendAll(append(all, packet{text: `1`})...)
		eventually(t, "the socket has left", func() bool { return !s.Connected() })
		close(release)
		receive(t, over, "OnDisconnect")
		s.Join("late")
		if got := order.read(); got != "connect, 0, 1, 2, 3, 4, disconnecting, disconnect" {
			t.Errorf("the order is %s", got)
		}
		if len(io.To("late").Sockets())+len(s.Rooms()) != 0 {
			t.Error("it joined a room after its end")
		}
		s.Disconnect(false) // nothing more
		s.Leave("late")
	})
}

func TestAServersDisconnectDropsWhatWaits(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	handled, over := make(chan struct{}, 10), make(chan struct{})
	io.OnConnect(func(s *socketio.Socket) {
		s.On("n", func(*socketio.Event) error { handled <- struct{}{}; s.Disconnect(false); return nil })
		s.OnDisconnect(func(socketio.Reason) { close(over) })
	})
	p := join(t, url, poll4)
	p.sendAll(packet{text: `2["n"]`}, packet{text: `2["n"]`}, packet{text: `2["n"]`})
	receive(t, over, "OnDisconnect")
	if len(handled) != 1 {
		t.Errorf("%d events were handled", len(handled))
	}
}

func TestCloseWaitsForHandlers(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		entered, release, closed := make(chan struct{}), make(chan struct{}), make(chan error)
		io.OnConnect(func(s *socketio.Socket) {
			s.On("slow", func(*socketio.Event) error { close(entered); <-release; return nil })
		})
		p := join(t, url, m)
		p.send(`2["slow"]`)
		receive(t, entered, "the handler runs")
		go func() { closed <- io.Close(context.Background()) }()
		p.ended()
		eventually(t, "the session has ended", func() bool { return io.Sessions() == 0 })
		select {
		case <-closed:
			t.Error("Close did not wait")
		case <-time.After(20 * time.Millisecond): // nothing to wait for: this only gives it a chance to be wrong
		}
		close(release)
		if err := receive(t, closed, "Close"); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseWaitsForMiddleware(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	asked, answer, closed := make(chan struct{}), make(chan error), make(chan error)
	io.Use(func(*socketio.Socket) error { close(asked); return <-answer })
	p := dial(t, url, socket3)
	receive(t, asked, "the middleware is asked")
	go func() { closed <- io.Close(context.Background()) }()
	p.ended()
	answer <- nil
	if err := receive(t, closed, "Close"); err != nil {
		t.Error(err)
	}
	if io.Len() != 0 {
		t.Error("it was let in after the end")
	}
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	entered, release := make(chan struct{}), make(chan struct{})
	io.OnConnect(func(s *socketio.Socket) {
		s.On("slow", func(*socketio.Event) error { close(entered); <-release; return nil })
	})
	p := join(t, url, socket4)
	p.send(`2["slow"]`)
	receive(t, entered, "the handler runs")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := io.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close says %v", err)
	}
	close(release)
	if answer, err := http.Get(url + "?EIO=4&transport=polling"); err != nil ||
		answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a new session is answered %v, %v", answer, err)
	} else {
		answer.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestReasonsSayWhetherTheClientComesBack(t *testing.T) {
	for r, want := range map[socketio.Reason]bool{
		socketio.ReasonTransportClose: true, socketio.ReasonPingTimeout: true, socketio.ReasonServerShutdown: true,
		socketio.ReasonSlowConsumer: true, socketio.ReasonForcedClose: true,
		socketio.ReasonClientDisconnect: false, socketio.ReasonServerDisconnect: false,
	} {
		if r.Reconnects() != want {
			t.Errorf("%s: %v", r, !want)
		}
	}
}

func TestOptionsThatCannotBeAreRefused(t *testing.T) {
	for field, o := range map[string]socketio.Options{
		"ConnectTimeout": {ConnectTimeout: -time.Second},
		"MaxAttachments": {MaxAttachments: -1},
		"MaxDepth":       {MaxDepth: -1},
		"MaxInbox":       {MaxInbox: -1},
		"MaxNamespaces":  {MaxNamespaces: -1},
	} {
		if _, err := socketio.New(o); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	o := socketio.Options{}
	o.Engine.MaxPayload = -1
	if _, err := socketio.New(o); err == nil || !strings.Contains(err.Error(), "MaxPayload") {
		t.Errorf("MaxPayload: %v", err)
	}
}
