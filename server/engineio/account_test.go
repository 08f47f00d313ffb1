package engineio_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/crier/crier/server/engineio"
)

// A ledger is an account.
type ledger struct{ held, most, joined, left atomic.Int64 }

func (l *ledger) Hold(delta int) {
	if now := l.held.Add(int64(delta)); now > l.most.Load() {
		l.most.Store(now)
	}
}

func (l *ledger) Joined(*engineio.Session) { l.joined.Add(1) }
func (l *ledger) Left(*engineio.Session)   { l.left.Add(1) }

func TestAnAccountIsToldOfWhatItsSessionsHold(t *testing.T) {
	const size = 200_000
	run(t, func(t *testing.T, m mode) {
		book := new(ledger)
		h := open(t, engineio.Options{Account: func(address string) engineio.Account {
			if address != "127.0.0.1" {
				t.Errorf("the account of %q is asked for", address)
			}
			return book
		}}, nil)
		c, p := h.join(m)
		waitFor(t, "the transport", func() bool { return (p.Transport() == engineio.Polling) == m.polls() })
		if book.joined.Load() != 1 || book.held.Load() != 0 {
			t.Errorf("%d sessions, %d bytes", book.joined.Load(), book.held.Load())
		}
		if m.polls() {
			c.say(message{data: strings.Repeat("x", size)})
			p.hear(t)
			if most := book.most.Load(); most < size/2 {
				t.Errorf("a body of %d bytes was counted as %d", size, most)
			}
			p.say(t, message{data: strings.Repeat("x", size)})
			if held := book.held.Load(); held < size/2 || held > int64(p.Held()) {
				t.Errorf("%d bytes are told of %d", held, p.Held())
			}
			c.hear()
		}
		waitFor(t, "nothing held", func() bool { return book.held.Load() == 0 })
		h.end(p, c)
		waitFor(t, "the account's end", func() bool { return book.left.Load() == 1 })
		if book.held.Load() != 0 {
			t.Errorf("%d bytes are left", book.held.Load())
		}
	})
}

// The poll that waits may be answered when the session has ended and nothing else holds it.
func TestASessionLeavesItsAccountOnce(t *testing.T) {
	const sessions = 200
	book := new(ledger)
	h := open(t, engineio.Options{Account: func(string) engineio.Account { return book }}, nil)
	for range sessions {
		c, p := h.join(mode{4, "polling"})
		var waiting sync.WaitGroup
		waiting.Go(func() { _, _ = c.get(patient(t)) })
		waitFor(t, "a poll", p.Ready)
		p.Abandon()
		waiting.Wait()
		late := httptest.NewRecorder() // a poll that had found the session just before it ended
		p.ServeAsPolling(late, httptest.NewRequest("GET", c.address("polling"), nil))
		if late.Code != http.StatusOK {
			t.Errorf("a late poll was answered with %d", late.Code)
		}
	}
	waitFor(t, "all sessions gone", func() bool { return h.sv.Len() == 0 })
	if left := book.left.Load(); left != sessions {
		t.Errorf("%d sessions have left the account %d times", sessions, left)
	}
}

func TestASessionThatIsShedEndsAsASlowConsumer(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{}, nil)
		c, p := h.join(m)
		waitFor(t, "the transport", func() bool { return (p.Transport() == engineio.Polling) == m.polls() })
		p.Shed()
		p.expectEnd(t, engineio.ReasonSlowConsumer)
		if c.ws != nil {
			c.expectFarewell(1013)
		}
		waitFor(t, "nothing held but a close frame", func() bool { return p.Held() < 100 })
	})
}

