package socketio_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crier/crier/server/socketio"
)

// inEveryMode runs one test over both revisions of Engine.IO and all transports.
func inEveryMode(t *testing.T, test func(t *testing.T, m mode)) {
	for _, m := range modes {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			test(t, m)
		})
	}
}

// inEveryJSONMode is inEveryMode for clients whose packets are JSON, with attachments in messages of their own.
func inEveryJSONMode(t *testing.T, test func(t *testing.T, m mode)) {
	inEveryMode(t, func(t *testing.T, m mode) {
		if m.msgpack() {
			t.SkipNow()
		}
		test(t, m)
	})
}

// echo answers every event's acknowledgement with the arguments, unread.
func echo(s *socketio.Socket) {
	s.On("echo", func(e *socketio.Event) error {
		var args []any
		for _, a := range e.Args() {
			args = append(args, a)
		}
		return e.Ack(args...)
	})
}

func TestEveryModeConnects(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		sockets := make(chan *socketio.Socket, 2)
		io.OnConnect(func(s *socketio.Socket) { sockets <- s })
		io.Of("/guarded").OnConnect(func(s *socketio.Socket) { sockets <- s })

		p := dial(t, url, m)
		auth := `{}`
		if m.version == 4 {
			p.send(`0{"token":"说 & <b>"}`)
			auth = `{"token":"说 & <b>"}`
		}
		p.connected()
		s := receive(t, sockets, "OnConnect")
		h := s.Handshake()
		if s.Protocol() != m.version || string(h.Auth) != auth || h.Query.Get("t") != "Pxyz" || h.Address != "127.0.0.1" ||
			h.Secure || h.CrossOrigin {
			t.Errorf("the handshake is %+v, auth %s", h, h.Auth)
		}
		want := "polling"
		if m.way() == "websocket" || m.way() == "upgrade" {
			want = "websocket"
		}
		eventually(t, "transport is "+want, func() bool { return s.Transport() == want })
		if m.version == 4 && (s.ID() != p.id || s.ID() == p.sid) {
			t.Errorf("the socket's id is %q, the client's %q, the session's %q", s.ID(), p.id, p.sid)
		}

		if m.version == 3 {
			p.send(`0/guarded?token=x%20y&n=1,`)
			p.expect(`0/guarded,`)
		} else {
			p.send(`0/guarded,{"token":"x y","n":"1"}`)
			if got := p.next().text; !strings.HasPrefix(got, `0/guarded,{"sid":"`) {
				t.Fatal(got)
			}
		}
		var as struct{ Token, N string }
		other := receive(t, sockets, "OnConnect of /guarded")
		if err := json.Unmarshal(other.Handshake().Auth, &as); err != nil || as.Token != "x y" || as.N != "1" {
			t.Errorf("auth is %s", other.Handshake().Auth)
		}
	})
}

func TestEveryModeCarriesAcks(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		io.OnConnect(func(s *socketio.Socket) {
			echo(s)
			s.On("ask", func(e *socketio.Event) error {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				answer, err := s.EmitWithAck(ctx, "question", "now?")
				if err != nil {
					return err
				}
				return e.Ack(answer[0], len(answer))
			})
			s.On("ask in vain", func(e *socketio.Event) error {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				defer cancel()
				_, err := s.EmitWithAck(ctx, "question")
				return e.Ack(errors.Is(err, context.DeadlineExceeded))
			})
		})
		p := join(t, url, m)
		p.send(`20["echo"]`)
		p.expect(`30[]`)
		p.send(`27["echo",{"a":[1,"x y"],"b":null},-2.50,"\n\\n\"",true]`)
		number := "-2.50"
		if m.msgpack() {
			number = "-2.5"
		}
		p.expect(`37[{"a":[1,"x y"],"b":null},` + number + `,"\n\\n\"",true]`)
		p.send("212[\"echo\",\"说🙂\u2028é\"]")
		if m.version == 4 || m.msgpack() {
			p.expect("312[\"说🙂\u2028é\"]")
		} else {
			p.expect(`312["\u8bf4\ud83d\ude42\u2028\u00e9"]`) // what all of those clients read alike
		}

		p.send(`21["ask"]`)
		p.expect(`21["question","now?"]`)
		p.send(`31["yes",2]`)
		p.expect(`31["yes",2]`)
		p.send(`22["ask in vain"]`)
		p.expect(`22["question"]`, `32[true]`)
		p.send(`32["too late"]`)
		p.send(`23["echo",1]`)
		p.expect(`33[1]`)
	})
}

