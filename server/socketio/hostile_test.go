package socketio_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crier/crier/server/socketio"
)

// The shapes are those of the attacks that socket.io-parser has seen, and their neighbours.
func TestAHostilePacketEndsItsSessionAlone(t *testing.T) {
	hole := func(num string) packet {
		return packet{text: `51-["x",{"_placeholder":true,"num":` + num + `}]`, attachments: [][]byte{[]byte("a")}}
	}
	text := func(s string) packet { return packet{text: s} }
	for name, attack := range map[string][]packet{
		"nothing":                                    {text(``)},
		"an unknown type":                            {text(`9["x"]`)},
		"no JSON":                                    {text(`2["x"`)},
		"two values":                                 {text(`2["x"]["y"]`)},
		"an object for arguments":                    {text(`2{}`)},
		"an event without a name":                    {text(`2[]`)},
		"an event without anything":                  {text(`2`)},
		"an object for a name (CVE-2023-32695)":      {text(`2[{"toString":"x"}]`)},
		"null for a name":                            {text(`2[null]`)},
		"an array for a name":                        {text(`2[["x"]]`)},
		"a reserved name":                            {text(`2["disconnect"]`)},
		"a reserved name in escapes":                 {text(`2["\u0063onnect"]`)},
		"an ack for no list":                         {text(`31{}`)},
		"an id beyond 64 bits":                       {text(`218446744073709551616["x"]`)},
		"DISCONNECT with a payload":                  {text(`1{}`)},
		"deep nesting":                               {text(`2["x",` + nested(10_000) + `]`)},
		"countless arguments":                        {text(`2["x"` + strings.Repeat(",0", 1<<17) + `]`)},
		"a long namespace":                           {text(`2/` + strings.Repeat("n", 10_000) + `,["x"]`)},
		"countless attachments (CVE-2026-33151)":     {text(`5999999-["x"]`)},
		"one attachment too many":                    {text(`511-["x"]`)},
		"no attachments (CVE-2026-69185)":            {text(`50-["x"]`)},
		"an ack with no attachments":                 {text(`60-[]`)},
		"attachments that are not counted":           {text(`5["x"]`)},
		"a negative count":                           {text(`5-1-["x"]`)},
		"an attachment without a packet":             {text(`2["x"]`), {text: `2["y"]`, attachments: [][]byte{{1}}}},
		"text between attachments":                   {text(`52-["x"]`), text(`2["x"]`)},
		"a placeholder that is text (CVE-2022-2421)": {hole(`"splice"`)},
		"a negative placeholder":                     {hole(`-1`)},
		"a placeholder with a fraction":              {hole(`0.5`)},
		"a placeholder out of range":                 {hole(`1`)},
		"a huge placeholder":                         {hole(`1e308`)},
		"a placeholder of nothing":                   {hole(`null`)},
		"attachments over the limit": {{text: `52-["x"]`,
			attachments: [][]byte{make([]byte, 60_000), make([]byte, 60_000)}}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, m := range []mode{socket4, socket3, poll4} {
				o := socketio.Options{}
				o.Engine.MaxPayload = 300_000
				if strings.HasPrefix(name, "attachments over") {
					o.Engine.MaxPayload = 100_000
				}
				io, url := serve(t, o)
				handled := new(atomic.Int32)
				io.OnConnect(func(s *socketio.Socket) {
					echo(s)
					s.On("y", func(*socketio.Event) error { return nil })
					s.OnAny(func(e *socketio.Event) error {
						if e.Name() != "echo" && e.Name() != "x" && e.Name() != "y" {
							handled.Add(1)
						}
						return nil
					})
				})
				p, witness := join(t, url, m), join(t, url, m)
				for _, one := range attack {
					_ = p.trySend(one) // a POST that ends its session is answered as one that can't be served
				}
				p.ended()
				witness.send(`20["echo","fine"]`)
				witness.expect(`30["fine"]`)
				if io.Len() != 1 || handled.Load() != 0 {
					t.Errorf("%v: %d sockets, %d events handled", m, io.Len(), handled.Load())
				}
			}
		})
	}
}

func TestOddPacketsAreTaken(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	names := make(chan string, 1)
	io.OnConnect(func(s *socketio.Socket) {
		s.OnAny(func(e *socketio.Event) error { names <- e.Name(); return nil })
		echo(s)
	})
	p := join(t, url, socket4)
	for text, name := range map[string]string{
		`2[""]`:                                 "",
		`2[1]`:                                  "1",
		`2["__proto__"]`:                        "__proto__",
		`2["error"]`:                            "error",
		`2["constructor",{}]`:                   "constructor",
		`2["说 🙂\u0000"]`:                        "说 🙂\x00",
		`2/,["comma"]`:                          "comma",
		` `[1:] + "2[ \"sp\" , 1 ]":             "sp",
		`2["` + strings.Repeat("n", 256) + `"]`: strings.Repeat("n", 256),
	} {
		p.send(text)
		if got := receive(t, names, "an event"); got != name {
			t.Errorf("%.40s: the name is %.40q", text, got)
		}
	}
	for _, unasked := range []string{`3`, `3[]`, `30`, `31["nobody asked"]`, `318446744073709551615[]`} {
		p.send(unasked)
	}
	p.send(`61-7[{"_placeholder":true,"num":0}]`, []byte("nobody asked"))
	p.send(`25["echo",{"_placeholder":true,"num":0}]`) // a placeholder in a packet without attachments is an object
	receive(t, names, "an event")
	p.expect(`35[{"_placeholder":true,"num":0}]`)
}

