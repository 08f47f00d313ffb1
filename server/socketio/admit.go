package socketio

import (
	"errors"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/socketio/wire"
)

// Why a client is not let in.
var (
	//lint:ignore ST1005 the reference server's text, which clients are shown
	errNoNamespace    = errors.New("Invalid namespace")
	errLargeAuth      = &Error{Code: "large_auth", Message: "Auth too large"}
	errManyNamespaces = &Error{Code: "too_many_namespaces", Message: "Too many namespaces"}
)

// askMiddleware asks the namespace's middleware about a socket, whose Done is closed when the session ends
// meanwhile. A panic refuses the socket.
func (c *client) askMiddleware(s *Socket) (err error) {
	_, middleware := s.ns.hooks.current()
	if len(middleware) == 0 {
		return nil
	}
	c.expect(s)
	defer func() {
		if p := recover(); p != nil {
			c.core.logPanic(s.log(), "a middleware panicked", p)
			err = PublicError(nil)
		}
	}()
	for _, f := range middleware {
		if err := f(s); err != nil {
			return err
		}
	}
	return nil
}

// expect notes the socket that is on its way in, so that the end of the session ends it.
func (c *client) expect(s *Socket) {
	c.mu.Lock()
	closed := c.closed
	for i := range c.joining {
		if c.joining[i].namespace == s.ns.name {
			c.joining[i].socket = s
		}
	}
	c.mu.Unlock()
	if closed {
		s.giveUp(ReasonTransportClose)
	}
}

// turnAway ends the join of a socket that is not let in, because of err or because the session has ended.
func (c *client) turnAway(s *Socket, err error) {
	s.giveUp(ReasonServerDisconnect)
	s.ns.hub.remove(&s.seat, "") // from rooms that a middleware put it into
	c.core.names.release(s.ns)
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
	c.forgetData()
	c.mu.Unlock()
	c.core.present.Done()
}

// admit connects s, unless the session has ended or enter, which is to make it a member of its namespace, says
// no. Its events wait until OnConnect has run.
func (c *client) admit(s *Socket, enter func() bool) bool {
	defer s.ns.hub.tell()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || !enter() {
		return false
	}
	c.forgetJoin(s.ns.name)
	stop(&c.timer)
	c.sockets = append(c.sockets, s)
	c.charge(s.authHeld()) // retire gives it back
	s.inbox.start()
	return true
}

// welcome tells a client that its socket is connected, and then what it has missed, in one piece. A session that
// is ending does not take it, and nobody needs to know.
func (c *client) welcome(s *Socket, missed []engineio.Message) {
	_ = c.session.Send(append([]engineio.Message{answerTo(s)}, missed...)...)
	s.connect()
}

func answerTo(s *Socket) engineio.Message {
	answer := s.connectAnswer()
	return engineio.Message{Data: wire.AppendConnect(make([]byte, 0, len(answer)+len(s.ns.name)+2), s.ns.name, answer)}
}

// connectError returns what a CONNECT_ERROR says of err, in the two forms of the reference server. Neither what
// it can't write nor a panic of err's own methods may do harm.
func (c *client) connectError(err error) (body []byte) {
	defer func() {
		if p := recover(); p != nil {
			c.core.logPanic(c.core.opts.Logger, "a middleware's error panicked", p)
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
	switch {
	case c.session.Version() != 3:
	case c.coding == codingMsgpack:
		whole = v.Message // the client's parser refuses all but text
	case err != errNoNamespace && v.Data != nil:
		whole = v.Data
	case err != errNoNamespace:
		whole = v.Message
	}
	body, jsonErr := wire.AppendJSON(nil, whole)
	if jsonErr != nil {
		if held, ok := c.core.faults.Next(); ok {
			c.core.opts.Logger.Error("a middleware's error has data that JSON can't hold",
				"error", jsonErr, "not_logged", held)
		}
		return []byte(`{"message":"internal error"}`)
	}
	return body
}
