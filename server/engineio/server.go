package engineio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/internal/outbound"
	"github.com/crier/crier/server/websocket"
)

// A Server opens sessions and routes requests to them. It is an http.Handler; all methods may be called concurrently.
type Server struct {
	opts    Options
	accept  func(*Session) Handler
	arena   outbound.Arena
	flusher *outbound.Flusher
	heart   heart
	offers  map[string][]byte // by transport, the part of OPEN that is the same for all
	ping    outbound.Frames
	pong    outbound.Frames
	hits    limit.Hits

	mu sync.RWMutex // guards the following

	sessions map[string]*Session
	readers  map[*connReader]struct{} // each a goroutine that reads a WebSocket, and ends with it
	reserved int                      // places of sessions: of the open ones, and of those on their way in
	past     Stats                    // of sessions that have ended
	draining bool
	empty    chan struct{} // closed when draining and no session and no reader is left
}

// A Handler receives what one session's client sends.
type Handler interface {
	// Message takes one message, in the order sent; the next waits until it returns, and so does the client when it sends
	// faster. data is the handler's only until then. An error ends the session with ReasonParseError.
	Message(binary bool, data []byte) error

	// Close says that the session has ended. It is called once, and may overlap a call of Message in another goroutine.
	Close(Reason)
}

// New returns a server that calls accept for each new session, before the client is told of it: what is sent in
// there follows the OPEN packet in the same write.
func New(o Options, accept func(*Session) Handler) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	sv := &Server{
		opts:     o,
		accept:   accept,
		flusher:  outbound.NewFlusher(),
		sessions: make(map[string]*Session),
		readers:  make(map[*connReader]struct{}),
		empty:    make(chan struct{}),
		hits:     newHits(),
		past:     Stats{Closed: noneClosed()},
	}
	sv.offers = map[string][]byte{Polling: sv.opts.offer(Polling), WebSocket: sv.opts.offer(WebSocket)}
	sv.heart.opts, sv.heart.began = &sv.opts, time.Now()
	sv.ping = sv.arena.Put(websocket.AppendFrame(nil, websocket.OpText, []byte{PacketPing.digit()}))
	sv.pong = sv.arena.Put(websocket.AppendFrame(nil, websocket.OpText, []byte{PacketPong.digit()}))
	return sv, nil
}

// ServeHTTP serves every request below the path that the server is mounted at: handshakes, polls, posts and WebSockets.
func (sv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sv.bound(w, r)
	q := parseQuery(r.URL.RawQuery)
	if !sv.admit(w, r, q.jsonp) {
		refuseForbidden.write(w)
		return
	}
	if r.Method == http.MethodOptions {
		preflight(w, r)
		return
	}
	upgrade := websocket.IsUpgrade(r)
	s, err := sv.verify(r, &q, upgrade)
	switch {
	case err != nil:
		err.write(w)
	case s == nil:
		sv.open(w, r, &q, upgrade)
	case upgrade:
		s.serveUpgrade(w, r)
	default:
		s.servePolling(w, r, &q)
	}
}

// bound limits how long a client may take to send a body that nobody reads, which net/http waits for before it answers, and
// then to take the answer. What is meant to take longer, a payload on either way, sets limits of its own; net/http lifts these
// for the connection's next request, and when it is handed over to a WebSocket. Not every ResponseWriter has deadlines; the
// HTTP server's own timeouts hold for those that have none.
func (sv *Server) bound(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 { // without a body only the connection's end is waited for, by polls for long
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(sv.opts.WriteTimeout))
	}
	sv.boundAnswer(w)
}

// boundAnswer gives the client one write timeout to send the rest of a body, and one to take a short answer.
func (sv *Server) boundAnswer(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2 * sv.opts.WriteTimeout))
}

// verify finds the session that a request belongs to: nil for a handshake. The checks and their order are those of the
// reference server's verify.
func (sv *Server) verify(r *http.Request, q *query, upgrade bool) (*Session, *refusal) {
	transport := q.transport
	if !sv.opts.has(transport) {
		return nil, refuseTransport
	}
	if upgrade && transport != WebSocket {
		return nil, refuseRequest
	}
	if r.Method == http.MethodGet && !upgrade && r.ContentLength != 0 {
		return nil, refuseRequest // nobody would read the body
	}
	version := q.version()
	if q.sid != "" {
		s := sv.session(q.sid)
		if s == nil || s.isClosed() {
			return nil, refuseSession
		}
		if s.version != version || !upgrade && transport != s.Transport() {
			return nil, refuseRequest
		}
		return s, nil
	}
	if r.Method != http.MethodGet {
		return nil, refuseMethod
	}
	if transport == WebSocket && !upgrade {
		return nil, refuseRequest
	}
	if version == 3 && sv.opts.DisableEIO3 {
		return nil, refuseProtocol
	}
	return nil, sv.allow(r)
}

func (sv *Server) allow(r *http.Request) *refusal {
	if sv.isDraining() {
		return refuseDraining
	}
	if sv.opts.Allow == nil {
		return nil
	}
	if err := sv.opts.Allow(r); err != nil {
		return &refusal{http.StatusForbidden, refuseForbidden.Code, err.Error(), 0}
	}
	return nil
}

