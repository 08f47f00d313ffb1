package socketio_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/socketio"
)

func TestAClosedConnectionIsNoDisconnect(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		h := newHall(t, socketio.Options{})
		p, s := h.join(t, m)
		emit(t, s, "last")
		s.Conn().Close()
		if got := receive(t, h.left, "OnDisconnect"); got != socketio.ReasonForcedClose || !got.Reconnects() {
			t.Errorf("the reason is %q", got)
		}
		last := p.ended()
		if len(last) != 1 || last[0] != `2["last"]` { // a DISCONNECT would keep it away
			t.Errorf("the client heard %q", last)
		}
		if m.version == 4 {
			p.recovered(h.url)
		} else {
			h.join(t, m)
		}
	})
}

// A middleware that waits learns that its client has gone.
func TestDoneIsClosedForAMiddleware(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		in, out := make(chan struct{}), make(chan error, 1)
		io.Use(func(s *socketio.Socket) error {
			done := s.Done()
			close(in)
			<-done
			out <- s.Flushed(context.Background())
			return nil
		})
		p := open(t, url, m)
		if m.version == 4 {
			p.start()
			p.send(`0`)
		}
		receive(t, in, "the middleware")
		p.leave()
		p.cut()
		if err := receive(t, out, "the end of Done"); err != socketio.ErrDisconnected {
			t.Errorf("Flushed: %v", err)
		}
	})
}

func TestDoneIsClosedForASocketThatIsRefused(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	sockets := make(chan *socketio.Socket, 1)
	io.Use(func(s *socketio.Socket) error {
		sockets <- s
		return &socketio.Error{Message: "no"}
	})
	p := dial(t, url, socket4)
	p.send(`0`)
	p.expect(`4{"message":"no"}`)
	receive(t, receive(t, sockets, "the middleware").Done(), "Done")
}

// The answer to a handler in one namespace passes the full inbox of another.
func TestAnAnswerPassesTheInboxesOfEveryNamespace(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{MaxInbox: 2})
		ask, answered, blocked := make(chan struct{}), make(chan error, 1), make(chan struct{})
		defer close(blocked)
		io.OnConnect(func(s *socketio.Socket) {
			s.On("ask", func(*socketio.Event) error {
				<-ask
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				_, err := s.EmitWithAck(ctx, "q")
				answered <- err
				return nil
			})
		})
		io.Of("/b").OnConnect(func(s *socketio.Socket) {
			s.On("slow", func(*socketio.Event) error { <-blocked; return nil })
		})
		p := join(t, url, m)
		p.send(`0/b,`)
		p.next()
		p.send(`2["ask"]`)
		var events []packet
		for range 6 {
			events = append(events, packet{text: `2/b,["slow"]`})
		}
		sent := make(chan error, 1)
		go func() { sent <- p.trySend(events...) }() // a POST takes as long as the reader waits
		eventually(t, "the inbox is full", func() bool { return io.Stats().Hits[string(socketio.LimitInbox)] > 0 })
		close(ask)
		id, ok := strings.CutSuffix(strings.TrimPrefix(p.next().text, "2"), `["q"]`)
		if !ok {
			t.Fatal("it was not asked")
		}
		if err := receive(t, sent, "the end of the events' POST"); err != nil { // there may be one at a time
			t.Fatal(err)
		}
		p.send("3" + id + "[]")
		if err := receive(t, answered, "the answer"); err != nil {
			t.Error(err)
		}
	})
}

func TestAPacketMustHaveItsAttachmentsInTime(t *testing.T) {
	for _, m := range []mode{socket4, socket3, poll4} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			h := newHall(t, socketio.Options{Engine: engineio.Options{MessageTimeout: 500 * time.Millisecond}})
			p, s := h.join(t, m)
			echo(s)
			p.send(`51-["x",{"_placeholder":true,"num":0}]`, []byte("in time"))
			p.expectFine()
			p.sendAll(packet{text: `52-["x",{"_placeholder":true,"num":0}]`, attachments: [][]byte{[]byte("one of two")}})
			if got := p.ended(); len(got) == 0 || !strings.Contains(got[0], `"code":"too_slow"`) {
				t.Errorf("it heard %q", got)
			}
			if got := receive(t, h.left, "OnDisconnect"); got != socketio.ReasonForcedClose {
				t.Errorf("the reason is %q", got)
			}
			expectHits(t, h.Server, socketio.LimitMessageTime, 1)
		})
	}
}

func TestABroadcastIsNeitherDoubledNorLeakedWhileOthersAreCounted(t *testing.T) {
	h := newHall(t, socketio.Options{})
	var peers []*peer
	var sockets []*socketio.Socket
	for range 80 {
		p, s := h.join(t, socket4)
		_ = s.Join("r1", "r2", "y")
		peers, sockets = append(peers, p), append(sockets, s)
	}
	_ = sockets[0].Join("x")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = sockets[0].To("x").Except("y").Emit("to nobody")
			}
		}
	}()
	const events = 100
	for range events {
		emit(t, h.To("r1", "r2"), "a")
	}
	close(stop)
	<-stopped
	emit(t, h, "end")
	for n, p := range peers {
		got := 0
		for text := p.next().text; text != `2["end"]`; text = p.next().text {
			got++
		}
		if got != events {
			t.Errorf("socket %d heard %d of %d", n, got, events)
		}
	}
}
