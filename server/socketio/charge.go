package socketio

import "sync/atomic"

// chargeStep is how many bytes a connection may differ from what its session was charged: most never hold as much.
const chargeStep = 16 << 10

// charges count what a connection holds for its client: events, from when they have come until their handlers have
// run, a packet that lacks attachments, and the auth of sockets.
type charges struct {
	held atomic.Int64 // bytes
	told atomic.Int64 // of these, what the session was charged
}

// authHeld returns how many bytes are charged for a socket's auth: whole steps, and most take none.
func (s *Socket) authHeld() int { return len(s.auth) &^ (chargeStep - 1) }

// charge counts n bytes more, or fewer if it is negative. The session learns of it in steps, and when nothing is held
// any more.
func (c *Conn) charge(n int) {
	held := c.charges.held.Add(int64(n))
	change := held - c.charges.told.Load()
	if change >= chargeStep || change <= -chargeStep || held == 0 && change != 0 {
		c.tellCharges()
	}
}

func (c *Conn) tellCharges() {
	for {
		told := c.charges.told.Load()
		held := c.charges.held.Load()
		if held == told {
			return
		}
		if c.charges.told.CompareAndSwap(told, held) {
			c.session.Charge(int(held - told))
		}
	}
}

// grow counts bytes that a packet which lacks attachments holds. A session that has ended holds none: its reader
// forgets them. c.mu must be held.
func (c *Conn) grow(n int) {
	c.lacking += n
	c.waiting.Add(int64(n))
	c.charge(n)
}
