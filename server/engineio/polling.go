package engineio

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
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
func (s *Session) servePolling(w http.ResponseWriter, r *http.Request, query url.Values) {
	switch r.Method {
	case http.MethodGet:
		s.servePoll(w, r, query)
	case http.MethodPost:
		s.servePost(w, r, query)
	default:
		w.Header().Set("Allow", "GET, POST, OPTIONS")
		(&refusal{http.StatusMethodNotAllowed, refuseRequest.Code, refuseRequest.Message}).write(w)
	}
}

// servePoll waits for something to send and sends it.
func (s *Session) servePoll(w http.ResponseWriter, r *http.Request, query url.Values) {
	p, ok := s.beginPoll()
	if !ok {
		s.fail(errPollOverlap)
		refuseRequest.write(w)
		return
	}
	packets, err := s.await(r.Context(), p)
	if err != nil {
		s.fail(err) // what was taken for this poll is lost, and with it the session
		return
	}
	s.answer(w, r, query, packets)
}

func (s *Session) beginPoll() (*poll, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll != nil {
		return nil, false
	}
	s.poll = &poll{wake: make(chan struct{}, 1)}
	return s.poll, true
}

// await returns the packets that answer the poll, when there are some.
func (s *Session) await(ctx context.Context, p *poll) ([]wirePacket, error) {
	for {
		packets, delay := s.collect(p)
		if packets != nil {
			return packets, ctx.Err()
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
// 0 meaning as long as it takes.
func (s *Session) collect(p *poll) ([]wirePacket, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var packets []wirePacket
	switch {
	case s.conn != nil:
		packets = noop // upgraded: what waits belongs to the WebSocket
	case s.state == closed:
		packets = noop
	default:
		packets = wirePackets(s.out.Take())
		if s.state == closing {
			packets = append(packets, goodbye...)
			s.timer.Reset(0) // ends the session, without s.mu
		}
	}
	if packets == nil && p.release {
		packets = noop
	}
	if packets != nil {
		s.poll = nil
		return packets, 0
	}
	if s.probed {
		return nil, releaseDelay
	}
	return nil, 0
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
	noop    = []wirePacket{{data: []byte{PacketNoop.digit()}}}
	goodbye = []wirePacket{{data: []byte{PacketClose.digit()}}}
)

// wirePackets takes frames apart into the packets that a payload is made of.
func wirePackets(bufs [][]byte) (packets []wirePacket) {
	for _, rest := range bufs {
		for len(rest) > 0 {
			op, payload, after, ok := websocket.NextFrame(rest)
			if !ok {
				panic("engineio: a queue holds what is not a frame")
			}
			packets = append(packets, wirePacket{binary: op == websocket.OpBinary, data: payload})
			rest = after
		}
	}
	return packets
}

// servePost takes a payload from the client.
func (s *Session) servePost(w http.ResponseWriter, r *http.Request, query url.Values) {
	if !s.beginPost() {
		s.fail(errPostOverlap)
		refuseRequest.write(w)
		return
	}
	refused, err := s.readPost(w, r, query)
	s.endPost() // before the answer: the client may send its next one as soon as it has this
	if err != nil {
		s.fail(err)
	}
	if refused != nil {
		refused.write(w)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html") // text/plain makes old browsers offer the answer of a form's iframe as a download
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	guardOldBrowsers(h, r)
	_, _ = io.WriteString(w, "ok") // a client that is gone gets nothing
}

func (s *Session) beginPost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.posting {
		return false
	}
	s.posting = true
	return true
}

func (s *Session) endPost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posting = false
}

// readPost reads and handles a payload. The refusal is the answer, the error ends the session; a client that says
// good-bye in a payload gets the second alone.
func (s *Session) readPost(w http.ResponseWriter, r *http.Request, query url.Values) (*refusal, error) {
	binary := r.Header.Get("Content-Type") == "application/octet-stream"
	if binary && s.version == 4 {
		return refuseRequest, errBinaryPost
	}
	body, refused, err := s.readBody(w, r)
	if err != nil {
		return refused, err
	}
	if query.Has("j") {
		if body, err = decodeJSONPForm(body); err != nil {
			return refuseRequest, err
		}
	}
	receive := s.receive
	if s.version == 3 && !binary {
		receive = s.receiveRepaired
	}
	err = decodePayload(s.version, binary, body, receive)
	if err == nil || errors.Is(err, errPeerClosed) {
		return nil, err
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
		return nil, refuseTooLarge, errTooLarge
	}
	// Not every ResponseWriter has deadlines; the server's own timeouts hold for those that have none.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.server.opts.WriteTimeout))
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil {
		return nil, refuseRequest, errLost
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	if len(body) > limit {
		return nil, refuseTooLarge, errTooLarge
	}
	return body, nil, nil
}
