package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

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
		c.io.hit(LimitAuth)
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
		c.refuse() // as the reference server does
	case !begun:
	case c.io.mayBlock(name):
		go c.join(name, auth) // ends when the middleware has answered
	default:
		c.join(name, auth)
	}
}

// beginJoin notes that a namespace is being joined, unless it is already or the client is in too many.
func (c *client) beginJoin(name string) (begun, twice bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed || slices.Contains(c.joining, name):
		return false, false
	case c.find(name) != nil:
		return false, true
	case len(c.joining)+len(c.sockets)+c.ending >= c.io.opts.MaxNamespaces:
		c.io.hit(LimitNamespaces)
		c.sendText(wire.AppendConnectError(nil, name, c.connectError(errManyNamespaces)))
		return false, false
	}
	c.joining = append(c.joining, name)
	c.io.present.Add(1)
	return true, false
}

// Why a client is not let in.
var (
	//lint:ignore ST1005 the reference server's text, which clients are shown
	errNoNamespace    = errors.New("Invalid namespace")
	errLargeAuth      = &Error{Code: "large_auth", Message: "Auth too large"}
	errManyNamespaces = &Error{Code: "too_many_namespaces", Message: "Too many namespaces"}
)

// join makes a socket of the client's wish, or refuses it.
func (c *client) join(name string, auth json.RawMessage) {
	ns := c.io.enter(name, auth)
	if ns == nil {
		c.endJoin(name, errNoNamespace)
		return
	}
	if c.rejoin(ns, auth) {
		return
	}
	s := newSocket(c, ns, auth)
	err := s.askMiddleware()
	if err == nil && c.admit(s, func() bool { ns.hub.add(s, c.sendConnect); return true }) {
		return // s.retire ends what began here
	}
	c.turnAway(s, err)
}

// turnAway ends the join of a socket that is not let in, because of err or because the session has ended.
func (c *client) turnAway(s *Socket, err error) {
	s.ns.hub.remove(s) // from rooms that a middleware put it into
	c.io.leave(s.ns)
	c.endJoin(s.ns.name, err)
}

// endJoin ends a join that came to nothing. The client is told of an error.
func (c *client) endJoin(name string, err error) {
	var answer []byte
	if err != nil {
		answer = wire.AppendConnectError(nil, name, c.connectError(err))
	}
	c.mu.Lock()
	c.forgetJoin(name)
	if err != nil {
		c.sendText(answer)
	}
	c.mu.Unlock()
	c.io.present.Done()
}

// forgetJoin takes a namespace off those that are being joined. c.mu must be held.
func (c *client) forgetJoin(name string) {
	if i := slices.Index(c.joining, name); i >= 0 {
		c.joining = slices.Delete(c.joining, i, i+1)
	}
}

// admit connects s, unless the session has ended or enter, which is to make it a member of its namespace, says no. Its
// events wait until OnConnect has run.
func (c *client) admit(s *Socket, enter func() bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || !enter() {
		return false
	}
	c.forgetJoin(s.ns.name)
	c.stopTimer()
	c.sockets = append(c.sockets, s)
	s.start()
	return true
}

func (c *client) sendConnect(s *Socket) {
	c.sendText(wire.AppendConnect(nil, s.ns.name, s.connectAnswer()))
}

// connectError returns what a CONNECT_ERROR says of err, in the two forms of the reference server. Neither what it can't
// write nor a panic of err's own methods may do harm.
func (c *client) connectError(err error) (body []byte) {
	defer func() {
		if p := recover(); p != nil {
			c.io.logPanic(c.io.opts.Logger, "a middleware's error panicked", p)
			body = []byte(`{"message":"internal error"}`)
		}
	}()
	v := struct {
		Message string `json:"message"`
		Data    any    `json:"data,omitempty"`
	}{Message: err.Error()}
	if e := (*Error)(nil); errors.As(err, &e) {
		v.Message, v.Data = e.Message, e.Data
	}
	var whole any = v
	if c.session.Version() == 3 && err != errNoNamespace {
		whole = v.Message
		if v.Data != nil {
			whole = v.Data
		}
	}
	body, jsonErr := wire.AppendJSON(nil, whole)
	if jsonErr != nil {
		c.io.opts.Logger.Error("a middleware's error has data that JSON can't hold", "error", jsonErr)
		return []byte(`{"message":"internal error"}`)
	}
	return body
}
