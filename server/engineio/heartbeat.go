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
//
// On long-polling only who polls is alive: a pong counts when its ping was in an answer, and an old client's ping when the client
// polls. Otherwise one that posts, and takes nothing, would have a full queue held for it.

// MostStandstill is how long, between two heartbeats of the client, the ping timers of a session may stand still because
// Handler.Message has not returned: what the client sends is not read then. Twice the time that a client of default settings
// needs to say something, so that who is held up for longer is ended as one that is gone.
const MostStandstill = time.Minute

// startHeartbeat begins the wait for the first ping, whoever sends it. s.mu must be held.
func (s *Session) startHeartbeat() {
	s.awaited, s.unasked, s.standing, s.stood = false, false, false, 0
	if s.version == 3 {
		s.heart().expect(s, clientPing)
	} else {
		s.heart().expect(s, ownPing)
	}
}

// A beatStep is what is to be done for a session whose wait is over.
type beatStep uint8

const (
	beatNothing beatStep = iota
	beatEnd              // the client is gone
	beatPing             // send a ping
	beatPong             // send a pong, which nobody has asked for
)

// beat is called when what the session waited for is due: b takes what goes out.
func (s *Session) beat(b *outbound.Batch) {
	switch s.nextBeat() {
	case beatEnd:
		go s.end(ReasonPingTimeout, ending{}) // ends when the handler's Close returns; others' heartbeats do not wait for that
	case beatPing:
		_ = s.sendControl(PacketPing, b) // fails only if the session is ending
	case beatPong:
		_ = s.sendControl(PacketPong, b)
	}
}

func (s *Session) nextBeat() beatStep {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.heart()
	switch {
	case s.state != open || h.isAwaiting(s):
		return beatNothing // it has ended, or its client was heard in this moment
	case s.version == 4 && !s.awaited:
		s.awaited, s.excused, s.polled = true, false, false
		s.unasked = s.carrier.form()&formPayload != 0
		h.expect(s, clientPong)
		return beatPing
	case s.handling.Load() && s.stood < MostStandstill:
		return s.standStill(h)
	case s.standing && !s.handling.Load(): // what the client has sent meanwhile is being read now
		s.standing = false
		h.expect(s, s.lastWait())
		return beatNothing
	case !s.awaited: // EIO 3
		s.awaited = true
		h.expect(s, s.lastWait())
		return beatNothing
	case s.unasked && s.polled: // the ping is behind so much that it takes several answers
		s.polled = false
		h.expect(s, clientPong)
		return beatNothing
	}
	return beatEnd
}

// standStill keeps the session, and its client, alive while Handler.Message does not return. s.mu must be held.
func (s *Session) standStill(h *heart) beatStep {
	s.standing = true
	s.stood += s.core.opts.lasting(standstill)
	h.expect(s, standstill)
	if s.version == 3 {
		return beatPong // so that it does not miss the answers to its pings
	}
	return beatPing
}

func (s *Session) lastWait() wait {
	if s.version == 3 {
		return lateClientPing
	}
	return clientPong
}

// heartbeat handles a ping or pong of the client's.
func (s *Session) heartbeat(kind PacketType) error {
	if (s.version == 3) != (kind == PacketPing) {
		return errHeartbeat
	}
	s.mu.Lock()
	counts := s.awaited && !s.unasked // a pong that nobody has asked for says nothing
	if s.version == 3 {
		counts = s.carrier.listens() || s.out.Size() == 0
	}
	if s.state == open && counts {
		s.startHeartbeat()
	}
	s.mu.Unlock()
	if kind == PacketPing {
		_ = s.sendControl(PacketPong, nil) // fails only if the session is ending
	}
	return nil
}

// excuse gives a client its time once more that was to answer a ping and has said something else. s.mu must be held.
func (s *Session) excuse(kind PacketType) {
	if s.version == 4 && s.awaited && !s.unasked && !s.excused && kind != PacketPong {
		s.excused = true
		s.heart().expect(s, clientPong)
	}
}
