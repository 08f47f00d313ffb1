package socketio

import (
	"strings"
	"time"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/socketio/wire"
)

// A client is the Socket.IO side of one session: it takes the packets apart that come in, and hands them to its
// sockets. Its methods that take packets are called by the session's reader, one at a time.
type client struct {
	Conn
	partial *partial    // the packet that still lacks attachments; mostly nil
	pace    *pace       // not in here: a broadcast looks at each client, and at larger ones for a third longer
	events  *limit.Cell // what it counts its events with
}

var _ engineio.UpgradeHandler = (*client)(nil)

// accept is called by the engine for each new session.
func (k *core) accept(session *engineio.Session) engineio.Handler {
	c := &client{Conn: Conn{core: k, session: session}, pace: new(pace), events: k.events.Cell()}
	c.mu.Lock()
	c.timer = time.AfterFunc(k.opts.ConnectTimeout, c.expire)
	c.mu.Unlock()
	if session.Version() == 3 {
		c.chooseEarly()
		c.connect("/", noAuth) // clients before 3.0 do not ask for the main namespace
	}
	return c
}

// Message takes one Engine.IO message. What can't be read ends the session, with the reason that the reference
// server has for it.
func (c *client) Message(binary bool, data []byte) error {
	if err := c.take(binary, data); err != nil {
		c.fail(err)
	}
	return nil
}

// take takes one message: a packet, or an attachment of the last one.
func (c *client) take(binary bool, data []byte) error {
	if c.coding == codingUnknown {
		c.choose(binary)
	}
	switch {
	case c.coding == codingMsgpack:
		return c.takeMsgpack(binary, data)
	case binary:
		return c.takeAttachment(data)
	case c.partial != nil:
		return errMixedUp
	}
	p, err := wire.Parse(data, &c.core.limits)
	switch {
	case err != nil:
		return err
	case p.Attachments > 0:
		c.awaitAttachments(&p)
		return nil
	}
	c.handle(&p, nil)
	return nil
}

func (c *client) takeAttachment(data []byte) error {
	whole, err := c.attach(data)
	if whole != nil {
		c.handle(&whole.packet, whole.attachments)
	}
	return err
}

// handle takes a whole packet. Its data is the caller's unless it has attachments.
//
// Packets go by reference down here: copies of 96 bytes each made the stack of most connections outgrow 4 KiB.
func (c *client) handle(p *wire.Packet, attachments [][]byte) {
	var query string
	if c.session.Version() == 3 {
		p.Namespace, query, _ = strings.Cut(p.Namespace, "?")
	}
	if !p.IsAck() && !c.hurry(p, attachments) {
		return
	}
	if p.Type == wire.Connect {
		c.handleConnect(p, query)
		return
	}
	s := c.socket(p.Namespace)
	if s == nil || p.Type == wire.ConnectError {
		c.stray(p)
		return
	}
	switch p.Type {
	case wire.Disconnect:
		s.end(ReasonClientDisconnect)
	case wire.Event, wire.BinaryEvent:
		c.events.Add()
		c.deliver(s, p, attachments)
	default:
		if !c.resolve(s, p, attachments) {
			c.hurry(p, attachments)
		}
	}
}

// stray takes a packet for a namespace that the client is not in. It may have been sent before the client heard
// that it was disconnected; otherwise the reference server ends the session, and so do we.
func (c *client) stray(p *wire.Packet) {
	c.mu.Lock()
	late := c.left && p.Type != wire.ConnectError
	c.mu.Unlock()
	if !late {
		c.Conn.Close()
	}
}

// expire ends a session that has joined no namespace in time.
func (c *client) expire() {
	c.mu.Lock()
	late := !c.left && len(c.sockets) == 0
	c.closed = c.closed || late
	c.mu.Unlock()
	if late {
		c.core.hit(LimitConnectTime)
		c.Conn.Close()
	}
}

// Upgraded is called by the engine.
func (c *client) Upgraded() {
	for _, f := range c.core.upgrade.all() {
		c.core.guardHook("upgrade", func() { f(&c.Conn) })
	}
}

// Close is called by the engine when the session has ended.
func (c *client) Close(reason engineio.Reason) { c.endAll(Reason(reason)) }
