package socketio_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/crier/crier/server/socketio"
)

// Attacks on Socket.IO's packets, each over both revisions of Engine.IO and all transports.
// TestAHostilePacketEndsItsSessionAlone has more shapes; here it is what they did that is looked for.

// scene is a server whose witness must be served whatever its other clients send.
func scene(t *testing.T, m mode, o socketio.Options, onConnect func(*socketio.Socket)) (io *socketio.Server,
	url string, unharmed func()) {
	io, url = serve(t, o)
	io.OnConnect(func(s *socketio.Socket) {
		echo(s)
		onConnect(s)
	})
	witness := join(t, url, m)
	return io, url, func() {
		t.Helper()
		witness.send(`20["echo","fine"]`)
		witness.expect(`30["fine"]`)
	}
}

// expectRefused sends packets in a session of their own, which must end.
func expectRefused(t *testing.T, io *socketio.Server, url string, m mode, name string, packets ...packet) {
	t.Helper()
	p := join(t, url, m)
	// a POST that ends its session is answered as one that can't be served
	_ = p.trySend(packets...)
	told := func(text string) bool { return strings.HasPrefix(text, `2["warning",`) } // which limit it met
	if last := slices.DeleteFunc(p.ended(), told); len(last) > 0 {
		t.Errorf("%v, %s: before its end the client was sent %q", m, name, last)
	}
	eventually(t, "the socket of "+name+" is gone", func() bool { return io.Len() == 1 })
}

// The names that mean something inside of one implementation or another, and nothing on the wire.
var innerNames = []string{"error", "newNamespace", "connection", "message", "ping", "__proto__", "constructor",
	"toString", "hasOwnProperty", "%s%n", ""}

// Socket.IO before 2.5.1 and 4.6.2 handed an event named "error" to Node's emitter, which ends the process when
// nobody listens. It is an event like every other: a handler gets it if there is one, and otherwise nothing
// happens.
func TestCVE_2024_38355_AnEventNamedErrorIsAnEvent(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		heard := make(chan string, len(innerNames))
		_, url, unharmed := scene(t, m, socketio.Options{}, func(s *socketio.Socket) {
			s.On("error", func(e *socketio.Event) error {
				heard <- e.Name()
				return e.Ack("heard")
			})
		})
		p := join(t, url, m)
		for _, name := range innerNames {
			p.send(fmt.Sprintf(`2[%q,{"message":"x"}]`, name))
			p.send(fmt.Sprintf(`51-[%q,{"_placeholder":true,"num":0}]`, name), []byte("x"))
		}
		p.send(`27["error","asked"]`)
		p.expect(`37["heard"]`)
		for range 3 {
			if name := receive(t, heard, "the event"); name != "error" {
				t.Errorf("%q was handled", name)
			}
		}
		unharmed()
	})
}

// The parser of Socket.IO took whatever stood for the number of an attachment for a member of its list, so that
// "splice" gave a handler a function. A placeholder names an attachment that came with the packet, or its session
// ends before any handler sees it.
func TestCVE_2022_2421_APlaceholderNamesAnAttachmentOrNothing(t *testing.T) {
	inEveryJSONMode(t, func(t *testing.T, m mode) {
		var handled atomic.Int32
		io, url, unharmed := scene(t, m, socketio.Options{}, func(s *socketio.Socket) {
			s.On("x", func(*socketio.Event) error { handled.Add(1); return nil })
		})
		for _, num := range []string{
			`"splice"`, `"length"`, `"constructor"`, `"__proto__"`, `"0"`, `-1`, `-0`, `1`, `0.5`, `1e0`, `00`,
			`9007199254740993`, `1e309`, `null`,
			`true`, `[0]`, `{}`, `"` + strings.Repeat("9", 1000) + `"`, strings.Repeat("9", 1000),
		} {
			for name, args := range map[string]string{
				"alone":             `{"_placeholder":true,"num":` + num + `}`,
				"deep inside":       `{"a":[{"b":{"num":` + num + `,"_placeholder":true}}]}`,
				"said again":        `{"_placeholder":true,"num":0,"num":` + num + `}`,
				"behind a good one": `{"_placeholder":true,"num":0},{"_placeholder":true,"num":` + num + `}`,
			} {
				expectRefused(t, io, url, m, num+" "+name, packet{text: `51-["x",` + args + `]`,
					attachments: [][]byte{[]byte("a")}})
			}
		}
		expectRefused(t, io, url, m, "no number", packet{text: `51-["x",{"_placeholder":true}]`,
			attachments: [][]byte{[]byte("a")}})
		if n := handled.Load(); n > 0 {
			t.Errorf("%d events were handled", n)
		}
		unharmed()
	})
}

