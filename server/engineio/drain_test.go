package engineio_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/crier/crier/server/engineio"
)

func TestCloseTellsEveryClientBehindWhatWasSaid(t *testing.T) {
	runInBubble(t, func(t *testing.T, m mode) {
		h := openOn(t, newPipes(), engineio.Options{}, nil)
		c, p := h.join(m)
		p.say(t, message{data: "last words"})
		closed := make(chan error)
		go func() { closed <- h.sv.Close(patient(t)) }()
		if got := c.hear(); got.data != "last words" {
			t.Errorf("the client heard %+v", got)
		}
		synctest.Wait()
		if p := c.closeReason(); p != "server shutting down" {
			t.Errorf("the client was told %q", p)
		}
		p.expectEnd(t, engineio.ReasonServerShutdown)
		if err := <-closed; err != nil {
			t.Error("Close:", err)
		}
	})
}

// closeReason reads the server's good-bye and answers it. Long-polling has no words for the reason.
func (c *client) closeReason() string {
	c.t.Helper()
	if c.ws == nil {
		c.expectFarewell(0)
		return "server shutting down"
	}
	_, err := c.tryReceive()
	var closed closeError
	if !errors.As(err, &closed) || closed.code != int(ws.StatusGoingAway) {
		c.t.Errorf("the client was told %v, want close code 1001", err)
	}
	c.ws.sayClose(closed.code, "")
	return closed.reason
}

func TestAWaitingPollHearsOfTheCloseAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openOn(t, newPipes(), engineio.Options{}, nil)
		c, p := h.join(mode{4, "polling"})
		polled := make(chan []packet, 1)
		go func() {
			got, _ := c.get(patient(t))
			polled <- got
		}()
		synctest.Wait()
		began := time.Now()
		if err := h.sv.Close(patient(t)); err != nil {
			t.Error("Close:", err)
		}
		if got := <-polled; len(got) != 1 || got[0].kind != '1' {
			t.Errorf("the poll was answered with %+v, want CLOSE", got)
		}
		p.expectEnd(t, engineio.ReasonServerShutdown)
		expectAfter(t, "all of it", began, 0)
	})
}

func TestADrainingServerRefusesNewSessionsAndKeepsTheOthers(t *testing.T) {
	h := open(t, engineio.Options{}, nil)
	c, p := h.join(mode{4, "polling"})
	h.sv.Drain()
	h.sv.Drain()

	stranger := h.stranger(mode{4, "polling"})
	a, err := stranger.do(patient(t), "GET", stranger.address("polling"), "", "")
	if err != nil || a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") != "1" ||
		a.body != `{"code":4,"message":"Server shutting down"}` {
		t.Error(a, err)
	}
	_, res, err := h.stranger(mode{4, "websocket"}).handshake()
	if err != nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Error(res, err)
	}
	c.upgrade()
	p.say(t, message{data: "still here"})
	c.hear()
	p.expectOpen(t)
}

func TestASessionThatIsOvertakenByTheDrainIsRefused(t *testing.T) {
	for _, m := range []mode{{4, "polling"}, {4, "websocket"}} {
		var h *house
		h = open(t, engineio.Options{}, func(*peer) { h.sv.Drain() })
		c := h.stranger(m)
		if m.transport == "websocket" {
			c.open().expectHangup()
		} else if a, err := c.do(patient(t), "GET", c.address("polling"), "", ""); err != nil || a.status != http.StatusServiceUnavailable {
			t.Error(a, err)
		}
		p := h.peer()
		p.expectEnd(t, engineio.ReasonServerShutdown)
		if err := p.Send(engineio.Message{}); !errors.Is(err, engineio.ErrClosed) || h.sv.Len() != 0 {
			t.Errorf("Send: %v; %d sessions are left", err, h.sv.Len())
		}
		if err := h.sv.Close(patient(t)); err != nil {
			t.Error(err)
		}
	}
}

