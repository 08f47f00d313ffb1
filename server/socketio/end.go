package socketio

// Disconnect ends the socket: its client is told, and does not come back by itself. Events that wait are not
// handled any more. With closeSession, all sockets of the client's session end, and the session.
func (s *Socket) Disconnect(closeSession bool) {
	if !closeSession {
		s.end(ReasonServerDisconnect)
		return
	}
	s.conn.endAll(ReasonServerDisconnect)
	s.conn.session.Close()
}

// Close closes the connection once what is queued has gone out, as socket.conn.close() of the reference does. Its
// sockets end with ReasonForcedClose and their clients are not told to stay away: they see "transport close" and
// come back, with a new handshake. They can be recovered then; the namespace's middleware is asked about that
// only with Recovery.AskMiddleware.
func (c *Conn) Close() {
	c.endAll(ReasonForcedClose)
	c.session.Close()
}

// end begins the end of the socket: from now on it hears and is told nothing. Its disconnect handlers run in its
// own goroutine, after the event that is being handled and, unless the server itself ended it, those that wait.
// By then it is in no room any more, and out of the way of another socket of the same client.
func (s *Socket) end(reason Reason) {
	acks, ok := s.hangUp(reason)
	if !ok {
		return // it has ended before
	}
	s.ns.hub.remove(&s.seat, reason)
	s.conn.forget(s, reason.told())
	s.conn.readOn(s)
	for _, answer := range acks {
		answer(s, nil, ErrDisconnected)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inbox.last = true
	s.inbox.wake()
}

// endAll ends every socket of the session, and lets no other in.
func (c *Conn) endAll(reason Reason) {
	connected, coming := c.close()
	for _, s := range connected {
		s.end(reason)
	}
	for _, s := range coming {
		s.giveUp(reason)
	}
}

// retire counts a socket out, all of whose handlers have run.
func (c *Conn) retire(s *Socket) {
	c.mu.Lock()
	c.ending--
	c.forgetData()
	c.mu.Unlock()
	c.charge(-s.authHeld())
	c.core.names.release(s.ns)
	c.core.present.Done()
}
