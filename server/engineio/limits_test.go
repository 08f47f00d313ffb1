package engineio_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/internal/limit"
)

// inEachBubble runs f in every mode, in time that is made up.
func inEachBubble(t *testing.T, f func(t *testing.T, m mode)) {
	for _, m := range modes {
		t.Run(m.String(), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { f(t, m) }) })
	}
}

// expectRefused checks the answer to a handshake.
func (c *client) expectRefused(status int, retry, body string) {
	c.t.Helper()
	if c.transport == "websocket" {
		_, res, err := c.handshake()
		if err != nil {
			c.t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != status || res.Header.Get("Retry-After") != retry || string(got) != body {
			c.t.Errorf("the handshake is answered with %d, Retry-After %q, %s, %v", res.StatusCode, res.Header.Get("Retry-After"), got, err)
		}
		return
	}
	a, err := c.do(patient(c.t), http.MethodGet, c.address("polling"), "", "")
	if err != nil || a.status != status || a.header.Get("Retry-After") != retry || a.body != body {
		c.t.Errorf("the handshake is answered with %d, Retry-After %q, %s, %v", a.status, a.header.Get("Retry-After"), a.body, err)
	}
}

func (h *house) expectHits(l engineio.Limit, want uint64) {
	h.t.Helper()
	if got := h.sv.Stats().Hits[string(l)]; got != want {
		h.t.Errorf("%s was hit %d times, want %d", l, got, want)
	}
}

// end ends a session from the server's side, and waits until its place is free.
func (h *house) end(p *peer, c *client) {
	h.t.Helper()
	open := h.sv.Len()
	p.Session.Close()
	c.expectFarewell(1000)
	if c.ws != nil {
		c.ws.conn.Close()
	}
	waitFor(h.t, "the session's end", func() bool { return h.sv.Len() < open })
}

func TestThereAreNoMoreSessionsThanThereMayBe(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{MaxSessions: 2}, nil)
		_, other := h.join(m)
		c, p := h.join(m)
		for range 3 {
			h.stranger(m).expectRefused(503, "10", `{"code":4,"message":"Too many sessions"}`)
		}
		h.expectHits(engineio.LimitSessions, 3)
		h.end(p, c)
		h.join(m)
		other.expectOpen(t)
	})
}

// byHeader is the address of clients that all come from loopback.
func byHeader(r *http.Request) string { return r.Header.Get("X-Test-Address") }

func (h *house) from(address string, m mode) *client {
	c := h.stranger(m)
	c.header.Set("X-Test-Address", address)
	return c
}

func (c *client) enter() *peer {
	c.t.Helper()
	if c.transport == "websocket" {
		c.dial()
	}
	c.receive()
	if c.transport == "upgrade" {
		c.upgrade()
	}
	return c.house.peer()
}

func addresses(t *testing.T, l limit.AddressLimits) *limit.Addresses {
	a, err := limit.NewAddresses(l)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAnAddressHasNoMoreSessionsThanItMay(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		told := make(chan engineio.Limit, 9)
		h := open(t, engineio.Options{
			Address: byHeader, Addresses: addresses(t, limit.AddressLimits{MaxOpen: 2, MaxRate: 100}),
			MaxSessions: 3, // who is refused takes the place of nobody
			Refused:     func(_ *http.Request, l engineio.Limit) { told <- l },
		}, nil)
		h.from("192.0.2.1", m).enter()
		c := h.from("192.0.2.1", m)
		p := c.enter()
		h.from("192.0.2.1", m).expectRefused(429, "10", `{"code":4,"message":"Too many sessions from this address"}`)
		h.from("192.0.2.2", m).enter().expectOpen(t)
		h.expectHits(engineio.LimitAddressSessions, 1)
		if got := <-told; got != engineio.LimitAddressSessions || len(told) > 0 {
			t.Errorf("told of %v", got)
		}
		if got := p.Request().RemoteAddr; got != "192.0.2.1" {
			t.Errorf("the session's address is %q", got)
		}
		h.end(p, c)
		h.from("192.0.2.1", m).enter()
	})
}

func TestAnAddressOpensNoFasterThanItMay(t *testing.T) {
	inEachBubble(t, func(t *testing.T, m mode) {
		h := openOn(t, newPipes(), engineio.Options{
			Address: byHeader, Addresses: addresses(t, limit.AddressLimits{MaxOpen: 3, MaxRate: 1}),
		}, nil)
		for range 3 {
			c := h.from("192.0.2.1", m)
			h.end(c.enter(), c)
		}
		h.from("192.0.2.1", m).expectRefused(429, "1", `{"code":4,"message":"Too many new sessions from this address"}`)
		h.from("192.0.2.2", m).enter().expectOpen(t)
		h.expectHits(engineio.LimitAddressRate, 1)
		time.Sleep(time.Second)
		h.from("192.0.2.1", m).enter()
	})
}

func TestAHandshakeThatFailsKeepsNoPlace(t *testing.T) {
	h := open(t, engineio.Options{MaxSessions: 1}, nil)
	c := h.stranger(mode{4, "websocket"})
	for range 3 {
		r, err := http.NewRequest(http.MethodGet, c.address("websocket"), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Sec-WebSocket-Version", "13") // and no key
		res, err := c.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("answered with %d, want 400", res.StatusCode)
		}
	}
	h.join(mode{4, "websocket"})
}

