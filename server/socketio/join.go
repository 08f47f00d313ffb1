package socketio

import (
	"bytes"
	"encoding/json"

	"github.com/crier/crier/server/socketio/wire"
)

// handleConnect takes a CONNECT packet.
func (c *client) handleConnect(p *wire.Packet, query string) {
	auth := json.RawMessage(bytes.Clone(p.Data))
	if len(auth) == 0 {
		auth = noAuth
	}
	if c.session.Version() == 3 {
		if p.Namespace == "/" {
			return // it was connected when the session was opened
		}
		auth = queryAuth(query)
	}
	if len(auth) > maxAuth {
		c.core.hit(LimitAuth)
		c.sendText(wire.AppendConnectError(nil, p.Namespace, c.connectError(errLargeAuth)))
		return
	}
	c.connect(p.Namespace, auth)
}

// maxAuth is the largest auth of a client, in bytes: it is kept for as long as the socket lives. Tokens are a few kB.
const maxAuth = 64 << 10

// connect asks the namespace's middleware, if it has one, and lets the client in.
func (c *client) connect(name string, auth json.RawMessage) {
	begun, twice := c.beginJoin(name)
	switch {
	case twice:
		c.Conn.Close() // as the reference server does
	case !begun:
	case c.core.names.mayBlock(name) || c.mustPause(name, auth):
		go c.join(name, auth) // ends when the middleware has answered, or the pause is over
	default:
		c.join(name, auth)
	}
}

// beginJoin notes that a namespace is being joined, unless it is already or the client is in too many.
func (c *client) beginJoin(name string) (begun, twice bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed || c.isJoining(name):
		return false, false
	case c.find(name) != nil:
		return false, true
	case len(c.joining)+len(c.sockets)+c.ending >= c.core.opts.MaxNamespaces:
		c.core.hit(LimitNamespaces)
		c.sendText(wire.AppendConnectError(nil, name, c.connectError(errManyNamespaces)))
		return false, false
	}
	c.joining = append(c.joining, joining{namespace: name})
	c.core.present.Add(1)
	return true, false
}

// join makes a socket of the client's wish, or refuses it.
func (c *client) join(name string, auth json.RawMessage) {
	ns := c.core.names.enter(name, auth)
	if ns == nil {
		c.endJoin(name, errNoNamespace)
		return
	}
	if c.rejoin(ns, auth) {
		return
	}
	s := newSocket(&c.Conn, ns, auth)
	err := c.askMiddleware(s)
	if err == nil && c.admit(s, func() bool { ns.hub.add(&s.seat, func() { c.welcome(s, nil) }); return true }) {
		return // retire ends what began here
	}
	c.turnAway(s, err)
}
