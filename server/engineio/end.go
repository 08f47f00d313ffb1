package engineio

import (
	"errors"
	"os"
	"time"

	"github.com/crier/crier/server/internal/outbound"
	"github.com/crier/crier/server/websocket"
)

// An ending says how a session ends. The zero value is the quickest: what is queued is dropped, and the client told
// nothing.
type ending struct {
	how   how
	cause error               // for the log
	limit Limit               // which the client has met; "" if it was none
	code  websocket.CloseCode // what the client is told, where the transport has codes
	text  string
	heard bool // the client has said good-bye itself, and only waits for the answer
	now   bool // what is on its way is dropped too, unless the client takes it within shedTime
	aside bool // the handler is told in a goroutine of its own: whoever ends the session must not be held up
}

type how uint8

const (
	atOnce     how = iota // what is queued is dropped, and the client told nothing
	dropQueue             // what is queued is dropped, and the client told
	behindRest            // the client is told behind what is queued, where the transport can still send
	politely              // the same, and the session goes on until the client has heard it, or has had its time to
)

// end ends the session; false if it has ended before. The reason to tell is the server's own if it had said good-bye,
// whatever became of the connection then. It is the one way to end a session.
func (s *Session) end(reason Reason, e ending) bool {
	if e.how >= behindRest {
		s.out.Settle()
	}
	if e.how == politely {
		s.leave(reason)
		return true
	}
	carrier, reason, ok := s.shut(reason, &e)
	if !ok {
		return false
	}
	if e.limit != "" {
		s.core.hit(e.limit)
	}
	if l := s.logger(); l != nil {
		l.Debug("session closed", "reason", reason, "cause", e.cause)
	}
	carrier.close(&e)
	if e.aside {
		go s.tellEnded(reason) // ends with the handler's Close; the session is not released before
	} else {
		s.tellEnded(reason)
	}
	return true
}

// tellEnded tells the handler, and lets go of the session.
func (s *Session) tellEnded(reason Reason) {
	s.guard("Close", func() { s.handler.Close(reason) })
	s.core.registry.ended(reason)
	s.release()
}

// leave says good-bye, and waits for the client to hear it.
func (s *Session) leave(reason Reason) {
	s.mu.Lock()
	if s.state != open && s.state != opening {
		s.mu.Unlock()
		return
	}
	s.state, s.parting = closing, reason
	begun, carrier := s.begun, s.carrier
	s.out.Seal()
	s.pulse.stop(s)
	carrier.wake()
	s.mu.Unlock()
	if begun {
		carrier.farewell(reason) // otherwise attach says it
	}
}

// shut closes the session's state.
func (s *Session) shut(reason Reason, e *ending) (transport, Reason, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == closed {
		return nil, "", false
	}
	if !s.begun { // there is no handler to tell yet: begin ends it
		if s.doomed = true; s.parting == "" {
			s.parting = reason
		}
		return nil, "", false
	}
	if s.parting != "" {
		reason = s.parting
	}
	s.peerLeft = errors.Is(e.cause, errPeerClosed)
	s.state = closed
	s.pulse.stop(s)
	if s.probe != nil {
		s.probe.conn.Close()
		s.probe = nil
	}
	s.carrier.wake()
	return s.carrier, reason, true
}

// fail ends the session because of what the client sent, or failed to send.
func (s *Session) fail(err error) {
	e := ending{how: behindRest, cause: err, code: websocket.CloseProtocolError, text: err.Error()}
	reason := ReasonParseError
	switch {
	case errors.Is(err, errPeerClosed):
		reason, e.code, e.text = ReasonTransportClose, websocket.CloseNormal, ""
	case errors.Is(err, errSlowPoll):
		reason, e = ReasonSlowConsumer, ending{cause: err, limit: LimitWriteTime}
	case errors.Is(err, errPacketRate):
		reason, e.limit = ReasonRateLimit, LimitPacketRate
		e.code, e.text = websocket.ClosePolicyViolation, string(reason)
	case errors.Is(err, errPanicked):
		reason, e.code, e.text = ReasonServerError, websocket.CloseInternalError, string(ReasonServerError)
	case errors.Is(err, errTransport):
		reason = ReasonTransportError
	}
	s.end(reason, e)
}

// Close ends the session once what is queued has gone out. The handler's Close follows with ReasonForcedClose when the
// client has heard of it, or has had its time to.
func (s *Session) Close() { s.end(ReasonForcedClose, ending{how: politely}) }

// Abandon ends the session at once, with ReasonTransportClose: for one whose client is known to be elsewhere.
func (s *Session) Abandon() { s.end(ReasonTransportClose, ending{}) }

// shedTime is how long a client that is shed has to take what is on its way, and to hear why.
const shedTime = 500 * time.Millisecond

// Shed ends the session at once, with ReasonSlowConsumer: for one that holds too much. What is queued is dropped, and
// what has arrived of a POST or of a WebSocket message; a moment later also what the client has not taken of what was
// on its way.
func (s *Session) Shed() {
	e := slowConsumer(outbound.ErrQueueFull)
	e.now = true
	s.end(ReasonSlowConsumer, e)
}

func slowConsumer(cause error) ending {
	return ending{how: dropQueue, cause: cause, code: websocket.CloseTryAgainLater, text: string(ReasonSlowConsumer)}
}

// An outboxOwner is a session as its outbox knows it.
type outboxOwner Session

// FramesWaiting is called by the outbox while no connection is attached.
func (o *outboxOwner) FramesWaiting() {
	s := (*Session)(o)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.carrier.wake()
}

// HeldBytes counts what the queue holds.
func (o *outboxOwner) HeldBytes(delta int) { (*Session)(o).hold(delta) }

// WriteFailed is called by the outbox, from the flusher's goroutine or that of a slow client's writer. When it returns
// the reason is settled: the connection is closed then, and its reader would give another. The handler's Close does not
// run here: the flusher writes to other clients too.
func (o *outboxOwner) WriteFailed(err error) {
	s := (*Session)(o)
	reason, e := ReasonTransportClose, ending{cause: err}
	switch {
	case errors.Is(err, outbound.ErrQueueFull):
		reason, e = ReasonSlowConsumer, slowConsumer(err)
		e.limit = LimitQueue
	case errors.Is(err, os.ErrDeadlineExceeded):
		reason, e.limit = ReasonSlowConsumer, LimitWriteTime
	}
	e.aside = true
	s.end(reason, e)
}

func (s *Session) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == closed
}
