package engineio

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// servePost takes a payload from the client.
func (p *polling) servePost(w http.ResponseWriter, r *http.Request, q *query) {
	if err := p.beginPost(); err != nil {
		p.fail(err)
		p.session.core.refuse(w, r, refuseRequest)
		return
	}
	refused, err := p.readPost(w, r, q)
	if errors.Is(err, errPeerClosed) {
		p.awaitParting()
	}
	p.endPost()                   // before the answer: the client may send its next one as soon as it has this
	p.session.core.boundAnswer(w) // anew: the body took its time
	if err != nil {
		p.session.fail(err)
	}
	if refused != nil {
		p.session.core.tellRefused(r, refused)
		refused.write(w)
		return
	}
	h := w.Header()
	h["Content-Type"] = typeHTML // text/plain makes old browsers offer the answer of a form's iframe as a download
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
	guardOldBrowsers(h, r)
	_, _ = io.WriteString(w, "ok") // a client that is gone gets nothing
}

func (p *polling) beginPost() error {
	p.session.mu.Lock()
	defer p.session.mu.Unlock()
	switch {
	case p.over || p.switched:
		return errUpgraded
	case p.posting:
		return errPostOverlap
	}
	p.posting = true
	return nil
}

func (p *polling) endPost() {
	s := p.session
	s.Charge(-p.body)
	p.body = 0
	s.mu.Lock()
	defer s.mu.Unlock()
	p.posting = false
	p.wake()
}

// awaitParting waits for the poll that the client has made before it said good-bye, and that may come in later.
func (p *polling) awaitParting() {
	s := p.session
	s.mu.Lock()
	if p.poll != nil || p.switched || s.state != open {
		s.mu.Unlock()
		return
	}
	polls := make(chan struct{})
	p.parting = polls
	s.mu.Unlock()
	select {
	case <-polls:
	case <-time.After(partingDelay):
	}
}

// readPost reads and handles a payload. The refusal is the answer, the error ends the session; a client that says
// good-bye in a payload gets the second alone.
func (p *polling) readPost(w http.ResponseWriter, r *http.Request, q *query) (*refusal, error) {
	binary := r.Header.Get("Content-Type") == "application/octet-stream"
	if binary && p.session.version == 4 {
		return refuseRequest, errBinaryPost
	}
	body, refused, err := p.readBody(w, r)
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
	return p.receivePayload(binary, body)
}

// receivePayload handles the packets of a payload: see readPost.
func (p *polling) receivePayload(binary bool, body []byte) (*refusal, error) {
	s, packets := p.session, 0
	repair := s.version == 3 && !binary
	err := decodePayload(s.Version(), binary, body, func(one packet) error {
		if packets++; packets > s.core.opts.MaxPackets {
			return errPayloadPackets
		}
		if repair && !one.binary { // a client that may have encoded it twice: see oldclients.go
			one.data = s.repair.repair(one.data)
		}
		return s.receive(one)
	})
	switch {
	case err == nil || errors.Is(err, errPeerClosed):
		return nil, err
	case errors.Is(err, errPayloadPackets):
		s.core.hit(LimitPackets)
		return refusePackets, err
	case errors.Is(err, errPacketRate):
		return refuseTooFastPackets, err
	case errors.Is(err, errPanicked):
		return refuseInternal, err
	}
	return refuseRequest, err
}

// readBody reads a body of at most MaxPayload bytes. Memory grows with what has arrived, not with what was announced.
func (p *polling) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *refusal, error) {
	s := p.session
	limit := s.core.opts.MaxPayload
	if r.ContentLength > int64(limit) {
		s.core.hit(LimitPayload)
		return nil, refuseTooLarge, errTooLarge
	}
	steady := &steadyReader{r.Body, w, p, time.Now().Add(s.core.opts.MessageTimeout), 0}
	body, err := io.ReadAll(io.LimitReader(steady, int64(limit)+1))
	p.readNoMore()
	if errors.Is(err, os.ErrDeadlineExceeded) && !s.isClosed() {
		s.core.hit(LimitMessageTime)
		return nil, refuseTooSlow, errTooSlow
	}
	if err != nil {
		return nil, refuseRequest, errLost
	}
	if len(body) > limit {
		s.core.hit(LimitPayload)
		return nil, refuseTooLarge, errTooLarge // the deadline stays: net/http still waits for some of the rest
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return body, nil, nil
}

// A steadyReader bounds how long a body may stand still, and how long it may take, and ends with its session: while a
// body is being read the client can answer no heartbeat.
type steadyReader struct {
	body    io.Reader
	w       http.ResponseWriter
	polling *polling
	last    time.Time
	read    int
}

func (r *steadyReader) Read(b []byte) (int, error) {
	if r.polling.session.isClosed() {
		return 0, ErrClosed
	}
	deadline := time.Now().Add(r.polling.session.core.opts.WriteTimeout)
	if deadline.After(r.last) {
		deadline = r.last
	}
	p := r.polling
	p.readUntil(r.w, deadline)
	n, err := r.body.Read(b)
	r.read += n
	if whole := r.read &^ (heldStep - 1); whole > p.body {
		p.session.Charge(whole - p.body)
		p.body = whole
	}
	return n, err
}

// heldStep is the step in which the body of a POST is counted, and the request of a session: nearly all are smaller,
// and touch no memory that is shared.
const heldStep = 16 << 10
