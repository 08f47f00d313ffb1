package socketio_test

import (
	"strings"
	"testing"

	"github.com/crier/crier/server/socketio"
)

// Clients before 3.0 are sent what they always were, in the company of others too.
func TestClientsOfEIO3SeeNothingOfRecovery(t *testing.T) {
	for _, m := range modes {
		if m.version != 3 {
			continue
		}
		t.Run(m.String(), func(t *testing.T) {
			h := newHall(t, socketio.Options{})
			old, s := h.join(t, m)
			p, _ := h.join(t, socket4)
			s.Join("room")
			text := strings.Repeat("说", 800)
			emit(t, h, "news", text)
			emit(t, h.Volatile(), "a name alone")
			emit(t, h, "binary", []byte{1})
			emit(t, s, "direct", "text")
			for _, one := range []*peer{old, p} {
				got := one.next()
				escaped := one == old && !m.msgpack()
				if strings.HasSuffix(got.text, `说"]`) == escaped || (got.offset != "") != (one == p) {
					t.Errorf("%v: got %.40s, offset %q", one.mode, got.text, got.offset)
				}
			}
			got := old.next().text
			if got == `2["a name alone"]` { // it may be dropped
				got = old.next().text
			}
			if got != `51-["binary",{"_placeholder":true,"num":0}]` {
				t.Error(got)
			}
			old.expect(`2["direct","text"]`)
			h.lose(t, old)
			emit(t, h, "missed")
			again := dial(t, h.url, m)
			again.connected()
			emit(t, h, "now")
			again.expect(`2["now"]`)
		})
	}
}

func TestWithoutRecoveryNothingIsAdded(t *testing.T) {
	h := newHall(t, socketio.Options{Recovery: socketio.Recovery{Disabled: true}})
	p, s := h.join(t, socket4)
	emit(t, h, "news", "text")
	emit(t, s, "direct")
	for range 2 {
		if got := p.next(); got.offset != "" {
			t.Error(got)
		}
	}
	h.lose(t, p)
	q := dial(t, h.url, socket4)
	q.send(p.wish())
	q.connected()
	if p.pid != "" || q.pid != "" || q.id == p.id {
		t.Errorf("pid %q, then %q", p.pid, q.pid)
	}
}

// A client takes any string at the end of an event for its offset.
func TestAVolatileEventThatEndsInTextHasTheOffsetOfWhatWasBeforeIt(t *testing.T) {
	h := newHall(t, socketio.Options{})
	p, s := h.join(t, socket4)
	emit(t, h, "n", 1)
	p.expect(`2["n",1]`)
	before := p.seen
	for _, args := range [][]any{{"text"}, {}, {1, "text"}} {
		for _, to := range []emitter{s.Volatile(), h.Volatile()} {
			emit(t, to, "volatile", args...)
			if got := p.next(); got.offset != before {
				t.Errorf("%v: the offset is %q, and that of the last event %q", args, got.offset, before)
			}
		}
	}
	emit(t, s.Volatile(), "volatile", "text", 2)
	if got := p.next(); got.offset != "" {
		t.Errorf("an offset that nobody needs: %v", got)
	}
	emit(t, h, "n", 2)
	h.lose(t, p)
	emit(t, h.Volatile(), "lost for good")
	p = p.recovered(h.url)
	p.expect(`2["n",2]`)
}