func TestEveryModeHandlesEventsInOrder(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		const events = 200
		io, url := serve(t, socketio.Options{})
		handled, sent := make(chan int, events), make(chan struct{})
		io.OnConnect(func(s *socketio.Socket) {
			s.On("n", func(e *socketio.Event) error {
				<-sent // the handler is slower than its client
				var n int
				err := e.Bind(&n)
				handled <- n
				return err
			})
		})
		p := join(t, url, m)
		for n := 0; n < events; n += 40 {
			var batch []packet
			for i := range 40 {
				batch = append(batch, packet{text: fmt.Sprintf(`2["n",%d]`, n+i)})
			}
			p.sendAll(batch...)
		}
		close(sent)
		for want := range events {
			if got := receive(t, handled, "an event"); got != want {
				t.Fatalf("event %d comes after %d", got, want-1)
			}
		}
	})
}

func TestEveryModeHearsABurst(t *testing.T) {
	const listeners, burst = 20, 1000
	inEveryMode(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		io.OnConnect(func(s *socketio.Socket) { s.Join("room") })
		peers := make([]*peer, listeners)
		for i := range peers {
			peers[i] = join(t, url, m)
		}
		eventually(t, "all are in the room", func() bool { return len(io.To("room").Sockets()) == listeners })
		for n := range burst {
			if err := io.To("room").Emit("news", n, "and a little text to carry"); err != nil {
				t.Fatal(err)
			}
		}
		var done sync.WaitGroup
		for _, p := range peers {
			done.Go(func() {
				for n := range burst {
					if got, want := p.next().text, fmt.Sprintf(`2["news",%d,"and a little text to carry"]`, n); got != want {
						t.Errorf("got %s, want %s", got, want)
						return
					}
				}
			})
		}
		done.Wait()
	})
}

func TestEveryModeCarriesAttachmentsAnywhere(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		io.OnConnect(func(s *socketio.Socket) {
			echo(s)
			s.On("make", func(e *socketio.Event) error {
				return s.Emit("made", []byte{1, 2}, map[string]any{"deep": []any{socketio.Binary{0xff}, "text"}}, socketio.Binary{})
			})
		})
		p := join(t, url, m)
		a, b := []byte("first\x00\xff"), bytes.Repeat([]byte{0x80, 0x1e}, 500)
		p.send(`52-1["echo",{"x":{"y":[{"_placeholder":true,"num":1}]}},"z",{"_placeholder":true,"num":0}]`, a, b)
		got := p.next()
		if want := `62-1[{"x":{"y":[{"_placeholder":true,"num":0}]}},"z",{"_placeholder":true,"num":1}]`; got.text != want {
			t.Errorf("got %s", got.text)
		}
		if len(got.attachments) != 2 || !bytes.Equal(got.attachments[0], b) || !bytes.Equal(got.attachments[1], a) {
			t.Errorf("attachments %q", got.attachments)
		}
		p.send(`2["make"]`)
		got = p.next()
		if want := `53-["made",{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1},"text"]},{"_placeholder":true,"num":2}]`; got.text != want {
			t.Errorf("got %s", got.text)
		}
		if fmt.Sprint(got.attachments) != "[[1 2] [255] []]" {
			t.Errorf("attachments %v", got.attachments)
		}
	})
}

func TestEveryModeCarriesMuch(t *testing.T) {
	text := strings.Repeat("a line of text, as people write it. ", 300_000/36)
	data := make([]byte, 300_000)
	_, _ = rand.Read(data)
	inEveryMode(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		io.OnConnect(echo)
		p := join(t, url, m)
		p.send(`21["echo","` + text + `"]`)
		p.expect(`31["` + text + `"]`)
		p.send(`51-2["echo",{"_placeholder":true,"num":0}]`, data)
		if got := p.next(); got.text != `61-2[{"_placeholder":true,"num":0}]` || len(got.attachments) != 1 ||
			!bytes.Equal(got.attachments[0], data) {
			t.Errorf("got %.100s with %d attachments", got.text, len(got.attachments))
		}
	})
}
