package engineio_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/websocket"
)

// Every packet counts, whatever it says, and so does every control frame of a WebSocket: each costs the server about the same.
func TestWhoSendsPacketsTooFastIsEndedAlone(t *testing.T) {
	const most = 100 // a second; 200 at once
	run(t, func(t *testing.T, m mode) {
		for name, one := range map[string]packet{
			"messages": textPacket("x"), "noops": {kind: '6'}, "heartbeats": {kind: map[int]byte{3: '2', 4: '3'}[m.version]},
		} {
			h := open(t, engineio.Options{MaxPacketRate: most}, func(p *peer) { p.on = func(message) error { return nil } })
			_, other := h.join(m)
			c, p := h.join(m)
			for range 4*most/50 + 1 {
				if err := c.trySend(repeat(one, 50)...); err != nil {
					break
				}
			}
			p.expectEnd(t, engineio.ReasonRateLimit)
			h.expectHits(engineio.LimitPacketRate, 1)
			if c.ws != nil {
				c.expectFarewellBehindPongs(1008, "rate limit")
			}
			if other.expectOpen(t); t.Failed() {
				t.Error(name)
			}
		}
	})
}

func repeat(p packet, n int) (all []packet) {
	for range n {
		all = append(all, p)
	}
	return all
}

// expectFarewellBehindPongs is expectFarewell for a client that the server has answered meanwhile.
func (c *client) expectFarewellBehindPongs(code int, text string) {
	c.t.Helper()
	for {
		_, err := c.ws.read()
		var closed closeError
		if errors.As(err, &closed) {
			if closed.code != code || closed.reason != text {
				c.t.Errorf("the client was told %v, want code %d", closed, code)
			}
			return
		}
		if err != nil && !strings.Contains(err.Error(), "OpCode:10") {
			c.t.Errorf("the client was told %v, want a close frame", err)
			return
		}
	}
}

func TestTheControlFramesOfAWebSocketCountAsPackets(t *testing.T) {
	for name, op := range map[string]ws.OpCode{"pings": ws.OpPing, "pongs": ws.OpPong} {
		for _, m := range modes {
			if m.polls() {
				continue
			}
			h := open(t, engineio.Options{MaxPacketRate: 100}, nil)
			c, p := h.join(m)
			if err := c.ws.writeRaw([]byte(strings.Repeat(string(maskedFrame(op, "")), 250))); err != nil {
				t.Fatal(err)
			}
			p.expectEnd(t, engineio.ReasonRateLimit)
			h.expectHits(engineio.LimitPacketRate, 1)
			if c.expectFarewellBehindPongs(1008, "rate limit"); t.Failed() {
				t.Fatal(name, m)
			}
		}
	}
}

// Most of them come with one read. What stands behind the one that was too many is not waited for.
func TestAFloodOfControlFramesHoldsItsSessionForTheGraceAlone(t *testing.T) {
	for name, frames := range map[string]string{
		"pings":          string(maskedFrame(ws.OpPing, "")),
		"pongs":          string(maskedFrame(ws.OpPong, "")),
		"pings and text": string(maskedFrame(ws.OpPing, "")) + string(maskedFrame(ws.OpText, "4")),
	} {
		synctest.Test(t, func(t *testing.T) {
			h := openOn(t, newPipes(), engineio.Options{MaxPacketRate: 10}, nil)
			c, p := h.join(mode{4, "websocket"})
			p.on = func(message) error { return nil }
			go io.Copy(io.Discard, c.ws.conn)
			began := time.Now()
			go c.ws.writeRaw([]byte(strings.Repeat(frames, 1000))) // which may not take all
			p.expectEnd(t, engineio.ReasonRateLimit)
			waitFor(t, "the session's place", func() bool { return h.sv.Len() == 0 })
			if took := time.Since(began); took > 2*websocket.CloseGrace {
				t.Errorf("%s: its place was taken for %v", name, took)
			}
		})
	}
}