func TestAPayloadOfTooManyPacketsEndsItsSession(t *testing.T) {
	for _, m := range modes {
		if !m.polls() {
			continue
		}
		h := open(t, engineio.Options{MaxPackets: 3}, nil)
		_, other := h.join(m)
		c, p := h.join(m)
		c.say(message{data: "1"}, message{data: "2"}, message{data: "3"})
		err := c.trySend(textPacket("4"), textPacket("5"), textPacket("6"), textPacket("7"))
		if err == nil || !strings.Contains(err.Error(), `400: {"code":3,"message":"Too many packets in one payload"}`) {
			t.Errorf("%v: the POST is answered with %v", m, err)
		}
		p.expectEnd(t, engineio.ReasonParseError)
		for n := range 6 {
			if got := p.hear(t); got.data != fmt.Sprint(n+1) {
				t.Errorf("%v: the server heard %+v in place %d", m, got, n)
			}
		}
		h.expectHits(engineio.LimitPackets, 1)
		other.expectOpen(t)
	}
}

func TestAMessageInTooManyFragmentsEndsItsSession(t *testing.T) {
	for _, m := range modes {
		if m.polls() {
			continue
		}
		h := open(t, engineio.Options{MaxFragments: 100}, nil)
		_, other := h.join(m)
		c, p := h.join(m)
		first := []byte{0x01, 0x81, 0, 0, 0, 0, '4'}
		more := []byte{0x00, 0x81, 0, 0, 0, 0, 'x'}
		if _, err := c.ws.conn.Write(append(first, bytes.Repeat(more, 100)...)); err != nil {
			t.Fatal(err)
		}
		c.expectFarewell(1008)
		p.expectEnd(t, engineio.ReasonTransportError)
		h.expectHits(engineio.LimitFragments, 1)
		other.expectOpen(t)
	}
}

func TestAMessageWithoutEndEndsItsSession(t *testing.T) {
	inEachBubble(t, func(t *testing.T, m mode) {
		o := engineio.Options{MessageTimeout: 10 * time.Second, PingInterval: time.Hour}
		h := openOn(t, newPipes(), o, nil)
		_, other := h.join(m)
		c, p := h.join(m)
		var trickle io.WriteCloser
		answer := make(chan string, 1)
		if m.polls() {
			conn := slowBody(c, "1000", "4")
			go func() {
				b, _ := io.ReadAll(conn)
				answer <- string(b)
			}()
			trickle = conn
		} else {
			trickle = c.ws.conn
			if _, err := trickle.Write([]byte{0x81, 0xFE, 0x03, 0xE8, 0, 0, 0, 0, '4'}); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		go func() { // ends with the connection
			for err := error(nil); err == nil; _, err = trickle.Write([]byte("x")) {
				time.Sleep(time.Second)
			}
		}()
		if !m.polls() {
			c.expectFarewell(1008)
			p.expectEnd(t, engineio.ReasonTransportError)
			c.ws.conn.Close()
		} else {
			p.expectEnd(t, engineio.ReasonTransportError)
			if got := <-answer; !strings.Contains(got, " 408 ") || !strings.Contains(got, `{"code":3,"message":"Payload too slow"}`) {
				t.Errorf("the POST is answered with %q", got)
			}
			trickle.Close()
		}
		expectAfter(t, "the end", began, 10*time.Second)
		h.expectHits(engineio.LimitMessageTime, 1)
		other.expectOpen(t)
		time.Sleep(time.Second) // until the trickle has seen it
	})
}

func TestAMessageOverTheLimitIsCounted(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{MaxPayload: 1000}, nil)
		c, p := h.join(m)
		_ = c.trySend(textPacket(strings.Repeat("x", 1000)))
		p.expectEnd(t, engineio.ReasonTransportError)
		h.expectHits(engineio.LimitPayload, 1)
	})
}

func TestAQueueOverTheLimitIsCounted(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{MaxQueue: 1 << 20}, nil)
		_, p := h.join(m)
		_, other := h.join(m)
		for n := 0; p.Send(engineio.Message{Data: make([]byte, 1<<18)}) == nil; n++ {
			if n > 1000 {
				t.Fatal("a client that takes nothing is sent to without end")
			}
		}
		p.expectEnd(t, engineio.ReasonSlowConsumer)
		h.expectHits(engineio.LimitQueue, 1)
		other.expectOpen(t)
	})
}

func TestAnUpgradeThatIsNotFollowedThroughIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openOn(t, newPipes(), engineio.Options{PingInterval: time.Hour}, nil)
		c, p := h.join(mode{4, "polling"})
		if _, _, err := c.handshake(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Second)
		h.expectHits(engineio.LimitUpgradeTime, 1)
		p.expectOpen(t)
	})
}

func TestStatsTellHowThingsStand(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{}, nil)
		c, p := h.join(m)
		polling, sockets := 0, 1
		if m.polls() {
			polling, sockets = 1, 0
		}
		waitFor(t, "the transport", func() bool { return (p.Transport() == engineio.Polling) == m.polls() })
		c.say(message{data: "a"}, message{true, "b"})
		p.hear(t)
		p.hear(t)
		p.say(t, message{data: "c"})
		c.hear()
		st := h.sv.Stats()
		if st.Polling != polling || st.WebSocket != sockets || st.Opened != 1 {
			t.Errorf("%d on polling, %d on WebSocket, %d opened", st.Polling, st.WebSocket, st.Opened)
		}
		if st.Received != 2 || st.Sent != 2 { // OPEN is one; probes are nobody's
			t.Errorf("%d packets received, %d sent", st.Received, st.Sent)
		}
		h.end(p, c)
		after := h.sv.Stats()
		if after.Received != st.Received || after.Sent != st.Sent || after.Closed[engineio.ReasonForcedClose] != 1 ||
			after.Polling+after.WebSocket != 0 || after.Queued != 0 {
			t.Errorf("when it has ended: %+v", after)
		}
	})
}
