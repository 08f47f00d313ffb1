package engineio_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/crier/crier/server/engineio"
)

// everyCharacter has each of Unicode once, but U+0000 and the 0x1e that Engine.IO 4 uses as its separator.
var everyCharacter = func() string {
	var b strings.Builder
	for r := rune(1); r <= utf8.MaxRune; r++ {
		if r != 0x1e && utf8.ValidRune(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}()

func someBytes(n int) string {
	source := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(source.Uint32())
	}
	return string(b)
}

func TestMessagesComeBackAsTheyWereSent(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{MaxPayload: 20 << 20, MaxQueue: 20 << 20}, echo)
		c, _ := h.join(m)
		for name, said := range map[string]message{
			"text":           {false, "hello"},
			"empty text":     {false, ""},
			"newlines":       {false, "a\nb\\nc\\\\nd\r\ne"},
			"quotes":         {false, `"</script>'&+%41=`},
			"line ends":      {false, "a\u2028b\u2029c"},
			"all of Unicode": {false, everyCharacter},
			"300 kB of text": {false, strings.Repeat("说:hello !", 25_000)},
			"binary":         {true, "\x00\x01\x04\x1e\xff"},
			"empty binary":   {true, ""},
			"300 kB binary":  {true, someBytes(300_000)},
		} {
			c.say(said)
			if heard := c.hear(); heard != said {
				t.Errorf("%s: said %d bytes (binary %v), heard %d (binary %v): %.40q", name,
					len(said.data), said.binary, len(heard.data), heard.binary, heard.data)
			}
		}
	})
}

func TestThousandMessagesKeepTheirOrderBothWays(t *testing.T) {
	const n = 1000
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{}, nil)
		c, p := h.join(m)
		numbered := func(i int) message { return message{i%7 == 0, fmt.Sprintf("number %d", i)} }

		for i := range n {
			p.say(t, numbered(i))
		}
		for i := range n {
			if got := c.hear(); got != numbered(i) {
				t.Fatalf("the client heard %+v in place %d", got, i)
			}
		}
		for i := 0; i < n; {
			var all []message
			for k := i; k < min(i+100, n); k++ {
				all = append(all, numbered(k))
			}
			c.say(all...)
			i += len(all)
		}
		for i := range n {
			if got := p.hear(t); got != numbered(i) {
				t.Fatalf("the server heard %+v in place %d", got, i)
			}
		}
	})
}

func TestTheOpenPacketTellsTheClientTheRules(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{PingInterval: 7 * time.Second, PingTimeout: 3 * time.Second, MaxPayload: 12345}, nil)
		c, p := h.join(m)
		o := c.opened
		if o.SID != p.ID() || len(o.SID) != 24 {
			t.Errorf("sid is %q, the session's is %q", o.SID, p.ID())
		}
		if o.PingInterval != 7000 || o.PingTimeout != 3000 || o.MaxPayload != 12345 {
			t.Errorf("the rules are %+v", o)
		}
		want := "[websocket]"
		if m.transport == "websocket" {
			want = "[]"
		}
		if got := fmt.Sprint(o.Upgrades); got != want || o.Upgrades == nil {
			t.Errorf("upgrades are %v, want %v", got, want)
		}
		if p.Version() != m.version {
			t.Errorf("version is %d", p.Version())
		}
		waitFor(t, "the transport", func() bool { return (p.Transport() == engineio.Polling) == m.polls() })
	})
}

func TestWithoutUpgradesTheOpenPacketOffersNone(t *testing.T) {
	for name, o := range map[string]engineio.Options{
		"disabled":     {DisableUpgrades: true},
		"no transport": {Transports: []string{engineio.Polling}},
	} {
		c := open(t, o, nil).connect(mode{4, "polling"})
		if c.opened.Upgrades == nil || len(c.opened.Upgrades) != 0 {
			t.Errorf("%s: upgrades are %v", name, c.opened.Upgrades)
		}
		if _, res, err := c.handshake(); err != nil || res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: an upgrade was answered with %v, %v", name, res, err)
		}
	}
}

