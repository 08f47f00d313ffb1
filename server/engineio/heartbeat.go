package engineio

import "time"

// The heartbeat of a session is one timer.
//
// EIO 4 (docs/engine.io-protocol/v4-current.md, Heartbeat): the server sends a ping PingInterval after it opened the session or
// heard the last pong, and closes when the pong is not there PingTimeout later. A client that sends something else meanwhile gets
// that time once more, as with the reference server.
//
// EIO 3 (docs/engine.io-protocol/v3.md): the client pings, the server answers, and closes when no ping comes in the sum of both times.

// startHeartbeat sets the timer. s.mu must be held.
func (s *Session) startHeartbeat() {
	s.timer = time.AfterFunc(s.firstBeat(), s.beat)
}

func (s *Session) firstBeat() time.Duration {
	o := &s.server.opts
	if s.version == 3 {
		return o.PingInterval + o.PingTimeout
	}
	return o.PingInterval
}

// beat runs when the timer fires.
func (s *Session) beat() {
	s.mu.Lock()
	if s.state != open {
		s.mu.Unlock()
		return
	}
	if s.version == 3 || s.awaited {
		s.mu.Unlock()
		s.finish(ReasonPingTimeout, nil)
		return
	}
	s.awaited, s.excused = true, false
	s.timer.Reset(s.server.opts.PingTimeout)
	s.mu.Unlock()
	_ = s.out.Push(s.server.ping) // fails only if the session is ending
}

// heartbeat handles a ping or pong of the client's.
func (s *Session) heartbeat(kind PacketType) error {
	if (s.version == 3) != (kind == PacketPing) {
		return errHeartbeat
	}
	s.mu.Lock()
	if s.state == open {
		s.awaited = false
		s.timer.Reset(s.firstBeat())
	}
	s.mu.Unlock()
	if kind == PacketPing {
		_ = s.out.Push(s.server.pong) // fails only if the session is ending
	}
	return nil
}

// heard is told of each packet and says whether the session still listens. A client that is awaited, and is alive, gets
// its time once more.
func (s *Session) heard(kind PacketType) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open {
		return false
	}
	s.received++
	if s.awaited && !s.excused && kind != PacketPong {
		s.excused = true
		s.timer.Reset(s.server.opts.PingTimeout)
	}
	return true
}
