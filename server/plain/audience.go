package plain

import (
	"sync"

	"github.com/crier/crier/server/internal/outbound"
	"github.com/crier/crier/server/websocket"
)

// An audience hears the same frames in the same order. Its lock is held while frames are queued for its members; the
// locks of outboxes are taken under it.
type audience struct {
	mu sync.Mutex // guards the following, and client.seat of its members

	members []*client
	batch   outbound.Batch
}

// join is idempotent.
func (a *audience) join(c *client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.seat == 0 {
		a.members = append(a.members, c)
		c.seat = len(a.members)
	}
}

// remove is idempotent.
func (a *audience) remove(c *client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.seat == 0 {
		return
	}
	last := len(a.members) - 1
	moved := a.members[last]
	a.members[c.seat-1], moved.seat = moved, c.seat
	a.members[last] = nil
	a.members = a.members[:last]
	c.seat = 0
}

// tell queues one text for all members. It is put into memory once.
func (a *audience) tell(sv *Server, text []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.members) == 0 {
		return
	}
	frame := sv.frame(websocket.OpText, text)
	for _, c := range a.members {
		_ = c.out.PushBatch(frame, &a.batch) // one that takes no more is told why by its outbox
	}
	a.batch.Flush()
}
