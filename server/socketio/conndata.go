package socketio

import (
	"sync"
	"sync/atomic"
)

// connData is what programs keep with connections. It is not in Conn, because most have nothing.
type connData struct {
	used atomic.Int64 // values; with none, nobody takes the lock

	mu sync.Mutex // guards the following; it may be taken while a Conn's is held

	values map[*Conn]any
}

// set keeps a value; nil none.
func (d *connData) set(c *Conn, v any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.values == nil {
		d.values = make(map[*Conn]any)
	}
	if v == nil {
		delete(d.values, c)
	} else {
		d.values[c] = v
	}
	d.used.Store(int64(len(d.values)))
}

func (d *connData) get(c *Conn) any {
	if d.used.Load() == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.values[c]
}

// Data returns what SetData kept.
func (c *Conn) Data() any { return c.core.conns.get(c) }

// SetData keeps a value with the connection, for all of its sockets. It is forgotten when the connection has ended and
// the handlers of its last socket have returned; a client that is recovered comes with a new connection. What belongs
// to one socket and survives that is kept with Socket.SetData.
func (c *Conn) SetData(v any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.isOver() {
		c.core.conns.set(c, v)
	}
}

// isOver says whether the connection has ended, and all handlers have returned. c.mu must be held.
func (c *Conn) isOver() bool {
	return c.closed && len(c.sockets)+len(c.joining)+c.ending == 0
}

// forgetData forgets the connection's data when that is over. c.mu must be held.
func (c *Conn) forgetData() {
	if c.core.conns.used.Load() > 0 && c.isOver() {
		c.core.conns.set(c, nil)
	}
}