func TestWhoIsStillThereWhenTheTimeIsOverIsCutOff(t *testing.T) {
	runInBubble(t, func(t *testing.T, m mode) {
		h := openOn(t, newPipes(), engineio.Options{}, nil)
		_, p := h.join(m)
		p.say(t, message{data: "nobody reads this"})
		ctx, cancel := context.WithTimeout(context.Background(), 700*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := h.sv.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error("Close:", err)
		}
		expectAfter(t, "the cut", began, 700*time.Millisecond)
		p.expectEnd(t, engineio.ReasonServerShutdown)
		if h.sv.Len() != 0 {
			t.Error("a session is left")
		}
	})
}

func TestCloseDoesNotWaitForConnectionsOfSessionsThatHadEnded(t *testing.T) {
	for name, end := range map[string]func(c *client, p *peer){
		"slow consumer": func(_ *client, p *peer) {
			for p.Send(engineio.Message{Data: make([]byte, 1000)}) == nil {
			}
		},
		"parse error": func(c *client, _ *peer) { c.send(packet{kind: 'x'}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := openOn(t, newPipes(), engineio.Options{MaxQueue: 10_000}, nil)
				c, p := h.join(mode{4, "websocket"})
				end(c, p)
				<-p.closed
				synctest.Wait() // the close frame waits for a client that takes nothing
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				began := time.Now()
				if err := h.sv.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Error("Close:", err)
				}
				expectAfter(t, "the cut", began, time.Second)
			})
		})
	}
}

// The time is over, and what a client does not read cannot make it longer.
func TestCloseDoesNotWaitForAnAnswerThatIsNotRead(t *testing.T) {
	for name, before := range map[string]func(*peer){"open": func(*peer) {}, "ended": func(p *peer) { p.Abandon() }} {
		synctest.Test(t, func(t *testing.T) {
			h := openOn(t, newPipes(), engineio.Options{}, nil)
			c, p := h.join(mode{4, "polling"})
			stall(c)
			p.say(t, message{data: strings.Repeat("x", 400_000)})
			synctest.Wait()
			before(p)
			over, cancel := context.WithCancel(t.Context())
			cancel()
			began := time.Now()
			if err := h.sv.Close(over); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("%s: the server was closed after %v", name, took)
			}
		})
	}
}

func TestCloseMayBeCalledAgain(t *testing.T) {
	h := open(t, engineio.Options{}, nil)
	for range 2 {
		if err := h.sv.Close(patient(t)); err != nil {
			t.Error(err)
		}
	}
}

func TestSessionsThatComeAndUpgradeDuringCloseAllEnd(t *testing.T) {
	for range 5 {
		h := open(t, engineio.Options{}, nil)
		var arriving sync.WaitGroup
		for i := range 40 {
			m := []mode{{4, "polling"}, {4, "websocket"}}[i%2]
			arriving.Go(func() { arrive(h, m) })
		}
		h.peer() // the first is there
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		h.sv.Close(ctx)
		cancel()
		arriving.Wait()
		for len(h.peers) > 0 {
			select {
			case <-h.peer().closed:
			case <-time.After(patience):
				t.Fatal("a session was opened and never ended")
			}
		}
		if h.sv.Len() != 0 {
			t.Errorf("%d sessions are left", h.sv.Len())
		}
	}
}

// arrive opens a session, or is refused.
func arrive(h *house, m mode) {
	c := h.stranger(m)
	if m.transport == "websocket" {
		if w, res, err := c.handshake(); err == nil && res.StatusCode == http.StatusSwitchingProtocols {
			w.expectHangup()
		}
		return
	}
	got, err := c.get(patient(h.t))
	if err != nil {
		return
	}
	c.inbox = got
	c.receive()
	if w, res, err := c.handshake(); err == nil && res.StatusCode == http.StatusSwitchingProtocols {
		w.write(packet{kind: '5'})
		w.expectHangup()
	}
}
