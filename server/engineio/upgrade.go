package engineio

import (
	"bytes"
	"errors"
	"net/http"
	"time"

	"github.com/crier/crier/server/websocket"
)

// The upgrade from long-polling to WebSocket (docs/engine.io-protocol/v4-current.md, Upgrade):
//
//	client opens a WebSocket with its sid -> "2probe" -> "3probe" -> the waiting poll is answered with NOOP
//	-> the client stops polling -> "5" -> the WebSocket carries the session
//
// Until the "5" everything goes over long-polling, and whatever goes wrong with the WebSocket leaves it there.

var errProbe = errors.New("engineio: the upgrade was not followed through")

// serveUpgrade takes the WebSocket of a session that is on long-polling.
func (s *Session) serveUpgrade(w http.ResponseWriter, r *http.Request) {
	if !s.mayUpgrade() {
		refuseRequest.write(w)
		return
	}
	conn, err := s.server.upgrade(w, r, false)
	if err != nil {
		return // Upgrade has answered
	}
	reader := &connReader{session: s, conn: conn, probing: true}
	if !s.beginProbe(reader) { // another one was faster, or the session has ended
		conn.Close()
		return
	}
	reader.conn.Go(reader, reader.over)
}

func (s *Session) mayUpgrade() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mayUpgradeLocked()
}

func (s *Session) mayUpgradeLocked() bool {
	return s.state == open && s.conn == nil && s.probe == nil && !s.server.opts.DisableUpgrades
}

func (s *Session) beginProbe(r *connReader) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mayUpgradeLocked() {
		return false
	}
	s.server.addReader(r)
	s.probe = r.conn
	s.probeTimer = time.AfterFunc(s.server.opts.UpgradeTimeout, func() {
		s.server.hit(LimitUpgradeTime)
		r.conn.Close()
	})
	return true
}

// endProbe forgets a WebSocket that did not become the session's.
func (s *Session) endProbe(conn *websocket.Conn) {
	s.mu.Lock()
	if s.probe == conn {
		s.probe, s.probed = nil, false
		s.probeTimer.Stop()
	}
	s.mu.Unlock()
	conn.Close() // a client that sees this may try again
}

// probe takes a packet that arrives before the upgrade is complete.
func (r *connReader) probe(p packet) error {
	s := r.session
	switch {
	case p.kind == PacketPing && bytes.Equal(p.data, []byte("probe")):
		r.write(s.server.arena.Put(websocket.AppendFrame(nil, websocket.OpText, []byte("3probe"))))
		s.releasePolls(r.conn)
		return nil
	case p.kind == PacketUpgrade && s.moveTo(r.conn):
		r.probing = false
		s.attach(r.conn)
		s.log("session upgraded")
		return nil
	}
	return errProbe
}

// releasePolls lets the client stop polling.
func (s *Session) releasePolls(conn *websocket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe != conn {
		return
	}
	s.probed = true
	if s.poll != nil {
		s.poll.release = true
		s.wakePoll()
	}
}

// moveTo makes conn the session's connection. Not while a POST is being read: what it carries came before what the
// WebSocket will, and a client that follows the protocol waits for its answer.
func (s *Session) moveTo(conn *websocket.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe != conn || s.posting || s.state != open && s.state != closing {
		return false
	}
	if !s.probeTimer.Stop() {
		return false // too late: conn is being closed
	}
	s.probe, s.probed = nil, false
	s.conn = conn
	if s.state == closing {
		s.stopLastPoll()
	} else {
		s.startHeartbeat()
	}
	s.wakePoll()
	return true
}
