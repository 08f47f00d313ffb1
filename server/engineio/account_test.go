package engineio_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

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