func TestWhatHasArrivedOfAWebSocketMessageIsCounted(t *testing.T) {
	const size = 300_000
	run(t, func(t *testing.T, m mode) {
		if m.polls() {
			t.Skip("it has no WebSocket")
		}
		book := new(ledger)
		h := open(t, engineio.Options{Account: func(string) engineio.Account { return book }}, nil)
		c, p := h.join(m)
		waitFor(t, "the transport", func() bool { return p.Transport() == engineio.WebSocket })
		frame := maskedFrame(ws.OpText, "4"+strings.Repeat("x", size))
		if err := c.ws.writeRaw(frame[:size/2]); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the half is counted", func() bool { return book.held.Load() > size/3 && p.Held() > size/3 })
		if err := c.ws.writeRaw(frame[size/2:]); err != nil {
			t.Fatal(err)
		}
		p.hear(t)
		waitFor(t, "nothing held", func() bool { return book.held.Load() == 0 })
		if err := c.ws.writeRaw(frame[:size/2]); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the half is counted again", func() bool { return book.held.Load() > size/3 })
		c.ws.conn.Close()
		p.expectEnd(t, engineio.ReasonTransportClose)
		waitFor(t, "it is given back", func() bool { return book.held.Load() == 0 && book.left.Load() == 1 })
	})
}

func TestWhatUpperLayersHoldCountsForTheSessionAlsoBehindItsEnd(t *testing.T) {
	book := new(ledger)
	h := open(t, engineio.Options{Account: func(string) engineio.Account { return book }}, nil)
	_, p := h.join(mode{4, "polling"})
	waitFor(t, "the answer with OPEN is given back", func() bool { return p.Held() == 0 && book.held.Load() == 0 })
	p.Charge(70_000)
	if p.Held() != 70_000 || book.held.Load() != 70_000 {
		t.Errorf("%d are held, %d told", p.Held(), book.held.Load())
	}
	p.Abandon()
	p.expectEnd(t, engineio.ReasonTransportClose)
	if p.Charge(-70_000); p.Held() != 0 || book.held.Load() != 0 {
		t.Errorf("%d are held, %d told", p.Held(), book.held.Load())
	}
}

// A session is shed because memory is needed: a client that reads nothing, or stops in the middle of what it sends,
// does not keep it.
func TestAShedSessionHoldsNothingASecondLater(t *testing.T) {
	o := engineio.Options{WriteTimeout: time.Hour, MessageTimeout: time.Hour, PingInterval: time.Hour}
	runInBubble(t, func(t *testing.T, m mode) {
		h := openOn(t, newPipes(), o, nil)
		c, p := h.join(m)
		synctest.Wait()
		if m.polls() {
			body := h.attack(fmt.Sprintf("POST /engine.io/?EIO=%d&transport=polling&sid=%s HTTP/1.1\r\nHost: a\r\n"+
				"Content-Length: 200000\r\n\r\n", m.version, c.sid))
			body.send(strings.Repeat("x", 100_000))
			stall(c)
		}
		p.say(t, message{data: strings.Repeat("x", 400_000)}, message{data: strings.Repeat("x", 400_000)})
		synctest.Wait()
		before := p.Held()
		p.Shed()
		p.expectEnd(t, engineio.ReasonSlowConsumer)
		time.Sleep(time.Second)
		synctest.Wait()
		if held := p.Held(); held != 0 || before < 800_000 {
			t.Errorf("%d bytes are held, of %d", held, before)
		}
	})
}

// An answer is on its way, and a body is half there.
func TestARequestOfAShedSessionEndsWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := engineio.Options{WriteTimeout: time.Hour, MessageTimeout: time.Hour}
		h := openOn(t, newPipes(), o, nil)
		c, p := h.join(mode{4, "polling"})
		conn := stall(c)
		p.say(t, message{data: strings.Repeat("x", 400_000)})
		synctest.Wait()
		p.Shed()
		time.Sleep(time.Second)
		if n, _ := io.Copy(io.Discard, conn); n > 100_000 {
			t.Errorf("%d bytes come behind the end", n)
		}
		waitFor(t, "its place", func() bool { return h.sv.Len() == 0 })
	})
}

func TestAPollThatWaitsHearsThatItsSessionIsShed(t *testing.T) {
	for _, m := range pollingModes {
		h := open(t, engineio.Options{}, nil)
		c, p := h.join(m)
		go func() {
			waitFor(t, "a poll", p.Ready)
			p.Shed()
		}()
		if got, err := c.get(patient(t)); err != nil || len(got) != 1 || got[0].kind != '1' {
			t.Errorf("%v: the poll was answered with %+v, %v", m, got, err)
		}
	}
}