// heap returns the bytes in use once the garbage is gone.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestAFloodStopsAtTheInbox(t *testing.T) {
	const most = 6 << 20 // an inbox of 1 MB and one event more, with room for what the test itself holds
	for name, event := range map[string]string{
		"large events":           `2["x","` + strings.Repeat("x", 50_000) + `"]`,
		"small events":           `2["x"]`,
		"countless arguments":    `2["x"` + strings.Repeat(",0", 16_000) + `]`,
		"events with long names": `2["` + strings.Repeat("x", 100_000) + `"]`,
	} {
		t.Run(name, func(t *testing.T) {
			io, url := serve(t, socketio.Options{MaxEventName: 1 << 17}) // whose own limit is tested elsewhere
			release, handled := make(chan struct{}), new(atomic.Int64)
			io.OnConnect(func(s *socketio.Socket) {
				echo(s)
				s.OnAny(func(e *socketio.Event) error {
					if e.Name() != "echo" {
						<-release
						handled.Add(1)
					}
					return nil
				})
			})
			p, witness := join(t, url, socket4), join(t, url, socket4)
			before := heap()
			batch := max(1, 10_000/len(event))
			frames := bytes.Repeat(engineMessage{data: []byte("4" + event)}.frame(4), batch)
			sent, stopped := new(atomic.Int64), make(chan struct{})
			go func() { // ends when all is sent, or with the connection
				defer close(stopped)
				for bytes := 0; bytes < 32<<20; bytes += len(frames) {
					if _, err := p.conn.Write(frames); err != nil {
						return
					}
					sent.Add(int64(batch))
				}
			}()
			stuckAt := int64(-1)
			for ticks := time.Tick(100 * time.Millisecond); stuckAt <= 0 || stuckAt != sent.Load(); <-ticks {
				stuckAt = sent.Load()
			}
			select {
			case <-stopped:
				t.Error("all of the flood was taken")
			default:
			}
			if grown := heap() - before; grown > most {
				t.Errorf("%d bytes are held", grown)
			}
			witness.send(`20["echo"]`)
			witness.expect(`30[]`)

			close(release)
			if name == "large events" { // and all that was sent is handled
				receive(t, stopped, "the flood's end")
				eventually(t, "all are handled", func() bool { return handled.Load() == sent.Load() })
			}
			p.cut()
			<-stopped
		})
	}
}

func TestAFloodedSocketCanBeDisconnected(t *testing.T) {
	for name, end := range map[string]func(*socketio.Socket, *socketio.Server){
		"by its server": func(s *socketio.Socket, _ *socketio.Server) { s.Disconnect(true) },
		"at the end": func(_ *socketio.Socket, io *socketio.Server) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_ = io.Close(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			io, url := serve(t, socketio.Options{MaxInbox: 4})
			entered, release, over := make(chan *socketio.Socket, 1), make(chan struct{}), make(chan struct{})
			io.OnConnect(func(s *socketio.Socket) {
				s.On("x", func(*socketio.Event) error {
					select {
					case entered <- s:
					default:
					}
					<-release
					return nil
				})
				s.OnDisconnect(func(socketio.Reason) { close(over) })
			})
			p := join(t, url, socket4)
			for range 20 {
				p.send(`2["x"]`)
			}
			end(receive(t, entered, "the handler runs"), io)
			p.ended()
			close(release)
			receive(t, over, "OnDisconnect")
		})
	}
}

// A client that floods, and answers honestly what it is asked, gets through: its answers come behind its events.
func TestAnAnswerIsFoundBehindManyEvents(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		const events = 500
		io, url := serve(t, socketio.Options{MaxInbox: 4})
		io.OnConnect(func(s *socketio.Socket) {
			s.On("ask", func(e *socketio.Event) error {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				answer, err := s.EmitWithAck(ctx, "question", e.Arg(0))
				if err != nil {
					return err
				}
				return e.Ack(answer[0])
			})
		})
		p := join(t, url, m)
		for n := range events {
			p.send(fmt.Sprintf(`2%d["ask",%d]`, n, n))
		}
		for n := range events {
			p.expect(fmt.Sprintf(`2%d["question",%d]`, n+1, n))
			p.send(fmt.Sprintf(`3%d[%d]`, n+1, n))
			p.expect(fmt.Sprintf(`3%d[%d]`, n, n))
		}
	})
}
