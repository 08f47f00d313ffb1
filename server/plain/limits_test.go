package plain_test

import (
	"bytes"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/plain"
	"github.com/crier/crier/server/websocket"
)

func (h *house) expectHits(l plain.Limit, want uint64) {
	h.t.Helper()
	if got := h.sv.Stats().Hits[string(l)]; got != want {
		h.t.Errorf("%s was hit %d times, want %d", l, got, want)
	}
}

func limited(t *testing.T, l limit.AddressLimits) plain.Options {
	a, err := limit.NewAddresses(l)
	if err != nil {
		t.Fatal(err)
	}
	return plain.Options{Addresses: a, Address: func(r *http.Request) string { return r.Header.Get("X-Test-Address") }}
}

func TestAnAddressHasNoMoreClientsThanItMay(t *testing.T) {
	for _, e := range endpoints {
		told := make(chan plain.Limit, 9)
		o := limited(t, limit.AddressLimits{MaxOpen: 2, MaxRate: 100})
		o.Refused = func(_ *http.Request, l plain.Limit) { told <- l }
		h := open(t, o)
		first := h.ask(e.path, "X-Test-Address", "192.0.2.1")
		h.ask(e.path, "X-Test-Address", "192.0.2.1")
		h.ask(e.path, "X-Test-Address", "192.0.2.1").isTold(websocket.CloseTryAgainLater,
			"too many connections from this address")
		other := h.ask(e.path, "X-Test-Address", "192.0.2.2")
		if got := <-told; got != plain.LimitAddressClients || len(told) > 0 {
			t.Errorf("%s: told of %v", e.path, got)
		}
		h.expectHits(plain.LimitAddressClients, 1)
		first.conn.Close()
		waitFor(t, "its place is free", func() bool { return h.sv.Len() == 2 })
		fourth := h.ask(e.path, "X-Test-Address", "192.0.2.1")
		for _, c := range []*client{other, fourth} {
			if e.greeting != "" {
				c.hears(e.greeting)
			}
			c.says("ping")
			c.hears("pong")
		}
	}
}

func TestAnAddressOpensNoFasterThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openInMemory(t, limited(t, limit.AddressLimits{MaxOpen: 2, MaxRate: 1}))
		for range 2 {
			h.ask("/ws/echo", "X-Test-Address", "192.0.2.1").conn.Close()
		}
		got := h.ask("/ws/echo", "X-Test-Address", "192.0.2.1").answer
		if got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") != "1" {
			t.Errorf("answered with %d, Retry-After %q", got.StatusCode, got.Header.Get("Retry-After"))
		}
		h.expectHits(plain.LimitAddressRate, 1)
		h.ask("/ws/echo", "X-Test-Address", "192.0.2.2")
		time.Sleep(time.Second)
		h.ask("/ws/echo", "X-Test-Address", "192.0.2.1")
	})
}

// A look at an endpoint with a browser's address bar, or with curl, opens nothing.
func TestARequestThatOpensNothingDoesNotCountForItsAddress(t *testing.T) {
	for _, e := range endpoints {
		h := open(t, limited(t, limit.AddressLimits{MaxOpen: 1, MaxRate: 1}))
		for range 5 {
			c := h.ask(e.path, "X-Test-Address", "192.0.2.1", "Upgrade", "")
			if got := c.answer.StatusCode; got != http.StatusUpgradeRequired && got != http.StatusBadRequest {
				t.Fatalf("%s: a plain GET is answered with %d", e.path, got)
			}
		}
		if got := h.ask(e.path, "X-Test-Address", "192.0.2.1").answer.StatusCode; got != http.StatusSwitchingProtocols {
			t.Errorf("%s: a real client is answered with %d", e.path, got)
		}
		h.expectHits(plain.LimitAddressRate, 0)
	}
}

func TestEachLimitIsCounted(t *testing.T) {
	for name, tt := range map[string]struct {
		o     plain.Options
		limit plain.Limit
		do    func(c *client)
		code  websocket.CloseCode
	}{
		"rate": {plain.Options{MaxRate: 1}, plain.LimitRate, func(c *client) {
			for range 3 {
				c.says("x")
			}
			c.hears("X!!!")
			c.hears("X!!!")
		}, websocket.ClosePolicyViolation},
		"payload": {plain.Options{MaxPayload: 1000}, plain.LimitPayload, func(c *client) { c.says(long("x", 1001)) },
			websocket.CloseTooBig},
		"fragments": {plain.Options{MaxFragments: 10}, plain.LimitFragments, func(c *client) {
			c.sends(frame(false, websocket.OpText, ""), bytes.Repeat(frame(false, websocket.OpContinuation, ""), 10))
		}, websocket.ClosePolicyViolation},
		"message without end": {plain.Options{MessageTimeout: 10 * time.Millisecond}, plain.LimitMessageTime,
			func(c *client) {
				c.sends(frame(false, websocket.OpText, ""))
			}, websocket.ClosePolicyViolation},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, tt.o)
			other, c := h.join("/ws/echo"), h.join("/ws/echo")
			tt.do(c)
			if _, end, err := c.read(); err != nil || end.code != tt.code {
				t.Errorf("closed with %v, %v; want %v", end, err, tt.code)
			}
			h.expectHits(tt.limit, 1)
			other.says("ping")
			other.hears("pong")
		})
	}
}

func TestStatsTellHowThingsStand(t *testing.T) {
	h := open(t, plain.Options{})
	c := h.join("/ws/echo")
	c.says("x")
	c.hears("X!!!")
	if st := h.sv.Stats(); st.Clients != 1 || st.Received != 1 || st.Sent != 1 {
		t.Errorf("%+v", st)
	}
	c.conn.Close()
	waitFor(t, "it has left", func() bool { return h.sv.Len() == 0 })
	if st := h.sv.Stats(); st.Clients != 0 || st.Received != 1 || st.Sent != 1 {
		t.Errorf("when it has left: %+v", st)
	}
}
