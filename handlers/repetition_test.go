package handlers_test

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/socketio"
)

// What was stored stays so, whatever stands in the way of more.
func TestARepetitionIsAnsweredThoughNothingElseCanBeSaid(t *testing.T) {
	const said = `{"n":[1]}`
	for what, obstacle := range map[string]struct {
		code string
		put  func(h *hurdle)
	}{
		"a full disk":         {"not_stored", func(h *hurdle) { h.store.fail(syscall.ENOSPC) }},
		"too much that waits": {"busy", func(h *hurdle) { h.refuse(feed.ErrBusy) }},
		"a closed feed":       {"not_stored", func(h *hurdle) { h.refuse(feed.ErrClosed) }},
		"an address's share":  {"rate", func(h *hurdle) { h.owned.Store(true) }},
		"all of these together": {"rate", func(h *hurdle) {
			h.store.fail(syscall.EIO)
			h.refuse(feed.ErrBusy)
			h.owned.Store(true)
		}},
	} {
		t.Run(what, func(t *testing.T) {
			store := &failing{Store: memory.New(0)}
			h := &hurdle{Log: newFeed(t, store, feed.Options{}), store: store}
			o := unhurried
			o.Kept = h
			_, _, url := serveWith(t, h, socketio.Options{}, o)
			for _, auth := range []string{`{"name":"Ann"}`, `{"name":"Ann","secret":"` + secretOfAnn + `"}`} {
				c := connectWith(t, url, 4, auth)
				first := c.get("message", said, `{"id":"x"}`)
				obstacle.put(h)
				if got := c.get("message", said, `{"id":"y"}`); got.code() != obstacle.code {
					t.Errorf("another message is answered %+v", got)
				}
				got := c.get("message", said, `{"id":"x"}`)
				if got.Error != nil || got.Offset != first.Offset || got.At != first.At {
					t.Errorf("the repetition is answered %+v, at first %+v", got, first)
				}
				h.lift()
				if got := c.get("message", `"last"`); got.Offset != first.Offset+1 {
					t.Errorf("then a message is answered %+v", got)
				}
			}
			c := connectWith(t, url, 4, withAnn)
			obstacle.put(h)
			if got := c.get("message", `"other"`, `{"id":"x"}`); got.code() != "id_taken" {
				t.Errorf("other data is answered %+v", got)
			}
		})
	}
}

// A hurdle is a feed that takes nothing when it is told so.
type hurdle struct {
	*feed.Log
	store   *failing
	refusal atomic.Pointer[error]
	owned   atomic.Bool
}

func (h *hurdle) refuse(err error) { h.refusal.Store(&err) }

func (h *hurdle) lift() {
	h.store.fail(nil)
	h.refusal.Store(nil)
	h.owned.Store(false)
}

func (h *hurdle) Append(turn string, e feed.Entry, done feed.Done) error {
	if err := h.refusal.Load(); err != nil {
		return *err
	}
	return h.Log.Append(turn, e, done)
}

func (h *hurdle) May(string, int, time.Time) bool { return !h.owned.Load() }
func (h *hurdle) Add(string, int, time.Time)      {}

// A client that comes back says again all that it has no answer to, which was paid for already.
func TestARepetitionCostsNoRate(t *testing.T) {
	inABubble(t, handlers.Options{MaxMessageRate: 1, MessageBurst: 2, MaxMessageByteRate: 1, MessageByteBurst: 1000}, func(
		t *testing.T, room *handlers.Core) {
		guest := room.Visit(newEar())
		defer guest.Close()
		do(t, guest, "f", `{"speaker":"Ann"}`)
		first := do(t, guest, "message", `{"data":"hello","id":1}`)
		began := time.Now()
		for range 1000 {
			if got := do(t, guest, "message", `{"data":"hello","id":1}`); got != first {
				t.Fatalf("it is answered %v, at first %v", got, first)
			}
		}
		do(t, guest, "message", `{"data":"another"}`)
		if took := time.Since(began); took > 0 {
			t.Errorf("they take %v", took)
		}
		do(t, guest, "message", fmt.Sprintf(`{"data":%q}`, "a third"))
		if time.Since(began) == 0 {
			t.Error("a third message waits for nothing")
		}
	})
}