func TestTheClientClosesTheSession(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{}, nil)
		c, p := h.join(m)
		c.send(textPacket("last words"), packet{kind: '1'})
		if got := p.hear(t); got.data != "last words" {
			t.Errorf("the server heard %+v", got)
		}
		p.expectEnd(t, engineio.ReasonTransportClose)
		if c.ws != nil {
			c.expectFarewell(1000)
		} else if err := c.trySend(textPacket("too late")); err == nil {
			t.Error("a POST to a session that has ended was taken")
		}
		if err := p.Send(engineio.Message{}); !errors.Is(err, engineio.ErrClosed) {
			t.Errorf("Send after the end: %v", err)
		}
	})
}

func TestACloseFrameIsAnsweredWithItsOwnCode(t *testing.T) {
	for _, m := range modes {
		if m.polls() {
			continue
		}
		c, p := open(t, engineio.Options{}, nil).join(m)
		if err := c.ws.sayClose(4321, "bye"); err != nil {
			t.Fatal(err)
		}
		p.expectEnd(t, engineio.ReasonTransportClose)
		c.expectFarewell(4321)
		if err := c.ws.expectHangup(); err != nil {
			t.Error(err)
		}
	}
}

func TestTheServerClosesTheSessionBehindWhatItSaid(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{}, nil)
		c, p := h.join(m)
		p.say(t, message{data: "one"}, message{data: "two"})
		p.Session.Close()
		if err := p.Send(engineio.Message{Data: []byte("three")}); !errors.Is(err, engineio.ErrClosed) {
			t.Errorf("Send after Close: %v, want ErrClosed", err)
		}
		for _, want := range []string{"one", "two"} {
			if got := c.hear(); got.data != want {
				t.Errorf("the client heard %q, want %q", got.data, want)
			}
		}
		c.expectFarewell(1000)
		if c.ws != nil {
			c.ws.sayClose(1000, "")
		}
		p.expectEnd(t, engineio.ReasonForcedClose)
	})
}

func TestAfterBothHaveSaidGoodbyeTheServerHangsUpAtOnce(t *testing.T) {
	c, p := open(t, engineio.Options{}, nil).join(mode{4, "websocket"})
	p.Session.Close()
	c.expectFarewell(1000)
	c.ws.sayClose(1000, "")
	c.expectHangupAtOnce()
}

// expectHangupAtOnce checks that the server closes the connection after both sides' close frames: browsers wait for it
// (RFC 6455 section 7.1.1).
func (c *client) expectHangupAtOnce() {
	c.t.Helper()
	began := time.Now()
	if err := c.ws.expectHangup(); err != nil {
		c.t.Error(err)
	}
	if took := time.Since(began); took > 1500*time.Millisecond { // the grace is 2 s
		c.t.Errorf("the server hung up after %v", took)
	}
}

func TestWhatIsSentInAcceptFollowsTheOpenPacket(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{}, func(p *peer) { p.say(t, message{data: "welcome"}, message{true, "\x00\xff"}) })
		c := h.stranger(m)
		if m.transport == "websocket" {
			c.dial()
		}
		if p := c.receive(); p.kind != '0' {
			t.Fatalf("first came %+v", p)
		}
		if m.polls() && len(c.inbox) != 2 {
			t.Errorf("the first answer holds %d more packets, want 2", len(c.inbox))
		}
		if one, two := c.hear(), c.hear(); one.data != "welcome" || two != (message{true, "\x00\xff"}) {
			t.Errorf("then came %+v and %+v", one, two)
		}
	})
}

