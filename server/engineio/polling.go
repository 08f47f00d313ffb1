package engineio

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/crier/crier/server/websocket"
)

// releaseDelay is how long a poll may wait once the client has been told that its WebSocket works. It frees a client that
// polled once more before it stopped (100 ms, as in the reference server's _maybeUpgrade).
const releaseDelay = 100 * time.Millisecond

// A poll is a GET that waits for something to send.
type poll struct {
	wake    chan struct{} // holds one: there may be something to do
	release bool          // guarded by Session.mu: answer at once, even with nothing
}

// wakePoll makes a waiting poll look again. s.mu must be held.
func (s *Session) wakePoll() {
	if s.poll == nil {
		return
	}
	select {
	case s.poll.wake <- struct{}{}:
	default:
	}
}

// FramesWaiting is called by the outbox while no WebSocket is attached.
func (s *Session) FramesWaiting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wakePoll()
}

// servePolling serves the two kinds of request that a session on long-polling is made of.
func (s *Session) servePolling(w http.ResponseWriter, r *http.Request, q *query) {
	switch r.Method {
	case http.MethodGet:
		s.servePoll(w, r, q)
	case http.MethodPost:
		s.servePost(w, r, q)
	default:
		w.Header().Set("Allow", "GET, POST, OPTIONS")
		(&refusal{http.StatusMethodNotAllowed, refuseRequest.Code, refuseRequest.Message, 0}).write(w)
	}
}

// servePoll waits for something to send and sends it.
func (s *Session) servePoll(w http.ResponseWriter, r *http.Request, q *query) {
	p, err := s.beginPoll()
	if err != nil {
		s.failPolling(err)
		refuseRequest.write(w)
		return
	}
	packets, err := s.await(r.Context(), p)
	if err == nil {
		err = s.answer(w, r, q, packets)
	}
	if err != nil {
		s.failPolling(err) // what was taken for this poll is lost, and with it the session; nothing is taken for the next
		return
	}
	s.endAnswer()
}

func (s *Session) beginPoll() (*poll, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.conn != nil:
		return nil, errUpgraded
	case s.poll != nil:
		return nil, errPollOverlap
	}
	s.poll = &poll{wake: make(chan struct{}, 1)}
	return s.poll, nil
}

// failPolling is fail for what goes wrong with a request. It does not harm a session that has left long-polling
// meanwhile: a client may drop its last poll then.
func (s *Session) failPolling(err error) {
	s.mu.Lock()
	upgraded := s.conn != nil
	s.mu.Unlock()
	if !upgraded {
		s.fail(err)
	}
}

// await returns the packets that answer the poll, when there are some.
func (s *Session) await(ctx context.Context, p *poll) (iter.Seq[wirePacket], error) {
	for {
		packets, delay := s.collect(p)
		if packets != nil && ctx.Err() != nil {
			return nil, errLost
		}
		if packets != nil {
			return packets, nil
		}
		var release <-chan time.Time
		if delay > 0 {
			release = time.After(delay)
		}
		select {
		case <-p.wake:
		case <-release:
			s.releasePoll(p)
		case <-ctx.Done():
			s.endPoll(p)
			return nil, errLost
		}
	}
}

// collect ends the poll if there is something to answer it with. If there is nothing, it says how long that may last,
// 0 meaning as long as it takes. While the last answer is on its way nothing is taken for the next: a client that asks
// and asks, and never reads, holds one answer and its queue.
func (s *Session) collect(p *poll) (iter.Seq[wirePacket], time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var packets iter.Seq[wirePacket]
	switch {
	case s.conn != nil:
		packets = noop // upgraded: what waits belongs to the WebSocket
	case s.state == closed && s.peerLeft:
		packets = noop // as the reference server answers a client that has said good-bye itself
	case s.state == closed:
		packets = goodbye
	case !s.answering:
		packets = wirePackets(s.out.Take())
		if packets == nil && s.state == closing { // in a payload of its own: clients handle it before the messages beside it
			packets = goodbye
			s.lastPoll.Reset(0) // ends the session, without s.mu
		}
	}
	if packets == nil && p.release {
		packets = noop
	}
	if packets != nil {
		s.poll, s.answering = nil, true
		return packets, 0
	}
	if s.probed {
		return nil, releaseDelay
	}
	return nil, 0
}

func (s *Session) endAnswer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answering = false
	s.wakePoll()
}

func (s *Session) releasePoll(p *poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.release = true
}

func (s *Session) endPoll(p *poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll == p {
		s.poll = nil
	}
}

var (
	noop    = slices.Values([]wirePacket{{data: []byte{PacketNoop.digit()}}})
	goodbye = slices.Values([]wirePacket{{data: []byte{PacketClose.digit()}}})
)

