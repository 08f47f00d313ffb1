package engineio

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/crier/crier/server/origin"
	"github.com/crier/crier/server/websocket"
)

// A Server opens sessions and routes requests to them. It is an http.Handler; all methods may be called concurrently.
type Server struct {
	*core
	accept func(*Session) Handler
	pages  *origin.Policy
}

// A Handler receives what one session's client sends. A panic in one of its methods ends that session alone.
type Handler interface {
	// Message takes one message, in the order sent. The next waits until it returns, and so does the client when it
	// sends faster; for a minute the heartbeat waits too. data is the handler's only until Message returns. An
	// error ends the session with ReasonParseError.
	Message(binary bool, data []byte) error

	// Close says that the session has ended. It is called once, and may overlap a call of Message in another goroutine.
	Close(Reason)
}

// An UpgradeHandler is a Handler that is told of the upgrade from long-polling to WebSocket.
type UpgradeHandler interface {
	Handler

	// Upgraded says that the session has moved to WebSocket. It is called once, by the goroutine that reads the
	// WebSocket, before anything that came by it is handed to Message.
	Upgraded()
}

// New returns a server that calls accept for each new session, before the client is told of it: what is sent in
// there follows the OPEN packet in the same write.
func New(o Options, accept func(*Session) Handler) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	allowed, err := origin.NewList(o.AllowedOrigins)
	if err != nil {
		return nil, fmt.Errorf("engineio: %w", err)
	}
	return &Server{newCore(o, (*Session).beat), accept, origin.NewPolicy(allowed, o.Hosts)}, nil
}

// ServeHTTP serves every request below the path that the server is mounted at: handshakes, polls, posts and WebSockets.
func (sv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sv.boundBody(w, r)
	q := parseQuery(r.URL.RawQuery)
	if err := sv.admit(w, r, q.jsonp); err != nil {
		sv.refuse(w, r, err)
		return
	}
	if r.Method == http.MethodOptions {
		sv.boundAnswer(w)
		preflight(w, r)
		return
	}
	upgrade := websocket.IsUpgrade(r)
	s, err := sv.verify(w, r, &q, upgrade)
	switch {
	case err != nil:
		sv.refuse(w, r, err)
	case s == nil:
		sv.open(w, r, &q, upgrade)
	case upgrade:
		serveUpgrade(s, w, r)
	default:
		sv.addHeaders(w.Header(), r, false)
		servePolling(s, w, r, &q)
	}
}

// verify finds the session that a request belongs to: nil for a handshake. The checks and their order are those of the
// reference server's verify.
func (sv *Server) verify(w http.ResponseWriter, r *http.Request, q *query, upgrade bool) (*Session, *refusal) {
	if !sv.opts.has(q.transport) {
		return nil, refuseTransport
	}
	if upgrade && q.transport != WebSocket {
		return nil, refuseRequest
	}
	if r.Method == http.MethodGet && !upgrade && !sv.ignoreBody(w, r) {
		return nil, refuseRequest
	}
	if q.sid != "" {
		return sv.verifySession(q, upgrade)
	}
	if r.Method != http.MethodGet {
		return nil, refuseMethod
	}
	if q.transport == WebSocket && !upgrade {
		return nil, refuseRequest
	}
	if q.version() == 3 && sv.opts.DisableEIO3 {
		return nil, refuseProtocol
	}
	return nil, sv.allow(r)
}

func (sv *Server) verifySession(q *query, upgrade bool) (*Session, *refusal) {
	s := sv.registry.find(q.sid)
	if s == nil || s.isClosed() {
		return nil, refuseSession
	}
	if s.Version() != q.version() || !upgrade && q.transport != s.Transport() {
		return nil, refuseRequest
	}
	return s, nil
}

func (sv *Server) allow(r *http.Request) *refusal {
	if sv.registry.isDraining() {
		return refuseDraining
	}
	if sv.opts.Allow == nil {
		return nil
	}
	if err := sv.opts.Allow(r); err != nil {
		return &refusal{http.StatusForbidden, refuseForbidden.Code, err.Error(), 0, ""}
	}
	return nil
}

// open begins a session with the transport of its first request.
func (sv *Server) open(w http.ResponseWriter, r *http.Request, q *query, upgrade bool) {
	address := sv.opts.Address(r)
	if err := sv.reserve(r, address); err != nil {
		sv.refuse(w, r, err)
		return
	}
	s := newSession(sv.core, r, q, address)
	if !upgrade {
		p := newPolling(s)
		if err := begin(s, p, nil, sv.accept); err != nil {
			sv.refuse(w, r, err)
			return
		}
		sv.addHeaders(w.Header(), r, true)
		p.serve(w, r, q)
		return
	}
	// A client of EIO 3 may listen for messages only when it has seen the connection open: OPEN comes in a write of its
	// own.
	conn, err := sv.upgrade(w, r, true, s.version == 4, s.Charge)
	if err != nil {
		s.giveUpPlace()
		return // Upgrade has answered
	}
	if s.version == 3 {
		time.Sleep(openPause)
	}
	k := &socket{session: s, conn: conn}
	if err := begin(s, k, k, sv.accept); err != nil {
		_, _ = conn.Write(nil, time.Now().Add(sv.opts.WriteTimeout)) // an answer, even though nothing follows it
		conn.Close()
		return
	}
	conn.Go(k, k.over)
}

