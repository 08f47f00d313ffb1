package doctor

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A line carries packets of one session.
type line interface {
	send(ctx context.Context, packet string) error
	receive(ctx context.Context) (packets []string, err error) // at least one
}

// A form says how a session on long-polling is made.
type form struct {
	version int
	jsonp   bool
	fresh   bool // each request on a connection of its own
	header  http.Header
}

// A session is one on long-polling.
type session struct {
	form
	p     *probe
	open  handshake
	first *answer // to the handshake
}

// openSession makes the handshake. The error is a *refusedError if there was an answer, and not the right one.
func (p *probe) openSession(ctx context.Context, f form) (*session, error) {
	s := &session{form: f, p: p}
	a, err := p.do(ctx, request{query: s.query(), header: f.header, fresh: f.fresh})
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, &refusedError{a}
	}
	packets, err := s.decode(a)
	if err == nil {
		s.open, err = parseOpen(packets[0])
	}
	if err != nil {
		return nil, &refusedError{a}
	}
	s.first = a
	s.keepCookies(a)
	return s, nil
}

// keepCookies sends the answer's cookies from now on, as a browser does.
func (s *session) keepCookies(a *answer) {
	cookies := (&http.Response{Header: a.header}).Cookies()
	if len(cookies) == 0 {
		return
	}
	r := &http.Request{Header: http.Header{}}
	for _, cookie := range cookies {
		s.p.opts.hide(cookie.Value)
		r.AddCookie(cookie)
	}
	s.header = s.header.Clone()
	if s.header == nil {
		s.header = http.Header{}
	}
	for _, own := range s.p.opts.headers["Cookie"] {
		r.Header.Set("Cookie", own+"; "+r.Header.Get("Cookie"))
	}
	s.header["Cookie"] = r.Header["Cookie"]
}

func (s *session) query() url.Values {
	q := url.Values{"EIO": {strconv.Itoa(s.version)}, "transport": {"polling"}, "t": {stamp()}}
	if s.version == 3 {
		q.Set("b64", "1") // payloads are text then
	}
	if s.jsonp {
		q.Set("j", "0")
	}
	if s.open.Sid != "" {
		q.Set("sid", s.open.Sid)
	}
	return q
}

// stamp keeps caches from answering, as in clients: a short word.
func stamp() string { return strconv.FormatInt(time.Now().UnixNano(), 36) }

func (s *session) decode(a *answer) (packets []string, err error) {
	payload := string(a.body)
	if s.jsonp {
		if payload, err = decodeJSONP(payload); err != nil {
			return nil, err
		}
	}
	packets, err = decodePayload(s.version, payload)
	if err == nil && len(packets) == 0 {
		err = errPayload
	}
	return packets, err
}

// receive polls once.
func (s *session) receive(ctx context.Context) ([]string, error) {
	a, err := s.p.do(ctx, request{query: s.query(), header: s.header, fresh: s.fresh})
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, &refusedError{a}
	}
	packets, err := s.decode(a)
	if err != nil {
		return nil, &refusedError{a}
	}
	return packets, nil
}

// send posts one packet.
func (s *session) send(ctx context.Context, packet string) error {
	return s.post(ctx, []byte(encodePayload(s.version, packet)))
}

func (s *session) post(ctx context.Context, body []byte) error {
	header := s.header
	if s.jsonp {
		header = header.Clone()
		if header == nil {
			header = http.Header{}
		}
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		body = []byte("d=" + url.QueryEscape(string(body)))
	}
	a, err := s.p.do(ctx, request{method: http.MethodPost, query: s.query(), header: header, body: body, fresh: s.fresh})
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return &refusedError{a}
	}
	return nil
}

// leaveTimeout is how long a session's end may take. The server ends one that does not leave by itself.
const leaveTimeout = time.Second

// leave ends the session, and does not wait: Crier answers a good-bye when a poll that waits has gone out, or after a
// quarter of a second.
func (s *session) leave(ctx context.Context) {
	s.p.leaving.Go(func() { // ends within leaveTimeout, and is waited for by close
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
		defer cancel()
		_ = s.send(ctx, "1") // the check is over, whatever is answered
	})
}

// mostUnasked is how many answers without the awaited packet are read.
const mostUnasked = 16

var errUnasked = errors.New("the server sends much, and not the answer")

// await receives until a packet is right, and answers pings on the way.
func await(ctx context.Context, l line, version int, right func(packet string) bool) (packet string, err error) {
	for range mostUnasked {
		packets, err := l.receive(ctx)
		if err != nil {
			return "", err
		}
		for _, packet := range packets {
			if right(packet) {
				return packet, nil
			}
			if version == 4 && packet == "2" {
				if err := l.send(ctx, "3"); err != nil {
					return "", err
				}
			}
		}
	}
	return "", errUnasked
}

// roundTrip asks and awaits the reply.
func roundTrip(ctx context.Context, l line, version int) (time.Duration, error) {
	began := time.Now()
	if err := l.send(ctx, question(version)); err != nil {
		return 0, err
	}
	_, err := await(ctx, l, version, func(packet string) bool { return isReply(version, packet) })
	return time.Since(began), err
}