// open begins a session with the transport of its first request.
func (sv *Server) open(w http.ResponseWriter, r *http.Request, q *query, upgrade bool) {
	address := sv.opts.Address(r)
	if err := sv.enter(r, address); err != nil {
		err.write(w)
		return
	}
	s := newSession(sv, r, q, address)
	defer func() {
		if s.handler == nil { // the handshake failed, or accept panicked: nothing will end the session
			sv.leave(address)
		}
	}()
	if !upgrade {
		if err := s.begin(Polling, nil); err != nil {
			err.write(w)
			return
		}
		s.servePolling(w, r, q)
		return
	}
	conn, err := sv.upgrade(w, r, true)
	if err != nil {
		return // Upgrade has answered
	}
	reader := &connReader{session: s, conn: conn}
	if err := s.begin(WebSocket, reader); err != nil {
		_, _ = conn.Write(nil, time.Now().Add(sv.opts.WriteTimeout)) // an answer, even though nothing follows it
		conn.Close()
		return
	}
	reader.conn.Go(reader, reader.over)
}

// add makes a session known, and what will read its WebSocket, unless the server is draining.
func (sv *Server) add(s *Session, r *connReader) bool {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	if sv.draining {
		return false
	}
	sv.sessions[s.id] = s
	sv.past.Opened++
	if r != nil {
		sv.readers[r] = struct{}{}
	}
	return true
}

// addReader makes known what will read the WebSocket that an open session tries out. Its Session.mu must be held: as
// long as the session is open the server is not empty.
func (sv *Server) addReader(r *connReader) {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	sv.readers[r] = struct{}{}
}

func (sv *Server) removeReader(r *connReader) {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	delete(sv.readers, r)
	sv.checkEmpty()
}

// remove forgets a session that has ended, but for what it has counted.
func (sv *Server) remove(s *Session, reason Reason) {
	var last Stats
	s.addTo(&last)
	sv.mu.Lock()
	defer sv.mu.Unlock()
	if sv.sessions[s.id] != s {
		return
	}
	delete(sv.sessions, s.id)
	sv.keep(last, reason)
	sv.checkEmpty()
}

// checkEmpty is called after each step that may have been the last. sv.mu must be held.
func (sv *Server) checkEmpty() {
	if sv.draining && len(sv.sessions) == 0 && len(sv.readers) == 0 {
		close(sv.empty)
	}
}

func (sv *Server) session(id string) *Session {
	sv.mu.RLock()
	defer sv.mu.RUnlock()
	return sv.sessions[id]
}

func (sv *Server) isDraining() bool {
	sv.mu.RLock()
	defer sv.mu.RUnlock()
	return sv.draining
}

// Len returns the number of open sessions.
func (sv *Server) Len() int {
	sv.mu.RLock()
	defer sv.mu.RUnlock()
	return len(sv.sessions)
}

// MaxPayload returns the size of the largest message that a client may send.
func (sv *Server) MaxPayload() int { return sv.opts.MaxPayload }

// Heartbeat returns how long it may take until the loss of a connection is noticed.
func (sv *Server) Heartbeat() time.Duration { return sv.opts.PingInterval + sv.opts.PingTimeout }

// Drain refuses new sessions from now on.
func (sv *Server) Drain() {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	if sv.draining {
		return
	}
	sv.draining = true
	sv.checkEmpty()
}

// Close drains the server: it refuses new sessions, tells each client that the server is going away once what is queued for it has
// gone out, and waits until all sessions have ended and their connections are closed. When ctx is over the rest is cut off and ctx's
// error is returned. Calls of handlers that are under way are waited for even then.
func (sv *Server) Close(ctx context.Context) error {
	sv.Drain()
	for _, s := range sv.all() {
		s.leave(ReasonServerShutdown)
	}
	var err error
	select {
	case <-sv.empty:
	case <-ctx.Done():
		err = ctx.Err()
		sv.cutOff()
		<-sv.empty
	}
	sv.flusher.Close()
	return err
}

// cutOff ends all sessions, and the connections of those that have ended before and were being closed in good order.
func (sv *Server) cutOff() {
	for _, s := range sv.all() {
		s.finish(ReasonServerShutdown, nil)
	}
	sv.mu.RLock()
	defer sv.mu.RUnlock()
	for r := range sv.readers {
		r.conn.Close()
	}
}

func (sv *Server) all() []*Session {
	sv.mu.RLock()
	defer sv.mu.RUnlock()
	all := make([]*Session, 0, len(sv.sessions))
	for _, s := range sv.sessions {
		all = append(all, s)
	}
	return all
}

// newID returns a session id of 144 random bits. The id opens the session, so nobody else may learn it.
func newID() string {
	var b [18]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, since Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (sv *Server) closeFrame(code websocket.CloseCode, reason string) outbound.Frames {
	return sv.arena.Put(websocket.AppendClose(nil, code, reason))
}