// openPause is how long the OPEN packet of a WebSocket of EIO 3 comes after the handshake's answer. A client of that
// time may listen for messages only when it has seen the connection open, and loses what it reads with the answer.
// Of 120 such clients on a busy machine 102 lost a packet written right behind the answer, and 2 one that was written
// 0.5 ms later; the reference server, which takes about as long to make the packet, lost 81.
const openPause = 500 * time.Microsecond

// begin opens the session: the OPEN packet is queued, the handler attached, the session made known, and only then can
// the client hear of it and anything arrive. On a WebSocket of EIO 4 the packet goes out in one write with the
// handshake's answer. reader is what will read the session's connection, nil on long-polling.
func begin(s *Session, t transport, reader *socket, accept func(*Session) Handler) *refusal {
	c := s.core
	s.carrier = t // nobody else knows the session yet
	s.out.SetForm(uint8(t.form()), 0)
	s.sendOpen(t.name())
	if !s.guard("accept", func() { s.handler = accept(s) }) || s.handler == nil {
		t.close(&ending{})
		s.giveUpPlace()
		return refuseInternal
	}
	if s.account != nil {
		s.account.Joined(s)
	}
	known := c.registry.add(s, reader)
	doomed, reason := s.start(reader != nil)
	if !known {
		s.end(ReasonServerShutdown, ending{})
		if reader != nil {
			s.release() // nobody will read
		}
		return refuseDraining
	}
	if l := s.logger(); l != nil {
		l.Debug("session opened", "transport", t.name(), "version", s.version)
	}
	t.attach()
	if doomed {
		s.end(reason, ending{})
	}
	return nil
}

// servePolling serves a request of a session that was on long-polling a moment ago.
func servePolling(s *Session, w http.ResponseWriter, r *http.Request, q *query) {
	p, ok := s.transport().(*polling)
	if !ok {
		s.core.refuse(w, r, refuseRequest)
		return
	}
	p.serve(w, r, q)
}

// serve serves the two kinds of request that a session on long-polling is made of.
func (p *polling) serve(w http.ResponseWriter, r *http.Request, q *query) {
	switch r.Method {
	case http.MethodGet:
		p.serveGet(w, r, q)
	case http.MethodPost:
		p.servePost(w, r, q)
	default:
		w.Header().Set("Allow", "GET, POST, OPTIONS")
		bad := *refuseRequest
		bad.status = http.StatusMethodNotAllowed
		p.session.core.refuse(w, r, &bad)
	}
}

// Len returns the number of sessions that are open, or have ended and still hold memory or a connection.
func (sv *Server) Len() int { return sv.registry.len() }

// MaxPayload returns the size of the largest message that a client may send.
func (sv *Server) MaxPayload() int { return sv.opts.MaxPayload }

// Heartbeat returns how long it may take until the loss of a connection is noticed.
func (sv *Server) Heartbeat() time.Duration { return sv.opts.PingInterval + sv.opts.PingTimeout }

// Prepare returns messages ready to be sent to any of the server's sessions. Their data is copied: messages prepared
// one behind the other lie side by side in memory, so that a queue holds them as one piece.
func (sv *Server) Prepare(messages ...Message) Prepared { return sv.prepare(messages) }

// Drain refuses new sessions from now on.
func (sv *Server) Drain() { sv.registry.drain() }

// Close drains the server: it refuses new sessions, tells each client that the server is going away once what is
// queued for it has gone out, and waits until all sessions have ended and their connections are closed. When ctx is
// over the rest is cut off and ctx's error is returned. Calls of handlers that are under way are waited for even
// then.
func (sv *Server) Close(ctx context.Context) error {
	sv.Drain()
	for _, s := range sv.registry.all() {
		s.end(ReasonServerShutdown, ending{how: politely})
	}
	var err error
	select {
	case <-sv.registry.empty:
	case <-ctx.Done():
		err = ctx.Err()
		sv.cutOff()
		<-sv.registry.empty
	}
	sv.flusher.Close()
	return err
}

// cutOff ends all sessions, and the connections and requests of those that have ended before and were being closed in
// good order.
func (sv *Server) cutOff() {
	for _, s := range sv.registry.all() {
		e := ending{now: true}
		if !s.end(ReasonServerShutdown, e) {
			s.transport().close(&e)
		}
	}
	for _, k := range sv.registry.allReaders() {
		k.conn.Close()
	}
}
