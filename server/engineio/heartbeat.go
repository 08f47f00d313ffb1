package engineio

import (
	"time"

	"github.com/crier/crier/server/internal/outbound"
)

// EIO 4 (docs/engine.io-protocol/v4-current.md, Heartbeat): the server sends a ping PingInterval after it opened the
// session or heard the last pong, and closes when the pong is not there PingTimeout later. A client that sends
// something else meanwhile gets that time once more, as with the reference server.
//
// EIO 3 (docs/engine.io-protocol/v3.md): the client pings, the server answers, and closes when no ping comes in the
// sum of both times.
//
// On long-polling only who polls is alive: a pong counts when its ping was in an answer, and an old client's ping
// when the client polls. Otherwise one that posts, and takes nothing, would have a full queue held for it.

// mostStandstill is how long, between two heartbeats of the client, the ping timers of a session may stand still
// because Handler.Message has not returned: what the client sends is not read then.
const mostStandstill = time.Minute

// A pulse is the heartbeat of one session. Session.mu guards it.
type pulse struct {
	awaited  bool          // EIO 4: a ping is out and its pong is not back; EIO 3: a ping is late
	excused  bool          // EIO 4: another packet came instead, once
	unasked  bool          // EIO 4: the ping is in the queue of a client on long-polling
	polled   bool          // the client has polled since it was last looked whether it has
	reading  bool          // the timeout was seen late, and what came meanwhile gets its time to be read
	standing bool          // the timers stand still
	stood    time.Duration // how long they have, in sum since the last heartbeat
}

// start begins the wait for the first ping, whoever sends it. Session.mu must be held.
func (p *pulse) start(s *Session) {
	p.awaited, p.unasked, p.reading, p.standing, p.stood = false, false, false, false, 0
	if s.version == 3 {
		s.heart().expect(s, clientPing)
	} else {
		s.heart().expect(s, ownPing)
	}
}

// stop waits for nothing any more. Session.mu must be held.
func (p *pulse) stop(s *Session) { s.heart().expect(s, nothing) }

func (s *Session) heart() *heart { return &s.core.hearts[s.out.Worker()] }

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
	switch s.pulse.next(s) {
	case beatEnd:
		go s.end(ReasonPingTimeout, ending{}) // ends with the handler's Close, for which others' heartbeats do not wait
	case beatPing:
		_ = s.sendControl(packetPing, b) // fails only if the session is ending
	case beatPong:
		_ = s.sendControl(packetPong, b)
	}
}

func (p *pulse) next(s *Session) beatStep {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.heart()
	switch {
	case s.state != open || h.isAwaiting(s):
		return beatNothing // it has ended, or its client was heard in this moment
	case s.version == 4 && !p.awaited:
		p.awaited, p.excused, p.polled = true, false, false
		p.unasked = s.carrier.form()&formPayload != 0
		h.expect(s, clientPong)
		return beatPing
	case s.handling.Load() && p.stood < mostStandstill:
		return p.standStill(s, h)
	case p.standing && !s.handling.Load(): // what the client has sent meanwhile is being read now
		p.standing = false
		h.expect(s, s.lastWait())
		return beatNothing
	case !p.awaited: // EIO 3
		p.awaited = true
		h.expect(s, s.lastWait())
		return beatNothing
	case !p.reading && h.isLate(s): // timers go off before what came with them is read
		p.reading = true
		h.expect(s, unread)
		return beatNothing
	case p.unasked && p.polled: // the ping is behind so much that it takes several answers
		p.polled = false
		h.expect(s, clientPong)
		return beatNothing
	}
	return beatEnd
}

// standStill keeps the session, and its client, alive while Handler.Message does not return. Session.mu must be held.
func (p *pulse) standStill(s *Session, h *heart) beatStep {
	p.standing = true
	p.stood += s.core.opts.lasting(standstill)
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

// hear handles a ping or pong of the client's.
func (p *pulse) hear(s *Session, kind packetType) error {
	if (s.version == 3) != (kind == packetPing) {
		return errHeartbeat
	}
	s.mu.Lock()
	counts := p.awaited && !p.unasked // a pong that nobody has asked for says nothing
	if s.version == 3 {
		counts = s.carrier.listens() || s.out.Size() == 0
	}
	if s.state == open && counts {
		p.start(s)
	}
	s.mu.Unlock()
	if kind == packetPing {
		_ = s.sendControl(packetPong, nil) // fails only if the session is ending
	}
	return nil
}

// excuse gives a client its time once more that was to answer a ping and has said something else. Session.mu must be
// held.
func (p *pulse) excuse(s *Session, kind packetType) {
	if s.version == 4 && p.awaited && !p.unasked && !p.excused && kind != packetPong {
		p.excused = true
		s.heart().expect(s, clientPong)
	}
}
