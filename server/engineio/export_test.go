package engineio

import (
	"net/http"
	"time"

	"github.com/crier/crier/server/internal/outbound"
)

// Bounds.
const MostStandstill = mostStandstill

// SendInBatch is how socketio's broadcasts are sent.
func (s *Session) SendInBatch(p *Prepared, b *outbound.Batch) error { return s.sendPrepared(p, b) }

// ServeAsPolling serves a request that was found to be for a session on long-polling before the session moved on.
func (s *Session) ServeAsPolling(w http.ResponseWriter, r *http.Request) {
	q := parseQuery(r.URL.RawQuery)
	servePolling(s, w, r, &q)
}

// Posting says whether a POST is being read.
func (s *Session) Posting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.carrier.(*polling)
	return ok && p.posting
}

// Oversleep has the session's heart find that d more has passed than it has waited for.
func (s *Session) Oversleep(d time.Duration) {
	h := s.heart()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.began = h.began.Add(-d)
}

// Probed says whether the client tries out a WebSocket.
func (s *Session) Probed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.probe != nil
}

// Leaving says whether the server has said good-bye.
func (s *Session) Leaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parting != ""
}

// Switched says whether the client has said that it goes on over WebSocket, and is still on long-polling.
func (s *Session) Switched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.carrier.(*polling)
	return ok && p.switched
}

// Uncommon returns the number of sessions that messages have other forms for.
func (sv *Server) Uncommon() int { return int(sv.uncommon.Load()) }

// PingAcrossRecode sends a ping that was encoded just before the session changed its coding.
func (s *Session) PingAcrossRecode() error {
	queued := form(s.out.Form())
	frames := s.core.control(packetPing, queued)
	s.Recode()
	return s.push(queued, frames, nil)
}
