package engineio

import (
	"errors"
	"net/http"
	"time"

	"github.com/crier/crier/server/internal/outbound"
	"github.com/crier/crier/server/websocket"
)

// upgrade makes a WebSocket of a request; on failure it has answered. A deferred acceptance goes out with the first frame.
func (sv *Server) upgrade(w http.ResponseWriter, r *http.Request, deferred bool) (*websocket.Conn, error) {
	header := http.Header{}
	if allowed := w.Header()["Vary"]; allowed != nil {
		header["Vary"] = allowed
	}
	return websocket.Upgrade(w, r, websocket.UpgradeOptions{
		Compression: sv.opts.CompressWebSocket,
		Header:      header,
		Defer:       deferred,
		Limits: websocket.ReadLimits{
			MaxMessage: sv.opts.MaxPayload, MaxFragments: sv.opts.MaxFragments, FragmentTimeout: sv.opts.MessageTimeout,
		},
	})
}

// A connReader takes what arrives on a WebSocket: first, if it is an upgrade's, the probe.
type connReader struct {
	session *Session
	conn    *websocket.Conn
	probing bool
	refused error // what Message returned
}

// over is what is left to do when the connection can't be read any more.
func (r *connReader) over(err error) {
	sv := r.session.server
	defer sv.removeReader(r)
	r.ended(err)
	r.conn.Discard(sv.opts.WriteTimeout + websocket.CloseGrace) // until the close frame is out and answered, or its time is over
	r.conn.Close()
}

// Message takes one packet.
func (r *connReader) Message(binary bool, data []byte) error {
	p, err := decodeMessage(r.session.version, binary, data)
	switch {
	case err != nil:
	case r.probing:
		err = r.probe(p)
	default:
		if r.session.ancient && !binary {
			p.data = r.session.repair.repair(p.data) // 1.0 encodes text twice here too
		}
		err = r.session.receive(p)
	}
	r.refused = err
	return err
}

// Ping answers a WebSocket ping.
func (r *connReader) Ping(data []byte) {
	frame := r.session.server.arena.Put(websocket.AppendFrame(nil, websocket.OpPong, data))
	if r.probing {
		r.write(frame)
		return
	}
	_ = r.session.out.Push(frame) // fails only if the session is ending
}

// Pong takes what nobody asked for: Engine.IO has a heartbeat of its own.
func (r *connReader) Pong([]byte) {}

// write sends a frame on a connection that is not yet the session's.
func (r *connReader) write(f outbound.Frames) {
	deadline := time.Now().Add(r.session.server.opts.WriteTimeout)
	_, _ = r.conn.Write([][]byte{f.Bytes()}, deadline) // a lost connection shows in Read
}

// ended is told why the connection can't be read any more.
func (r *connReader) ended(err error) {
	s := r.session
	var protocol *websocket.ProtocolError
	var peer *websocket.CloseError
	if errors.As(err, &protocol) {
		r.session.server.hitConn(protocol)
	}
	switch {
	case r.probing:
		s.endProbe(r.conn)
	case r.refused != nil:
		s.fail(r.refused)
	case protocol != nil:
		s.finishWith(ReasonTransportError, err, protocol.Code, protocol.Message)
	case errors.As(err, &peer):
		s.answerClose(peer)
	default:
		s.finish(ReasonTransportClose, err)
	}
}

// answerClose ends the session as the client asked: its close frame is answered with its own code (RFC 6455, 5.5.1).
func (s *Session) answerClose(peer *websocket.CloseError) {
	s.out.Settle()
	reason, ok := s.end(ReasonTransportClose, peer)
	s.out.Finish(s.server.closeFrame(peer.Code, ""), 0) // if the server's own went first, this is its answer
	if ok {
		s.ended(reason)
	}
}
