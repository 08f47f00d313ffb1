package plain

import (
	"time"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/websocket"
)

// An Account counts what is held for one client. Its methods are called concurrently; Hold must be quick and take no
// lock under which it calls the client.
type Account interface {
	// Hold says that delta bytes more are held, or fewer if it is negative: what is queued for the client or on its way
	// to it, and what has arrived of a message that is not whole, or is being handled.
	Hold(delta int)

	// Joined says that the client has come. It can be shed from then on.
	Joined(limit.Member)

	// Left says that the client has gone. It is called once for each Account that was asked for. What is on its way to
	// the client then may be given back later.
	Left(limit.Member)
}

// shedTime is how long a client that is shed has to take what is on its way, and to hear why.
const shedTime = 500 * time.Millisecond

// hold counts what is held of a message. It is called by the reader.
func (c *client) hold(delta int) {
	c.partial.Add(int64(delta))
	c.HeldBytes(delta)
}

// HeldBytes counts what is held in the queue, too.
func (c *client) HeldBytes(delta int) {
	if c.account != nil {
		c.account.Hold(delta)
	}
}

// Held returns how many bytes are held for the client.
func (c *client) Held() int { return c.out.Size() + int(c.partial.Load()) }

// Shed ends the client, with code 1013, because too much is held for it.
func (c *client) Shed() {
	c.stopTimer()
	if conn := c.attached.Load(); conn != nil {
		conn.Interrupt()
	}
	c.out.CutWithin(c.closeFrame(endShed), websocket.CloseGrace, shedTime)
}
