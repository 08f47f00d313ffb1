package socketio

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/socketio/wire"
)

// A Conn is a client's connection: the Engine.IO session that its sockets share, one in each namespace that it
// has joined.
//
// All methods may be called concurrently, and from handlers.
type Conn struct {
	core    *core
	session *engineio.Session

	waiting atomic.Int64           // bytes of the events that wait for handlers, and of a packet that lacks attachments
	charges charges                // what the session is charged
	asking  atomic.Int64           // how many acknowledgements its client owes, in all namespaces
	held    atomic.Pointer[Socket] // for whose inbox the reader waits

	mu sync.Mutex // guards the following; taken before a hub's lock

	sockets  []*Socket     // connected; mostly one
	joining  []joining     // namespaces whose middleware is being asked
	ending   int           // sockets that have ended, and whose handlers still run
	left     bool          // a namespace has been left: packets for it may still be on their way
	closed   bool          // no further socket is let in
	coding   coding        // not guarded: the session's reader settles it before there is a socket
	over     chan struct{} // closed with the session; made by pause
	timer    *time.Timer   // until the first namespace is joined
	late     *time.Timer   // until the attachments of a packet have come
	partials int           // how many packets had attachments
	lacking  int           // bytes of a packet that lacks attachments
}

// A joining is a namespace that a client is on its way into.
type joining struct {
	namespace string
	socket    *Socket // nil until it is made
}

// PublicID returns an id of the connection that others may see: 16 characters, the same for as long as the connection
// lasts and for all of its sockets. Nobody can speak for the client with it.
func (c *Conn) PublicID() string { return c.session.PublicID() }

// Transport returns the transport in use: see [Socket.Transport].
func (c *Conn) Transport() string { return c.session.Transport() }

// Protocol returns the revision of Engine.IO that the client speaks: see [Socket.Protocol].
func (c *Conn) Protocol() int { return c.session.Version() }

// Sockets returns the connected sockets, one for each namespace.
func (c *Conn) Sockets() []*Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sockets)
}

func (c *Conn) socket(namespace string) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.find(namespace)
}

// find is socket for those that hold c.mu.
func (c *Conn) find(namespace string) *Socket {
	for _, s := range c.sockets {
		if s.ns.name == namespace {
			return s
		}
	}
	return nil
}

func (c *Conn) anySocket() *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sockets) == 0 {
		return nil
	}
	return c.sockets[0]
}

// sendText sends a packet without attachments. A session that is ending does not take it, and nobody needs to know.
func (c *Conn) sendText(packet []byte) {
	_ = c.session.Send(engineio.Message{Data: packet})
}

// forget removes a socket that has ended. A client that is to be told is told before it can connect again.
func (c *Conn) forget(s *Socket, tell bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if tell {
		c.sendText(wire.AppendDisconnect(nil, s.ns.name))
	}
	if i := slices.Index(c.sockets, s); i >= 0 {
		c.sockets = slices.Delete(c.sockets, i, i+1)
		c.left = true
		c.ending++
	}
}

// forgetJoin takes a namespace off those that are being joined. c.mu must be held.
func (c *Conn) forgetJoin(name string) {
	c.joining = slices.DeleteFunc(c.joining, func(j joining) bool { return j.namespace == name })
}

// isJoining says whether a namespace is being joined. c.mu must be held.
func (c *Conn) isJoining(name string) bool {
	return slices.ContainsFunc(c.joining, func(j joining) bool { return j.namespace == name })
}

// close lets no further socket in, and returns those that have to end: connected ones, and those on their way in.
func (c *Conn) close() (connected, coming []*Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.over != nil {
		close(c.over)
		c.over = nil
	}
	stop(&c.timer)
	stop(&c.late)
	c.grow(-c.lacking)
	c.forgetData()
	for _, j := range c.joining {
		if j.socket != nil {
			coming = append(coming, j.socket)
		}
	}
	return slices.Clone(c.sockets), coming
}

// pause waits for that long, or until the session has ended.
func (c *Conn) pause(d time.Duration) {
	c.mu.Lock()
	if d == 0 || c.closed {
		c.mu.Unlock()
		return
	}
	if c.over == nil {
		c.over = make(chan struct{})
	}
	over := c.over
	c.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-over:
	}
}

// stop also lets go of the timer, which is 130 bytes of each session.
func stop(timer **time.Timer) {
	if *timer != nil {
		(*timer).Stop()
		*timer = nil
	}
}

// readOn wakes the session's reader if it waits for the inbox of another socket than s, for which there may be
// room now that fewer events wait, or the client owes an acknowledgement. No lock of a socket may be held.
func (c *Conn) readOn(s *Socket) {
	other := c.held.Load()
	if other == nil || other == s {
		return
	}
	other.mu.Lock()
	defer other.mu.Unlock()
	other.wakeReader()
}
