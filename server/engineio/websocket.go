package engineio

import (
	"errors"
	"time"

	"github.com/crier/crier/server/internal/outbound"
	"github.com/crier/crier/server/websocket"
)

// A socket is a WebSocket, and what reads it: the transport of a session, or one that its client tries out (see
// upgrade.go).
type socket struct {
	session *Session
	conn    *websocket.Conn

	// The reader's.
	prove   func(packet) error // what takes packets until the session has moved here; nil when it has
	refused error              // what Message returned, or which limit control frames met

	probeTimer *time.Timer // how long the client may try it out; Session.mu guards it
}

// Message takes one packet.
func (k *socket) Message(binary bool, data []byte) error {
	if k.refused == nil {
		k.refused = k.receive(binary, data)
	}
	return k.refused
}

func (k *socket) receive(binary bool, data []byte) error {
	s := k.session
	p, err := decodeMessage(s.Version(), binary, data)
	switch {
	case err != nil:
		return err
	case k.prove != nil:
		return k.prove(p)
	case s.ancient && !binary:
		p.data = s.repair.repair(p.data) // 1.0 encodes text twice here too
	}
	return s.receive(p)
}

// Ping answers a WebSocket ping.
func (k *socket) Ping(data []byte) {
	if !k.mayGoOn() {
		return
	}
	frame := k.session.core.arena.Put(websocket.AppendFrame(nil, websocket.OpPong, data))
	if k.prove != nil {
		k.write(frame)
		return
	}
	_ = k.session.push(form(k.session.out.Form()), frame, nil) // fails only if the session is ending
}

// Pong takes what nobody asked for: Engine.IO has a heartbeat of its own.
func (k *socket) Pong([]byte) { k.mayGoOn() }

// mayGoOn counts a control frame. If there were too many it ends the session, reads nothing until the client has had
// time to hear why, and closes the connection. Those that came with the same read are passed over then.
func (k *socket) mayGoOn() bool {
	if k.refused != nil {
		return false
	}
	if k.refused = k.session.control(); k.refused == nil {
		return true
	}
	k.session.fail(k.refused)
	time.Sleep(websocket.CloseGrace)
	k.conn.Close()
	return false
}

// write sends a frame on a connection that is not yet the session's.
func (k *socket) write(f outbound.Frames) {
	deadline := time.Now().Add(k.session.core.opts.WriteTimeout)
	_, _ = k.conn.Write([][]byte{f.Bytes()}, deadline) // a lost connection shows in Read
}

// over is what is left to do when the connection can't be read any more.
func (k *socket) over(err error) {
	s := k.session
	defer s.core.registry.removeReader(k)
	k.ended(err)
	k.conn.Discard(s.core.opts.WriteTimeout + websocket.CloseGrace) // until the close frame is out and answered
	k.conn.Close()
	if k.prove == nil {
		s.out.Close()
		s.release()
	}
}

// ended is told why the connection can't be read any more.
func (k *socket) ended(err error) {
	s := k.session
	var protocol *websocket.ProtocolError
	var peer *websocket.CloseError
	if errors.As(err, &protocol) {
		s.core.hitConn(protocol)
	}
	switch {
	case k.prove != nil:
		k.endProbe()
	case k.refused != nil:
		s.fail(k.refused)
	case protocol != nil:
		s.end(ReasonTransportError, ending{how: behindRest, cause: err, code: protocol.Code, text: protocol.Message})
	case errors.As(err, &peer):
		// Answered with its own code (RFC 6455, 5.5.1). If the server's own went first, this is the answer to it.
		if e := (ending{how: behindRest, cause: peer, code: peer.Code, heard: true}); !s.end(ReasonTransportClose, e) {
			k.close(&e)
		}
	default:
		s.end(ReasonTransportClose, ending{cause: err})
	}
}

// endProbe forgets a WebSocket that did not become the session's.
func (k *socket) endProbe() {
	s := k.session
	s.mu.Lock()
	if s.probe == k {
		s.probe = nil
		k.probeTimer.Stop()
		if p, ok := s.carrier.(*polling); ok {
			p.proved = false
			if p.poll != nil {
				p.poll.late = false
			}
		}
	}
	s.mu.Unlock()
	k.conn.Close() // a client that sees this may try again
}

// name is the transport's.
func (k *socket) name() string { return WebSocket }

// form is the transport's.
func (k *socket) form() (f form) {
	if k.session.version == 3 {
		f |= formOld
	}
	if k.session.base64 {
		f |= formBase64
	}
	if k.conn.Compressed() {
		f |= formDeflated
	}
	return f
}

// attach is the transport's.
func (k *socket) attach() {
	s := k.session
	queued := form(s.out.Form())
	s.out.SetForm(uint8(k.form()), uint8(formRecoded)) // what comes from now on are frames
	if queued&formPayload != 0 {
		s.out.AttachConverted(k.conn, func(pieces [][]byte) []byte { return queued.appendFrames(nil, pieces) })
	} else {
		s.out.Attach(k.conn)
	}
	s.mu.Lock()
	leaving, reason := s.state == closing, s.parting
	s.mu.Unlock()
	if leaving { // Close came while there was no connection to say it on
		k.farewell(reason)
	}
}

// ready is the transport's.
func (k *socket) ready() bool { return k.session.out.Ready() }

// listens is the transport's: who does not read is noticed by its queue, and by the kernel's.
func (k *socket) listens() bool { return true }

// wake is the transport's: the outbox sends by itself.
func (k *socket) wake() {}

// farewell is the transport's.
func (k *socket) farewell(reason Reason) {
	code, text := websocket.CloseNormal, ""
	if reason == ReasonServerShutdown {
		code, text = websocket.CloseGoingAway, string(reason)
	}
	k.session.out.Finish(k.session.core.closeFrame(code, text), websocket.CloseGrace)
}

// close is the transport's.
func (k *socket) close(e *ending) {
	out, grace := &k.session.out, websocket.CloseGrace
	if e.heard {
		grace = 0
	}
	switch e.how {
	case atOnce:
		out.Close()
	case dropQueue:
		var within time.Duration
		if e.now {
			within = shedTime
			k.conn.Interrupt()
		}
		out.CutWithin(k.session.core.closeFrame(e.code, e.text), grace, within)
	default:
		out.Finish(k.session.core.closeFrame(e.code, e.text), grace)
	}
}
