package engineio_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/crier/crier/server/engineio"
)

// deflating returns a client on WebSocket with permessage-deflate.
func (h *house) deflating(version int) *client {
	h.t.Helper()
	c := h.stranger(mode{version, "websocket"})
	c.header.Set("Sec-WebSocket-Extensions", "permessage-deflate")
	c.dial()
	if !c.ws.inflates {
		h.t.Fatal("the server does not compress")
	}
	c.receive()
	return c
}

func TestABroadcastReachesEverySessionInItsOwnForm(t *testing.T) {
	h := open(t, engineio.Options{CompressWebSocket: true}, nil)
	clients := []*client{h.deflating(3), h.deflating(4)}
	for _, m := range modes {
		clients = append(clients, h.connect(m))
	}
	said := []message{
		{false, "short"}, {false, "说:hello 🎉"}, {true, "\x00\x04bytes"}, {false, strings.Repeat("long ", 1000)},
		{false, strings.Repeat("长 ", 1000)}, {true, strings.Repeat("\x01\x02", 1000)}, {false, strings.Repeat("plain ", 1000)},
	}
	var all []engineio.Message
	for i, m := range said {
		all = append(all, engineio.Message{Binary: m.binary, Data: []byte(m.data), Plain: i == len(said)-1})
	}
	for range 2 { // the second time the frames are there already
		prepared := h.sv.Prepare(all...)
		for range 2 {
			for range clients {
				p := h.peer()
				if err := p.SendPrepared(&prepared); err != nil {
					t.Error(err)
				}
				h.peers <- p
			}
		}
	}
	for _, c := range clients {
		for range 4 {
			for i, want := range said {
				if got := c.hear(); got != want {
					t.Fatalf("%v (compressed %v): message %d came as %.50q", c.mode, c.ws != nil && c.ws.inflates, i, got.data)
				}
			}
		}
	}
}

func TestLongMessagesAreCompressedAndPlainOnesAreNot(t *testing.T) {
	h := open(t, engineio.Options{CompressWebSocket: true}, nil)
	c := h.deflating(4)
	p := h.peer()
	long := strings.Repeat("long ", 10_000)
	for plain, most := range map[bool]int{true: 60_000, false: 1000} {
		if err := p.Send(engineio.Message{Data: []byte(long), Plain: plain}); err != nil {
			t.Fatal(err)
		}
		counted := &countingReader{from: c.ws.conn}
		c.ws.in.Reset(counted)
		if c.hear().data != long {
			t.Error("what came is not what was sent")
		}
		if counted.n > most || plain && counted.n < len(long) {
			t.Errorf("plain %v: %d bytes took %d on the wire", plain, len(long), counted.n)
		}
	}
}

type countingReader struct {
	from interface{ Read([]byte) (int, error) }
	n    int
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.n += n
	return n, err
}

func TestTextIsEscapedForOldClientsOnly(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{EscapeText: func(text []byte) []byte {
			return bytes.ReplaceAll(text, []byte("说"), []byte(`\u8bf4`))
		}}, nil)
		c, p := h.join(m)
		p.say(t, message{data: `"说"`}, message{data: `"ascii"`}, message{true, "说"})
		want := []message{{data: `"说"`}, {data: `"ascii"`}, {true, "说"}}
		if m.version == 3 {
			want[0].data = `"\u8bf4"`
		}
		for _, w := range want {
			if got := c.hear(); got != w {
				t.Errorf("the client heard %+v, want %+v", got, w)
			}
		}
	})
}

func TestMessagesSentTogetherStayTogether(t *testing.T) {
	const senders, pairs = 4, 50
	run(t, func(t *testing.T, m mode) {
		c, p := open(t, engineio.Options{}, nil).join(m)
		var sending sync.WaitGroup
		for i := range senders {
			sending.Go(func() {
				for k := range pairs {
					name := fmt.Appendf(nil, "%d/%d", i, k)
					if err := p.Send(engineio.Message{Data: name}, engineio.Message{Binary: true, Data: name}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		next := make([]int, senders)
		for range senders * pairs {
			first, second := c.hear(), c.hear()
			if first.binary || !second.binary || first.data != second.data {
				t.Fatalf("%+v is followed by %+v", first, second)
			}
			var sender, number int
			fmt.Sscanf(first.data, "%d/%d", &sender, &number)
			if number != next[sender] {
				t.Fatalf("sender %d: %d came in place %d", sender, number, next[sender])
			}
			next[sender]++
		}
		sending.Wait()
	})
}

func TestWhatIsSentIsNotKept(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		c, p := open(t, engineio.Options{}, nil).join(m)
		data := []byte("mine")
		if err := p.Send(engineio.Message{Data: data}); err != nil {
			t.Fatal(err)
		}
		copy(data, "used")
		if got := c.hear(); got.data != "mine" {
			t.Errorf("the client heard %q", got.data)
		}
	})
}

func TestTheOldestClientsAreServedInTheOnlyFormTheyRead(t *testing.T) {
	h := open(t, engineio.Options{}, echo)
	c := h.stranger(mode{3, "polling"})
	a := c.request("GET", "EIO=3&transport=polling&t=1700000000000-0", "")
	if a.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("the handshake of a client of 1.0 to 1.3 is answered with %q", a.header.Get("Content-Type"))
	}
	c.inbox, _ = c.unpack(a)
	c.receive()
	doubled := "\u00e8\u00af\u00b4" // "说", encoded twice
	a = c.request("POST", "EIO=3&transport=polling&sid="+c.sid, "4:4"+doubled)
	if a.body != "ok" {
		t.Errorf("%+v", a)
	}
	a = c.request("GET", "EIO=3&transport=polling&sid="+c.sid, "")
	if got, err := c.unpack(a); err != nil || len(got) != 1 || got[0].data != "说" {
		t.Errorf("the echo is %+v, %v", got, err)
	}
	old := h.stranger(mode{3, "websocket"})
	old.header.Set("X-Any", "thing")
	old.dial()
	old.receive()
	old.say(message{data: doubled}) // WebSocket text is taken as it is
	if got := old.hear(); got.data != doubled {
		t.Errorf("the echo is %q", got.data)
	}
}

func TestARequestIsRememberedAsItWasSent(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{}, nil)
		c := h.stranger(m)
		c.header.Set("X-Token", "secret")
		if m.transport == "websocket" {
			c.dial()
		}
		c.receive()
		r := h.peer().Request()
		if r.Header().Get("X-Token") != "secret" || r.RemoteAddr != "127.0.0.1" || r.Secure || r.Time.IsZero() ||
			!strings.HasPrefix(r.URL, "/engine.io/?") || !strings.Contains(r.URL, fmt.Sprintf("EIO=%d", m.version)) {
			t.Errorf("%+v", r)
		}
	})
}

func TestAWebSocketPingIsAnsweredBeforeAndAfterTheUpgrade(t *testing.T) {
	c, p := open(t, engineio.Options{}, nil).join(mode{4, "polling"})
	w := c.probe()
	pong := func() {
		t.Helper()
		if err := w.writeRaw(maskedFrame(9, "are you there?")); err != nil {
			t.Fatal(err)
		}
		if _, err := w.read(); err == nil || !strings.Contains(err.Error(), "OpCode:10") {
			t.Error("a ping was answered with", err)
		}
	}
	pong()
	w.write(packet{kind: '5'})
	waitFor(t, "the upgrade", func() bool { return p.Transport() == engineio.WebSocket })
	pong()
	p.expectOpen(t)
}
