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
			io.Local().Disconnect(false)
			p.expect(`2["bye"]`, `1`)
			p.leave()
		}, nil},
		{"the server closes the session", "server namespace disconnect", modes, func(p *peer, io *socketio.Server) {
			_ = io.Emit("bye")
			io.Local().Disconnect(true)
		}, []string{`2["bye"]`, `1`}},
		{"the client closes its engine", "transport close", modes, func(p *peer, _ *socketio.Server) { p.leave() }, nil},
		{"the connection is cut", "transport close", []mode{socket4, socket3, {4, "upgrade"}}, func(p *peer, _ *socketio.Server) { p.cut() }, nil},
		{"the client closes its WebSocket", "transport close", []mode{socket4, socket3}, func(p *peer, _ *socketio.Server) {
			_, _ = p.conn.Write(ws.MustCompileFrame(ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1001, "")))))
		}, nil},
		{"a poll is cut", "transport error", []mode{poll4, {3, "polling"}, {3, "jsonp"}}, func(p *peer, io *socketio.Server) {
			eventually(p.t, "a poll waits", func() bool {
				ctx, cancel := context.WithTimeout(p.ctx, time.Millisecond)
				defer cancel()
				_, err := io.Volatile().EmitWithAck(ctx, "probe")
				return err != nil
			})
			p.next()
			_ = io.Emit("synchronize") // the client has polled again when it has had this, or is about to
			p.next()
			eventually(p.t, "the next poll waits", func() bool {
				ctx, cancel := context.WithTimeout(p.ctx, time.Millisecond)
				defer cancel()
				_, err := io.Volatile().EmitWithAck(ctx, "probe")
				return err != nil
			})
			p.next()
			p.cut()
		}, nil},
		{"an Engine.IO packet can't be read", "parse error", modes, func(p *peer, _ *socketio.Server) {
			_ = p.write(engineMessage{data: []byte("x")})
		}, nil},
		{"a Socket.IO packet can't be read", "forced close", modes, func(p *peer, _ *socketio.Server) { _ = p.trySend(packet{text: `2[`}) }, nil},
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
		s.On("forbidden", func(*socketio.Event) error { t.Error("a middleware's error does not keep the event away"); return nil })
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
		{`"bind","x"`, `{"error":{"code":"bad_argument","message":"argument 1 must be integer, not string"}}`},
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
				return strings.Contains(logs.text(), "oh ") && strings.Contains(logs.text(), "lifecycle_test.go")
			})
		})
	}
}

// badJSON panics when it is marshalled.
type badJSON struct{}

func (badJSON) MarshalJSON() ([]byte, error) { panic("oh json") }

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
	if answer, err := http.Get(url + "?EIO=4&transport=polling"); err != nil || answer.StatusCode != http.StatusServiceUnavailable {
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
