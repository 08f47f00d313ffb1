package socketio

import (
	"bytes"
	"errors"
	"time"

	"github.com/crier/crier/server/socketio/wire"
)

// Errors that end a session.
var (
	errMixedUp    = errors.New("text in the middle of a packet's attachments")
	errNoPacket   = errors.New("an attachment without a packet")
	errHeavy      = &wire.ParseError{Code: "too_large", Message: "the attachments are larger than this server takes"}
	errSlowPacket = &wire.ParseError{Code: "too_slow", Message: "the attachments of the packet came too late"}
)

// A partial is a packet that waits for its attachments. The session's reader uses it.
type partial struct {
	packet      wire.Packet
	attachments [][]byte
	held        int // bytes of attachments
}

// awaitAttachments has a packet wait for its attachments. All of them must come within Engine.MessageTimeout, and
// what it holds is counted among what waits.
func (c *client) awaitAttachments(p *wire.Packet) {
	c.partial = &partial{packet: *p}
	c.partial.packet.Data = bytes.Clone(p.Data)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.grow(len(p.Data))
	c.partials++
	n := c.partials
	c.late = time.AfterFunc(c.core.opts.Engine.MessageTimeout, func() { c.expirePartial(n) })
}

// attach takes an attachment. With the last one it returns the packet, which is whole then.
func (c *client) attach(data []byte) (whole *partial, err error) {
	p := c.partial
	if p == nil {
		return nil, errNoPacket
	}
	if p.held += len(data); p.held > c.core.engine.MaxPayload() {
		return nil, errHeavy // one packet holds no more than one message may
	}
	p.attachments = append(p.attachments, bytes.Clone(data))
	c.growOpen(len(data))
	if len(p.attachments) < p.packet.Attachments {
		return nil, nil
	}
	c.endPartial()
	return p, nil
}

// growOpen is grow, unless the session has ended.
func (c *client) growOpen(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.grow(n)
	}
}

// endPartial says that nothing is lacking any more.
func (c *client) endPartial() {
	c.partial = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	stop(&c.late)
	c.grow(-c.lacking)
}

// expirePartial ends a session whose nth packet with attachments has not got them in time. It is called by the timer.
func (c *client) expirePartial(n int) {
	c.mu.Lock()
	over := c.late != nil && c.partials == n
	c.mu.Unlock()
	if over {
		c.fail(errSlowPacket)
	}
}
