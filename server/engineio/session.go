package engineio

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crier/crier/server/internal/outbound"
	"github.com/crier/crier/server/websocket"
)

// A Session is one client's connection to the server, over whatever transport carries it at the time. It owns the
// outbound queue, the heartbeat and the upgrade, so order and content survive a change of transport.
//
// All methods may be called concurrently.
//
// Order of locks: Session.mu, then Server.mu, that of the heart or that of its Outbox.
type Session struct {
	id      string
	version int
	server  *Server
	request Request
	handler Handler
	base64  bool       // the client takes no binary bodies: it said so when it opened the session
	ancient bool       // a client before 1.4: see oldclients.go
	repair  textRepair // what the client's text needs; used by one receiver at a time
	out     outbound.Outbox
	deflate atomic.Bool // the WebSocket takes compressed messages
	beats   beats       // guarded by the lock of server.heart
	aside   *Direct     // the first of those that a Sequence has for this session alone; used in tasks of its worker

	mu sync.Mutex // guards the following

	state      state
	conn       *websocket.Conn // nil while on long-polling
	probe      *websocket.Conn // the WebSocket that the client is trying out
	poll       *poll           // the GET that waits for something to send
	answering  bool            // the answer to the last one is on its way
	posting    bool            // a POST is being read
	probed     bool            // the client has been told that it works
	lastPoll   *time.Timer     // after Close on long-polling: how long a last poll is awaited
	probeTimer *time.Timer     // how long the WebSocket may be tried out
	awaited    bool            // EIO 4: a ping is out and its pong is not back
	excused    bool            // EIO 4: another packet came instead, once
	peerLeft   bool            // the client has said good-bye
	begun      bool            // handler is there
	leaving    Reason          // the server's own reason, once it has said good-bye
	doomed     Reason          // why the session is to end as soon as it has begun
	received   uint64          // packets
}

type state uint8

const (
	opening state = iota
	open
	closing // the server has said good-bye, and waits for the client to hear it
	closed
)

// closeTimeout is how long a closing session waits for a last poll, as in the reference server (closeTimeout of
// transports/polling.ts).
const closeTimeout = 30 * time.Second

func newSession(sv *Server, r *http.Request, q *query, address string) *Session {
	version := q.version()
	s := &Session{id: newID(), version: version, server: sv, request: newRequest(r, address)}
	s.base64 = q.b64 != ""
	s.ancient = version == 3 && readsBinaryPayloadsOnly(q.t)
	s.out.Init(sv.flusher, s, outbound.OutboxLimits{MaxBytes: sv.opts.MaxQueue, WriteTimeout: sv.opts.WriteTimeout})
	return s
}

// ID returns the session's id. Whoever knows it can speak for the client: do not show it to others.
func (s *Session) ID() string { return s.id }

// Version returns the protocol revision, 3 or 4.
func (s *Session) Version() int { return s.version }

// Request returns what the client sent when it opened the session.
func (s *Session) Request() *Request { return &s.request }

// Transport returns the name of the transport in use: Polling or WebSocket.
func (s *Session) Transport() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		return WebSocket
	}
	return Polling
}

// begin opens the session: the OPEN packet is queued, the handler attached, the session made known, and only then can the client
// hear of it and anything arrive. On a WebSocket the packet goes out in one write with the handshake's answer.
// r is what will read the WebSocket, nil on long-polling.
func (s *Session) begin(transport string, r *connReader) *refusal {
	_ = s.out.Push(s.openFrame(transport)) // an empty queue takes it
	s.handler = s.server.accept(s)
	known := s.server.add(s, r)
	doomed := s.start(r)
	if !known {
		s.finish(ReasonServerShutdown, nil)
		return refuseDraining
	}
	s.log("session opened", "transport", transport, "version", s.version)
	if r != nil {
		s.attach(r.conn)
	}
	if doomed != "" {
		s.finish(doomed, nil)
	}
	return nil
}

// start lets packets in, unless the session came to its end while accept ran: then it returns the reason.
func (s *Session) start(r *connReader) (doomed Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = true
	if r != nil {
		s.conn = r.conn
	}
	switch s.state {
	case opening:
		s.state = open
		s.startHeartbeat()
	case closing:
		s.awaitLastPoll()
	}
	return s.doomed
}

// attach makes conn, which s.conn already names, the way out.
func (s *Session) attach(conn *websocket.Conn) {
	s.deflate.Store(conn.Compressed())
	s.out.Attach(conn)
	s.mu.Lock()
	leaving := s.leaving
	s.mu.Unlock()
	if leaving != "" { // Close came while there was no connection to say it on
		s.sayGoodbye(leaving)
	}
}

// openFrame returns the OPEN packet of a session that begins with the transport.
func (s *Session) openFrame(transport string) outbound.Frames {
	packet := make([]byte, 0, 256)
	packet = append(append(packet, PacketOpen.digit()), `{"sid":"`...)
	packet = append(append(packet, s.id...), s.server.offers[transport]...)
	return s.server.arena.Put(websocket.AppendFrame(nil, websocket.OpText, packet))
}

