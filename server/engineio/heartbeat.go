package engineio

import (
	"time"

	"github.com/crier/crier/server/internal/outbound"
)

// EIO 4 (docs/engine.io-protocol/v4-current.md, Heartbeat): the server sends a ping PingInterval after it opened the session or
// heard the last pong, and closes when the pong is not there PingTimeout later. A client that sends something else meanwhile gets
// that time once more, as with the reference server.
//
// EIO 3 (docs/engine.io-protocol/v3.md): the client pings, the server answers, and closes when no ping comes in the sum of both times.

// startHeartbeat begins the wait for the first ping, whoever sends it. s.mu must be held.
func (s *Session) startHeartbeat() {
	s.awaited = false
	if s.version == 3 {
		s.server.heart.expect(s, clientPing)
	} else {
		s.server.heart.expect(s, ownPing)
	}
}

// beat is called when what the session waited for is due: b takes the pings that go out.
func (s *Session) beat(b *outbound.Batch) {
	s.mu.Lock()
	switch {
	case s.state != open || s.server.heart.isAwaiting(s):
		s.mu.Unlock() // it has ended, or its client was heard in this moment
	case s.version == 3 || s.awaited:
		s.mu.Unlock()
		go s.finish(ReasonPingTimeout, nil) // ends when the handler's Close returns; the others' heartbeats do not wait for that
	default:
		s.awaited, s.excused = true, false
		s.server.heart.expect(s, clientPong)
		s.mu.Unlock()
		_ = s.out.PushBatch(s.server.ping, b) // fails only if the session is ending
	}
}

// heartbeat handles a ping or pong of the client's.
func (s *Session) heartbeat(kind PacketType) error {
	if (s.version == 3) != (kind == PacketPing) {
		return errHeartbeat
	}
	s.mu.Lock()
	if s.state == open {
		s.startHeartbeat()
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
		s.server.heart.expect(s, clientPong)
	}
	return true
}

// stopHeartbeat waits for nothing any more. s.mu must be held.
func (s *Session) stopHeartbeat() { s.server.heart.expect(s, nothing) }

// The waits of a session. Each lasts the same for all sessions of a server.
type wait uint8

const (
	nothing    wait = iota
	ownPing         // until the client is to be pinged
	clientPong      // for the answer
	clientPing      // EIO 3
	waits
)

func (o *Options) lasting(w wait) time.Duration {
	return [waits]time.Duration{0, o.PingInterval, o.PingTimeout, o.PingInterval + o.PingTimeout}[w]
}
