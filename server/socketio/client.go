package socketio

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/socketio/wire"
)

// A client is the Socket.IO side of one session: its packets, taken apart, and its sockets, one for each namespace.
type client struct {
	io      *Server
	session *engineio.Session

	// What the session's reader is putting together: a packet that still lacks attachments.
	partial     wire.Packet
	attachments [][]byte
	pace        *pace       // not in here: a broadcast looks at each client, and at larger ones for a third longer
	events      *limit.Cell // what it counts its events with

	waiting atomic.Int64           // bytes of the events that wait for the handlers of all its sockets
	held    atomic.Pointer[Socket] // for whose inbox the reader waits

	mu sync.Mutex // guards the following; taken before a hub's lock

	sockets []*Socket // connected; mostly one
	joining []string  // namespaces whose middleware is being asked
	ending  int       // sockets that have ended, and whose handlers still run
	left    bool      // a namespace has been left: packets for it may still be on their way
	closed  bool
	timer   *time.Timer // until the first namespace is joined
}

// accept is called by the engine for each new session.
func (io *Server) accept(session *engineio.Session) engineio.Handler {
	c := &client{io: io, session: session, pace: new(pace), events: io.events.Cell()}
	c.mu.Lock()
	c.timer = time.AfterFunc(io.opts.ConnectTimeout, c.expire)
	c.mu.Unlock()
	if session.Version() == 3 {
		c.connect("/", noAuth) // clients before 3.0 do not ask for the main namespace
	}
	return c
}

// Errors that end a session.
var (
	errMixedUp    = errors.New("text in the middle of a packet's attachments")
	errNoPacket   = errors.New("an attachment without a packet")
	errHeavy      = &wire.ParseError{Code: "too_large", Message: "the attachments of the packet are larger than this server takes"}
	errSlowPacket = &wire.ParseError{Code: "too_slow", Message: "the attachments of the packet came too late"}
)

// Message takes one Engine.IO message. What can't be read ends the session, with the reason that the reference server has for it.
func (c *client) Message(binary bool, data []byte) error {
	if err := c.take(binary, data); err != nil {
		c.io.opts.Logger.Debug("a packet can't be read", "address", c.session.Request().RemoteAddr, "error", err)
		c.refusePacket(err)
		c.endAll(ReasonForcedClose)
		c.session.Close()
	}
	return nil
}

// take takes one message: a packet, or an attachment of the last one.
func (c *client) take(binary bool, data []byte) error {
	if binary {
		return c.takeAttachment(data)
	}
	if c.partial.Attachments > 0 {
		return errMixedUp
	}
	p, err := wire.Parse(data, &c.io.limits)
	switch {
	case err != nil:
		return err
	case p.Attachments > 0:
		c.keepPartial(&p)
		return nil
	}
	return c.handle(&p, nil)
}

// keepPartial has a packet wait for its attachments.
func (c *client) keepPartial(p *wire.Packet) {
	c.partial = *p
	c.partial.Data = bytes.Clone(p.Data)
}

func (c *client) takeAttachment(data []byte) error {
	if c.partial.Attachments == 0 {
		return errNoPacket
	}
	held := len(data)
	for _, a := range c.attachments {
		held += len(a)
	}
	if held > c.io.engine.MaxPayload() {
		return errHeavy // one packet holds no more than one message may
	}
	c.attachments = append(c.attachments, bytes.Clone(data))
	if len(c.attachments) < c.partial.Attachments {
		return nil
	}
	p, attachments := c.partial, c.attachments
	c.partial, c.attachments = wire.Packet{}, nil
	return c.handle(&p, attachments)
}

// handle takes a whole packet. Its data is the caller's unless it has attachments.
//
// Packets go by reference down here: copies of 96 bytes each made the stack of most connections outgrow 4 KiB.
func (c *client) handle(p *wire.Packet, attachments [][]byte) error {
	var query string
	if c.session.Version() == 3 {
		p.Namespace, query, _ = strings.Cut(p.Namespace, "?")
	}
	if !p.IsAck() && !c.hurry(p, attachments) {
		return nil
	}
	if p.Type == wire.Connect {
		c.handleConnect(p, query)
		return nil
	}
	s := c.socket(p.Namespace)
	if s == nil || p.Type == wire.ConnectError {
		return c.stray(p)
	}
	if attachments == nil {
		p.Data = bytes.Clone(p.Data)
	}
	switch p.Type {
	case wire.Disconnect:
		s.end(ReasonClientDisconnect)
	case wire.Event, wire.BinaryEvent:
		c.events.Add()
		s.deliver(p, attachments)
	default:
		if !s.resolve(p, attachments) {
			c.hurry(p, attachments)
		}
	}
	return nil
}

// stray takes a packet for a namespace that the client is not in. It may have been sent before the client heard that it
// was disconnected; otherwise the reference server ends the session, and so do we.
func (c *client) stray(p *wire.Packet) error {
	c.mu.Lock()
	late := c.left && p.Type != wire.ConnectError
	c.mu.Unlock()
	if !late {
		c.refuse()
	}
	return nil
}

// expire ends a session that has joined no namespace in time.
func (c *client) expire() {
	c.mu.Lock()
	late := !c.left && len(c.sockets) == 0
	c.closed = c.closed || late
	c.mu.Unlock()
	if late {
		c.io.hit(LimitConnectTime)
		c.refuse()
	}
}

// refuse ends a session that keeps to no namespace.
func (c *client) refuse() {
	c.endAll(ReasonForcedClose)
	c.session.Close()
}

func (c *client) socket(namespace string) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.find(namespace)
}

// find is socket for those that hold c.mu.
func (c *client) find(namespace string) *Socket {
	for _, s := range c.sockets {
		if s.ns.name == namespace {
			return s
		}
	}
	return nil
}

// sendText sends a packet without attachments. A session that is ending does not take it, and nobody needs to know.
func (c *client) sendText(packet []byte) {
	_ = c.session.Send(engineio.Message{Data: packet})
}

// forget removes a socket that has ended. A client that is to be told is told before it can connect again.
func (c *client) forget(s *Socket, tell bool) {
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

// retire counts a socket out, all of whose handlers have run.
func (c *client) retire(s *Socket) {
	c.mu.Lock()
	c.ending--
	c.mu.Unlock()
	c.io.leave(s.ns)
	c.io.present.Done()
}

// Close is called by the engine when the session has ended.
func (c *client) Close(reason engineio.Reason) { c.endAll(Reason(reason)) }

// endAll ends every socket of the session, and lets no other in.
func (c *client) endAll(reason Reason) {
	c.mu.Lock()
	c.closed = true
	c.stopTimer()
	sockets := slices.Clone(c.sockets)
	c.mu.Unlock()
	for _, s := range sockets {
		s.end(reason)
	}
}

// stopTimer also lets go of the timer, which is 130 bytes of each session. c.mu must be held.
func (c *client) stopTimer() {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
}