// offer returns what the OPEN packets of all sessions that begin with the transport say behind the session's id.
func (o *Options) offer(transport string) []byte {
	upgrades := []string{} // a list must stand there, even an empty one
	if transport == Polling && !o.DisableUpgrades && o.has(WebSocket) {
		upgrades = append(upgrades, WebSocket)
	}
	data, err := json.Marshal(struct {
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{upgrades, o.PingInterval.Milliseconds(), o.PingTimeout.Milliseconds(), o.MaxPayload})
	if err != nil {
		panic(err) // a struct of strings and numbers
	}
	return append([]byte(`",`), data[len("{"):]...)
}

// receive handles one packet from the client. Calls come one at a time. What comes after the server's good-bye is ignored.
func (s *Session) receive(p packet) error {
	if !s.heard(p.kind) {
		return nil
	}
	switch p.kind {
	case PacketMessage:
		return s.handler.Message(p.binary, p.data)
	case PacketPing, PacketPong:
		return s.heartbeat(p.kind)
	case PacketClose:
		return errPeerClosed
	}
	return nil // OPEN, UPGRADE and NOOP mean nothing here, and the reference server ignores them too
}

// fail ends the session because of what the client sent, or failed to send.
func (s *Session) fail(err error) {
	switch {
	case errors.Is(err, errPeerClosed):
		s.finishWith(ReasonTransportClose, err, websocket.CloseNormal, "")
	case errors.Is(err, errSlowPoll):
		s.server.hit(LimitWriteTime)
		s.finish(ReasonSlowConsumer, err)
	case errors.Is(err, errTransport):
		s.finishWith(ReasonTransportError, err, websocket.CloseProtocolError, err.Error())
	default:
		s.finishWith(ReasonParseError, err, websocket.CloseProtocolError, err.Error())
	}
}

// Close ends the session once what is queued has gone out. The handler's Close follows with ReasonForcedClose when the
// client has heard of it, or has had its time to.
func (s *Session) Close() { s.leave(ReasonForcedClose) }

// Abandon ends the session at once, with ReasonTransportClose: for one whose client is known to be elsewhere.
func (s *Session) Abandon() { s.finish(ReasonTransportClose, nil) }

func (s *Session) leave(reason Reason) {
	s.out.Settle()
	s.mu.Lock()
	if s.state != open && s.state != opening {
		s.mu.Unlock()
		return
	}
	s.state, s.leaving = closing, reason
	conn := s.conn
	s.out.Seal()
	s.stopHeartbeat()
	if s.begun {
		s.awaitLastPoll()
	}
	s.wakePoll()
	s.mu.Unlock()
	if conn != nil {
		s.sayGoodbye(reason)
	}
}

// sayGoodbye queues the close frame that goes with the server's own reason.
func (s *Session) sayGoodbye(reason Reason) {
	code, text := websocket.CloseNormal, ""
	if reason == ReasonServerShutdown {
		code, text = websocket.CloseGoingAway, string(reason)
	}
	s.out.Finish(s.server.closeFrame(code, text), websocket.CloseGrace)
}

// awaitLastPoll gives the client of a closing session on long-polling its time to hear of it. s.mu must be held.
func (s *Session) awaitLastPoll() {
	if s.conn == nil {
		s.lastPoll = time.AfterFunc(closeTimeout, func() { s.finish(s.leaving, nil) })
	}
}

// finish ends the session, and its connection at once. Only the first call of it or finishWith counts.
func (s *Session) finish(reason Reason, cause error) {
	if reason, ok := s.end(reason, cause); ok {
		s.out.Close()
		s.ended(reason)
	}
}

// finishWith is finish with a close frame for the client, behind what is queued.
func (s *Session) finishWith(reason Reason, cause error, code websocket.CloseCode, text string) {
	s.out.Settle()
	if reason, ok := s.end(reason, cause); ok {
		s.out.Finish(s.server.closeFrame(code, text), websocket.CloseGrace)
		s.ended(reason)
	}
}

// end closes the session's state; false if it was closed before. The reason to tell is the server's own if it had said
// good-bye, whatever became of the connection then.
func (s *Session) end(reason Reason, cause error) (Reason, bool) {
	s.mu.Lock()
	if s.state == closed {
		s.mu.Unlock()
		return "", false
	}
	if !s.begun { // there is no handler to tell yet: begin ends it
		s.doomed = reason
		s.mu.Unlock()
		return "", false
	}
	if s.leaving != "" {
		reason = s.leaving
	}
	s.peerLeft = errors.Is(cause, errPeerClosed)
	s.state = closed
	s.stopHeartbeat()
	s.stopLastPoll()
	probe := s.probe
	s.probe = nil
	s.wakePoll()
	s.mu.Unlock()
	if probe != nil {
		probe.Close()
	}
	s.log("session closed", "reason", reason, "cause", cause)
	return reason, true
}

// ended tells the handler, and only then lets Server.Close believe that the session is gone.
func (s *Session) ended(reason Reason) {
	s.handler.Close(reason)
	s.server.leave(s.request.RemoteAddr)
	s.server.remove(s, reason)
}

func (s *Session) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == closed
}

// stopLastPoll awaits no last poll. s.mu must be held.
func (s *Session) stopLastPoll() {
	if s.lastPoll != nil {
		s.lastPoll.Stop()
	}
}

// WriteFailed is called by the outbox, from the flusher's goroutine or that of a slow client's writer.
func (s *Session) WriteFailed(err error) {
	switch {
	case errors.Is(err, outbound.ErrQueueFull):
		if reason, ok := s.end(ReasonSlowConsumer, err); ok {
			s.server.hit(LimitQueue)
			s.out.Cut(s.server.closeFrame(websocket.CloseTryAgainLater, string(reason)), websocket.CloseGrace)
			s.ended(reason)
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.server.hit(LimitWriteTime)
		s.finish(ReasonSlowConsumer, err)
	default:
		s.finish(ReasonTransportClose, err)
	}
}

func (s *Session) log(msg string, args ...any) {
	if s.server.opts.Logger.Enabled(context.Background(), slog.LevelDebug) {
		s.server.opts.Logger.Debug(msg, append(args, "address", s.request.RemoteAddr)...)
	}
}