// The parser of Socket.IO before 4.2.3 let an event's name be anything, and the server died as it made a string
// of {"toString":"x"}. A name is a string, or a number as JavaScript has them; anything else ends the session.
func TestCVE_2023_32695_AnEventsNameIsAString(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		var handled atomic.Int32
		io, url, unharmed := scene(t, m, socketio.Options{}, func(s *socketio.Socket) {
			s.OnAny(func(e *socketio.Event) error {
				if e.Name() != "echo" {
					handled.Add(1)
				}
				return nil
			})
		})
		for _, args := range []string{
			`[{"toString":"x"}]`, `[{"toString":{"toString":1}}]`, `[null]`, `[true]`, `[]`, `[[]]`, `[["x"]]`, `[{}]`, `{}`,
			`{"0":"x","length":1}`,
			`"x"`, `1`, `null`, ``, `[1e999]`, `[{"_placeholder":true,"num":0}]`, `["connect"]`, `["\u0064isconnect"]`,
			`["newListener",1]`,
		} {
			expectRefused(t, io, url, m, "2"+args, packet{text: "2" + args})
			expectRefused(t, io, url, m, "51-"+args, packet{text: "51-" + args, attachments: [][]byte{[]byte("a")}})
		}
		if n := handled.Load(); n > 0 {
			t.Errorf("%d events were handled", n)
		}
		unharmed()
	})
}

// The parser of Socket.IO before 4.2.6 waited for as many attachments as a packet announced, and kept them. More
// than the limit must be refused when they are announced, and what comes under it weigh no more than one message
// may.
func TestCVE_2026_33151_NoPacketWaitsForCountlessAttachments(t *testing.T) {
	inEveryJSONMode(t, func(t *testing.T, m mode) {
		o := socketio.Options{}
		o.Engine.MaxPayload = 200_000
		io, url, unharmed := scene(t, m, o, func(s *socketio.Socket) {})
		for _, count := range []string{"5999999-", "511-", "518446744073709551617-",
			"5" + strings.Repeat("9", 100_000) + "-", "5" + strings.Repeat("0",
				100_000) + "11-", "5-1-", "5+1-", "51e1-", "5 1-", "5"} {
			expectRefused(t, io, url, m, fmt.Sprintf("%.20s", count),
				packet{text: count + `["x",{"_placeholder":true,"num":0}]`})
			expectRefused(t, io, url, m, fmt.Sprintf("ack %.20s", count), packet{text: "6" + count[1:] + `["x"]`})
		}
		unharmed()
	})
	for _, m := range []mode{socket4, socket3} {
		const clients, size = 20, 100_000
		o := socketio.Options{}
		o.Engine.MaxPayload = 2 * size
		io, url, unharmed := scene(t, m, o, func(s *socketio.Socket) {})
		all, part := make([]*peer, clients), bytes.Repeat([]byte("x"), size)
		for i := range all {
			all[i] = join(t, url, m)
		}
		before := heap()
		for i := range all {
			all[i].send(`510-["x",{"_placeholder":true,"num":0}]`, part, part)
		}
		unharmed()
		eventually(t, "what waits weighs what it may", func() bool { return heap()-before < clients*5/2*size })
		for _, p := range all {
			_ = p.write(engineMessage{true, part})
			p.ended()
		}
		eventually(t, "nothing is left of it", func() bool { return io.Len() == 1 && heap()-before < clients*size/2 })
		unharmed()
	}
}

// The parser of Socket.IO before 4.2.7 took a packet that announced no attachments at all for one that waits for
// them, and kept it and all that came after. It must be refused, and thousands of them leave nothing behind.
func TestCVE_2026_69185_APacketWithZeroAttachmentsIsRefused(t *testing.T) {
	inEveryJSONMode(t, func(t *testing.T, m mode) {
		io, url, unharmed := scene(t, m, socketio.Options{}, func(s *socketio.Socket) {})
		for _, text := range []string{`50-["x"]`, `60-[]`, `500-["x"]`, `50-`, `5-["x"]`, `60-0["x"]`, `50-/,["x"]`,
			`50-["x",{"_placeholder":true,"num":0}]`} {
			expectRefused(t, io, url, m, text, packet{text: text}, packet{text: text})
			expectRefused(t, io, url, m, text+" and an attachment", packet{text: text, attachments: [][]byte{[]byte("a")}})
		}
		unharmed()
	})
	io, url, unharmed := scene(t, socket4, socketio.Options{}, func(s *socketio.Socket) {})
	before, large := heap(), `50-["`+strings.Repeat("x", 400_000)+`"]`
	for range 40 {
		expectRefused(t, io, url, socket4, "a large one", packet{text: large}, packet{text: large})
	}
	eventually(t, "little is left of 32 MB, and that is the clients'", func() bool { return heap()-before < 14<<20 })
	unharmed()
}