// wirePackets takes frames apart into the packets that a payload is made of; it returns nil if there are none. They are
// not gathered in a list: that took 64 times the memory of a queue full of pongs, which a client can fill on its own.
func wirePackets(bufs [][]byte) iter.Seq[wirePacket] {
	if len(bufs) == 0 {
		return nil
	}
	return func(yield func(wirePacket) bool) {
		for _, rest := range bufs {
			for len(rest) > 0 {
				op, payload, after, ok := websocket.NextFrame(rest)
				if !ok {
					panic("engineio: a queue holds what is not a frame")
				}
				if !yield(wirePacket{binary: op == websocket.OpBinary, data: payload}) {
					return
				}
				rest = after
			}
		}
	}
}

// servePost takes a payload from the client.
func (s *Session) servePost(w http.ResponseWriter, r *http.Request, q *query) {
	if err := s.beginPost(); err != nil {
		s.failPolling(err)
		refuseRequest.write(w)
		return
	}
	refused, err := s.readPost(w, r, q)
	s.endPost()             // before the answer: the client may send its next one as soon as it has this
	s.server.boundAnswer(w) // anew: the body took its time
	if err != nil {
		s.fail(err)
	}
	if refused != nil {
		refused.write(w)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html") // text/plain makes old browsers offer the answer of a form's iframe as a download
	h["Cache-Control"] = noStore
	h.Set("X-Content-Type-Options", "nosniff")
	guardOldBrowsers(h, r)
	_, _ = io.WriteString(w, "ok") // a client that is gone gets nothing
}

func (s *Session) beginPost() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.conn != nil:
		return errUpgraded
	case s.posting:
		return errPostOverlap
	}
	s.posting = true
	return nil
}

func (s *Session) endPost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posting = false
}

// readPost reads and handles a payload. The refusal is the answer, the error ends the session; a client that says
// good-bye in a payload gets the second alone.
func (s *Session) readPost(w http.ResponseWriter, r *http.Request, q *query) (*refusal, error) {
	binary := r.Header.Get("Content-Type") == "application/octet-stream"
	if binary && s.version == 4 {
		return refuseRequest, errBinaryPost
	}
	body, refused, err := s.readBody(w, r)
	if err != nil {
		return refused, err
	}
	if q.jsonp {
		body, err = decodeJSONPForm(body)
		if errors.Is(err, errNoJSONPData) {
			return nil, nil // an empty form says nothing, as with the reference server
		}
		if err != nil {
			return refuseRequest, err
		}
	}
	return s.receivePayload(binary, body)
}

// receivePayload handles the packets of a payload: see readPost.
func (s *Session) receivePayload(binary bool, body []byte) (*refusal, error) {
	receive, packets := s.receive, 0
	if s.version == 3 && !binary {
		receive = s.receiveRepaired
	}
	err := decodePayload(s.version, binary, body, func(p packet) error {
		if packets++; packets > s.server.opts.MaxPackets {
			return errPayloadPackets
		}
		return receive(p)
	})
	switch {
	case err == nil || errors.Is(err, errPeerClosed):
		return nil, err
	case errors.Is(err, errPayloadPackets):
		s.server.hit(LimitPackets)
		return refusePackets, err
	}
	return refuseRequest, err
}

// receiveRepaired is receive for text of a client that may have encoded it twice: see oldclients.go.
func (s *Session) receiveRepaired(p packet) error {
	if !p.binary {
		p.data = s.repair.repair(p.data)
	}
	return s.receive(p)
}

// readBody reads a body of at most MaxPayload bytes. Memory grows with what has arrived, not with what was announced.
func (s *Session) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *refusal, error) {
	limit := s.server.opts.MaxPayload
	if r.ContentLength > int64(limit) {
		s.server.hit(LimitPayload)
		return nil, refuseTooLarge, errTooLarge
	}
	steady := &steadyReader{r.Body, http.NewResponseController(w), s, time.Now().Add(s.server.opts.MessageTimeout)}
	body, err := io.ReadAll(io.LimitReader(steady, int64(limit)+1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.server.hit(LimitMessageTime)
		return nil, refuseTooSlow, errTooSlow
	}
	if err != nil {
		return nil, refuseRequest, errLost
	}
	if len(body) > limit {
		s.server.hit(LimitPayload)
		return nil, refuseTooLarge, errTooLarge // the deadline stays: net/http still waits for some of the rest
	}
	_ = steady.conn.SetReadDeadline(time.Time{})
	return body, nil, nil
}

// A steadyReader bounds how long a body may stand still, and how long it may take, and ends with its session: while a body is
// being read the client can answer no heartbeat.
type steadyReader struct {
	body    io.Reader
	conn    *http.ResponseController
	session *Session
	last    time.Time
}

func (r *steadyReader) Read(p []byte) (int, error) {
	if r.session.isClosed() {
		return 0, ErrClosed
	}
	// Not every ResponseWriter has deadlines; the HTTP server's own timeouts hold for those that have none.
	deadline := time.Now().Add(r.session.server.opts.WriteTimeout)
	if deadline.After(r.last) {
		deadline = r.last
	}
	_ = r.conn.SetReadDeadline(deadline)
	return r.body.Read(p)
}