func TestAClientMaySendAsManyPacketsAsItLikesWithoutALimit(t *testing.T) {
	h := open(t, engineio.Options{MaxPacketRate: -1}, func(p *peer) { p.on = func(message) error { return nil } })
	c, p := h.join(mode{4, "polling"})
	c.send(repeat(textPacket("x"), 60_000)...)
	p.expectOpen(t)
}

// A client that is told to go, and goes on sending, is read for a while, so that it can hear of it; but not for as long as it likes.
func TestWhoIsToldToGoIsReadForALittleWhileOnly(t *testing.T) {
	for name, end := range map[string]func(c *client, p *peer){
		"told to go": func(_ *client, p *peer) { p.Session.Close() },
		"ended":      func(c *client, _ *peer) { c.ws.writeRaw([]byte("\x83\x81\x01\x02\x03\x04x")) },
	} {
		o := engineio.Options{MaxQueue: 8 << 20} // both fit, however much the kernel has taken of the first
		h := open(t, o, func(p *peer) { p.on = func(message) error { return nil } })
		c, p := h.join(mode{4, "websocket"})
		p.say(t, message{data: strings.Repeat("x", 3<<20)}) // which the client does not read: the close frame stays behind it
		p.say(t, message{data: strings.Repeat("x", 3<<20)})
		end(c, p)
		frame := maskedFrame(ws.OpText, "4"+strings.Repeat("x", 1<<19))
		sent := 0
		for began := time.Now(); time.Since(began) < patience; sent += len(frame) {
			c.ws.conn.SetWriteDeadline(time.Now().Add(2 * time.Second))
			if _, err := c.ws.conn.Write(frame); err != nil {
				break
			}
		}
		if sent > 64<<20 {
			t.Errorf("%s: %d MB were read", name, sent>>20)
		}
		c.ws.conn.Close()
	}
}

// A panic of the handler harms its session alone, on every transport.
func TestAPanicInMessageEndsItsSessionAlone(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{}, func(p *peer) { p.on = func(message) error { panic("as the test wants it") } })
		_, other := h.join(m)
		c, p := h.join(m)
		err := c.trySend(textPacket("boom"))
		p.expectEnd(t, engineio.ReasonServerError)
		if c.ws != nil {
			c.expectFarewell(1011)
		} else if err == nil || !strings.Contains(err.Error(), "500") {
			t.Errorf("the POST was answered with %v, want 500", err)
		}
		other.expectOpen(t)
		if got := h.sv.Stats().Closed[engineio.ReasonServerError]; got != 1 {
			t.Errorf("%d sessions are counted", got)
		}
	})
}

// A panicking is a handler whose Close panics.
type panicking struct{ closed chan struct{} }

func (panicking) Message(bool, []byte) error { return nil }

func (p panicking) Close(engineio.Reason) {
	close(p.closed)
	panic("as the test wants it")
}

func TestAPanicInCloseLeavesNothingBehind(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{MaxSessions: 1}, nil)
		closed := make(chan struct{})
		f := func(*engineio.Session) engineio.Handler { return panicking{closed} }
		h.handler.Store(&f)
		c := h.connect(m)
		_ = c.trySend(packet{kind: '1'})
		<-closed
		waitFor(t, "the session's place", func() bool { return h.sv.Len() == 0 })
		h.handler.Store(nil)
		h.join(m)
	})
}

func TestAPanicInAcceptLeavesNothingBehind(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		if m.transport == "upgrade" {
			t.Skip("no session begins so")
		}
		h := open(t, engineio.Options{MaxSessions: 1}, nil)
		f := func(*engineio.Session) engineio.Handler { panic("as the test wants it") }
		h.handler.Store(&f)
		for range 3 {
			c := h.stranger(m)
			if m.transport != "websocket" {
				if a, err := c.do(patient(t), "GET", c.address("polling"), "", ""); err != nil || a.status != http.StatusInternalServerError {
					t.Errorf("the handshake was answered with %+v, %v", a, err)
				}
				continue
			}
			w, _, err := c.handshake()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, w.in); err != nil {
				t.Error("the connection was not closed:", err)
			}
		}
		h.handler.Store(nil)
		h.join(m)
	})
}
