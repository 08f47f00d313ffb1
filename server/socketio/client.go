package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/crier/crier/server/engineio"
)

// A client is the Socket.IO side of one session: its packets, taken apart, and its sockets, one for each namespace.
type client struct {
	io      *Server
	session *engineio.Session

	// What the session's reader is putting together: a packet that still lacks attachments.
	partial     packet
	attachments [][]byte

	mu sync.Mutex // guards the following; taken before a session's own lock

	sockets []*Socket // connected; mostly one
	joining []string  // namespaces whose middleware is being asked
	left    bool      // a namespace has been left: packets for it may still be on their way
	closed  bool
	timer   *time.Timer // until the first namespace is joined
}

// accept is called by the engine for each new session.
func (io *Server) accept(session *engineio.Session) engineio.Handler {
	c := &client{io: io, session: session}
	c.mu.Lock()
	c.timer = time.AfterFunc(io.opts.ConnectTimeout, c.refuse)
	c.mu.Unlock()
	if session.Version() == 3 {
		c.connect("/", noAuth) // clients before 3.0 do not ask for the main namespace
	}
	return c
}

// Errors that end a session.
var (
	errMixedUp  = errors.New("socketio: text in the middle of a packet's attachments")
	errNoPacket = errors.New("socketio: an attachment without a packet")
	errHeavy    = errors.New("socketio: attachments over the limit")
)

// Message takes one Engine.IO message: a packet, or an attachment of the last one.
func (c *client) Message(binary bool, data []byte) error {
	if binary {
		return c.takeAttachment(data)
	}
	if c.partial.attachments > 0 {
		return errMixedUp
	}
	p, err := parsePacket(data, c.io.opts.packetLimits())
	if err != nil {
		return err
	}
	if p.attachments == 0 {
		return c.handle(p, nil)
	}
	p.data = bytes.Clone(p.data)
	c.partial = p
	return nil
}

func (c *client) takeAttachment(data []byte) error {
	if c.partial.attachments == 0 {
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
	if len(c.attachments) < c.partial.attachments {
		return nil
	}
	p, attachments := c.partial, c.attachments
	c.partial, c.attachments = packet{}, nil
	return c.handle(p, attachments)
}

// handle takes a whole packet. Its data is the caller's unless it has attachments.
func (c *client) handle(p packet, attachments [][]byte) error {
	if p.kind == packetConnect {
		return c.handleConnect(p)
	}
	s := c.socket(p.namespace)
	if s == nil || p.kind == packetConnectError {
		return c.stray(p)
	}
	if attachments == nil {
		p.data = bytes.Clone(p.data)
	}
	switch p.kind {
	case packetDisconnect:
		s.end(ReasonClientDisconnect)
	case packetEvent, packetBinaryEvent:
		s.deliver(p, attachments)
	default:
		s.resolve(p, attachments)
	}
	return nil
}

// stray takes a packet for a namespace that the client is not in. It may have been sent before the client heard that it
// was disconnected; otherwise the reference server ends the session, and so do we.
func (c *client) stray(p packet) error {
	c.mu.Lock()
	late := c.left && p.kind != packetConnectError
	c.mu.Unlock()
	if !late {
		c.refuse()
	}
	return nil
}

// refuse ends a session that keeps to no namespace.
func (c *client) refuse() {
	c.endAll(ReasonServerForcedClose)
	c.session.Close()
}

func (c *client) socket(namespace string) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sockets {
		if s.ns.name == namespace {
			return s
		}
	}
	return nil
}

// handleConnect takes a CONNECT packet.
func (c *client) handleConnect(p packet) error {
	name, auth := p.namespace, json.RawMessage(bytes.Clone(p.data))
	if len(auth) == 0 {
		auth = noAuth
	}
	if c.session.Version() == 3 {
		var query string
		name, query, _ = strings.Cut(name, "?")
		auth = queryAuth(query)
		if name == "/" {
			return nil // it was connected when the session was opened
		}
	}
	if c.socket(name) != nil {
		c.refuse() // twice: the reference server ends the session
		return nil
	}
	c.connect(name, auth)
	return nil
}