func TestASessionMayBeClosedInAccept(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{}, func(p *peer) {
			p.say(t, message{data: "no"})
			p.Session.Close()
		})
		c := h.stranger(m)
		if m.transport == "websocket" {
			c.dial()
		}
		if p := c.receive(); p.kind != '0' {
			t.Fatalf("first came %+v", p)
		}
		if got := c.hear(); got.data != "no" {
			t.Errorf("then came %+v", got)
		}
		c.expectFarewell(1000)
		if c.ws != nil {
			c.ws.conn.Close()
		}
		h.peer().expectEnd(t, engineio.ReasonForcedClose)
		waitFor(t, "the session forgotten", func() bool { return h.sv.Len() == 0 })
	})
}

func TestAClientWhoseLineIsCutEndsItsSession(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{}, nil)
		c, p := h.join(m)
		if c.ws != nil {
			c.ws.conn.Close()
			p.expectEnd(t, engineio.ReasonTransportClose)
			return
		}
		ctx, hangUp := context.WithCancel(context.Background())
		polled := make(chan error)
		go func() {
			_, err := c.get(ctx)
			polled <- err
		}()
		waitFor(t, "a poll", p.Ready)
		hangUp()
		if err := <-polled; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		p.expectEnd(t, engineio.ReasonTransportError)
	})
}

func TestAMessageOverTheLimitEndsTheSession(t *testing.T) {
	const limit = 1000
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{MaxPayload: limit}, nil)
		c, p := h.join(m)
		_, other := h.join(m)
		err := c.trySend(textPacket(strings.Repeat("x", limit)))
		if c.ws == nil && (err == nil || !strings.Contains(err.Error(), `413: {"code":3,"message":"Payload too large"}`)) {
			t.Error("a body over the limit:", err)
		}
		if c.ws != nil {
			c.expectFarewell(1009)
		}
		p.expectEnd(t, engineio.ReasonTransportError)
		other.expectOpen(t)
	})
}

func TestAMessageAtTheLimitIsTaken(t *testing.T) {
	const limit = 1000
	for _, m := range []mode{{4, "polling"}, {4, "websocket"}} {
		c, p := open(t, engineio.Options{MaxPayload: limit}, nil).join(m)
		c.say(message{data: strings.Repeat("x", limit-1)})
		if got := p.hear(t); len(got.data) != limit-1 {
			t.Errorf("%v: heard %d bytes", m, len(got.data))
		}
	}
}

func TestAPacketThatCannotBeReadEndsTheSession(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		c, p := open(t, engineio.Options{}, nil).join(m)
		err := c.trySend(textPacket("good"), packet{kind: '9', data: "bad"})
		if got := p.hear(t); got.data != "good" {
			t.Errorf("heard %+v", got)
		}
		p.expectEnd(t, engineio.ReasonParseError)
		if c.ws == nil && (err == nil || !strings.Contains(err.Error(), "400")) {
			t.Error("the POST was answered with", err)
		}
		if c.ws != nil {
			c.expectFarewell(1002)
		}
	})
}

// Words for the programmer of the client, not for the server's: they name no package and no type of Go.
func TestTheCloseFrameSaysWhatCouldNotBeRead(t *testing.T) {
	for _, m := range []mode{{3, "websocket"}, {4, "websocket"}, {3, "upgrade"}, {4, "upgrade"}} {
		for sent, want := range map[string]string{
			"9bad": "an Engine.IO packet has an unknown type", "": "an Engine.IO packet is empty", "b4*": "a binary packet is not valid base64",
		} {
			c, p := open(t, engineio.Options{}, nil).join(m)
			c.sendText(sent)
			var closed closeError
			if _, err := c.ws.read(); !errors.As(err, &closed) || closed.code != 1002 || closed.reason != want {
				t.Errorf("%v: %q is answered with %v, want %q", m, sent, err, want)
			}
			p.expectEnd(t, engineio.ReasonParseError)
		}
	}
}

func TestAHandlersErrorEndsTheSession(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{}, func(p *peer) {
			p.on = func(message) error { return errors.New("not understood") }
		})
		c, p := h.join(m)
		_ = c.trySend(textPacket("anything"))
		p.expectEnd(t, engineio.ReasonParseError)
	})
}