// connect asks the namespace's middleware, if it has one, and lets the client in.
func (c *client) connect(name string, auth json.RawMessage) {
	if !c.beginJoin(name) {
		return
	}
	ns, parents := c.io.lookup(name)
	if ns != nil && len(ns.currentHooks().middleware) == 0 || ns == nil && len(parents) == 0 {
		c.join(ns, name, auth) // nothing that could block
		return
	}
	c.io.workers.Add(1)
	go func() { // ends when the middleware has answered
		defer c.io.workers.Done()
		c.join(c.io.findOrCreate(name, auth), name, auth)
	}()
}

// beginJoin notes that a namespace is being joined; false if it is already, or if the client is in too many.
func (c *client) beginJoin(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || slices.Contains(c.joining, name) {
		return false
	}
	if len(c.joining)+len(c.sockets) >= c.io.opts.MaxNamespaces {
		c.sendConnectError(name, &Error{Code: "too_many_namespaces", Message: "Too many namespaces"})
		return false
	}
	c.joining = append(c.joining, name)
	return true
}

// endJoin forgets it. c.mu must be held.
func (c *client) endJoin(name string) {
	if i := slices.Index(c.joining, name); i >= 0 {
		c.joining = slices.Delete(c.joining, i, i+1)
	}
}

var errNoNamespace = errors.New("Invalid namespace") //nolint:staticcheck // the reference server's text, shown to clients

// join makes a socket of the client's wish, or refuses it.
func (c *client) join(ns *Namespace, name string, auth json.RawMessage) {
	err := errNoNamespace
	if ns != nil && c.io.hold(ns) {
		defer c.io.release(ns)
		s := newSocket(c, ns, auth)
		if err = s.askMiddleware(); err == nil {
			c.admit(s)
			return
		}
		ns.hub.remove(s) // from rooms that a middleware put it into
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endJoin(name)
	c.sendConnectError(name, err)
}

// admit connects s. CONNECT is queued before anybody can send to it, and its events wait until OnConnect has run.
func (c *client) admit(s *Socket) {
	c.mu.Lock()
	c.endJoin(s.ns.name)
	if c.closed {
		c.mu.Unlock()
		s.ns.hub.remove(s)
		return
	}
	c.timer.Stop()
	c.sockets = append(c.sockets, s)
	c.sendConnect(s)
	s.ns.hub.add(s)
	c.mu.Unlock()
	s.start()
}

func (c *client) sendConnect(s *Socket) {
	var data []byte
	if c.session.Version() != 3 {
		data = append(append([]byte(`{"sid":"`), s.id...), `"}`...)
	}
	c.sendText(appendConnect(nil, s.ns.name, data))
}

func (c *client) sendConnectError(name string, err error) {
	message, data := err.Error(), any(nil)
	if e := (*Error)(nil); errors.As(err, &e) {
		message, data = e.Message, e.Data
	}
	var v any = struct {
		Message string `json:"message"`
		Data    any    `json:"data,omitempty"`
	}{message, data}
	if c.session.Version() == 3 && err != errNoNamespace { // the two forms are the reference server's
		v = message
		if data != nil {
			v = data
		}
	}
	body, jsonErr := json.Marshal(v)
	if jsonErr != nil {
		c.io.opts.Logger.Error("a middleware's error has data that JSON can't hold", "namespace", name, "error", jsonErr)
		body = []byte(`{"message":"internal error"}`)
	}
	c.sendText(appendConnectError(nil, name, body))
}

// sendText sends a packet without attachments. A session that is ending does not take it, and nobody needs to know.
func (c *client) sendText(packet []byte) {
	_ = c.session.Send(engineio.Message{Data: packet})
}

// forget removes a socket that has ended.
func (c *client) forget(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.sockets, s); i >= 0 {
		c.sockets = slices.Delete(c.sockets, i, i+1)
		c.left = true
	}
}

// Close is called by the engine when the session has ended.
func (c *client) Close(reason engineio.Reason) { c.endAll(Reason(reason)) }

// endAll ends every socket of the session.
func (c *client) endAll(reason Reason) {
	c.mu.Lock()
	c.closed = true
	c.timer.Stop()
	sockets := slices.Clone(c.sockets)
	c.mu.Unlock()
	for _, s := range sockets {
		s.end(reason)
	}
}
