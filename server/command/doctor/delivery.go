package doctor

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// lateAfter is from when on an answer counts as held back, above what two answers take: people notice it, and a
	// busy machine alone rarely takes as long three times in a row.
	lateAfter = time.Second

	// waitForPoll is how long a poll may take to the server before the packet is sent that it will bring the answer
	// to. If it takes longer, the measure is only a weaker one.
	waitForPoll = 50 * time.Millisecond

	delayTries = 3
)

// checkDelay measures how long a poll that waits takes to bring what it waits for. What lies between must not gather
// answers until they are many.
func (p *probe) checkDelay(ctx context.Context) Result {
	if !p.polling {
		return skipped(noPolling)
	}
	s, err := p.openSession(ctx, form{version: p.eio})
	if err != nil {
		return faulty(err)
	}
	defer s.leave(ctx)
	best := time.Duration(math.MaxInt64)
	for try := 0; try < delayTries && best > p.late+2*p.rtt; try++ {
		took, err := waitingPoll(ctx, s)
		if err != nil {
			return faulty(err)
		}
		best = min(best, took)
	}
	seen := fmt.Sprintf("a poll that waits is answered in %s", short(best))
	if best > p.late+2*p.rtt {
		return fault(seen, adviseSlow...)
	}
	return ok("%s", seen)
}

// waitingPoll polls, causes a reply, and returns how long that takes.
func waitingPoll(ctx context.Context, s *session) (time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	arrived := make(chan error, 1)
	go func() { // ends with the reply, or with ctx
		_, err := await(ctx, s, s.version, func(packet string) bool { return isReply(s.version, packet) })
		arrived <- err
	}()
	time.Sleep(waitForPoll)
	began := time.Now()
	err := s.send(ctx, question(s.version))
	if err != nil {
		cancel()
	}
	if awaited := <-arrived; err == nil {
		err = awaited
	}
	took := time.Since(began)
	cancel()
	return took, err
}

// checkAnswers looks at what a proxy changes in answers.
func (p *probe) checkAnswers(ctx context.Context) Result {
	if !p.polling {
		return skipped(noPolling)
	}
	query := (&session{form: form{version: p.eio}, p: p}).query()
	first, err := p.handshakeOf(ctx, query, nil)
	if err != nil {
		return faulty(err)
	}
	second, err := p.handshakeOf(ctx, query, nil)
	if err != nil {
		return faulty(err)
	}
	if first.open.Sid == second.open.Sid {
		return fault("two handshakes are answered with the same session: a cache answers",
			"let the proxy or CDN cache nothing of this path (nginx: proxy_cache off;)")
	}
	a := first.first
	if packing := a.header.Get("Content-Encoding"); packing != "" && packing != "identity" {
		return fault("answers are packed ("+printable(packing)+") though the client did not ask for that", "nginx: gzip off;")
	}
	if p.kind == "crier" && !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
		return warning("Cache-Control: no-store gets lost",
			"let the proxy pass Cache-Control on, and cache nothing of this path")
	}
	return p.notePacking(ctx, query, a)
}

// notePacking tells what is changed and harms nobody.
func (p *probe) notePacking(ctx context.Context, query url.Values, a *answer) Result {
	seen := "they come as the server sends them"
	if a.chunked {
		seen = "they come in chunks"
	}
	packed, err := p.handshakeOf(ctx, query, http.Header{"Accept-Encoding": {"gzip"}})
	if err != nil {
		return faulty(err)
	}
	if packed.first.header.Get("Content-Encoding") == "gzip" {
		seen += ", and packed with gzip for who asks for that"
	}
	return ok("%s", seen)
}

// unpack replaces a packed body. One that is not as its header says stays as it is, and is found wanting.
func (a *answer) unpack() {
	if a.header.Get("Content-Encoding") != "gzip" {
		return
	}
	z, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		return
	}
	if body, err := io.ReadAll(io.LimitReader(z, mostBody)); err == nil {
		a.body = body
	}
}

// handshakeOf makes a handshake with a given query, and leaves the session.
func (p *probe) handshakeOf(ctx context.Context, query url.Values, header http.Header) (*session, error) {
	a, err := p.do(ctx, request{query: query, header: header})
	if err != nil {
		return nil, err
	}
	a.unpack()
	s := &session{form: form{version: p.eio}, p: p, first: a}
	packets, err := s.decode(a)
	if err == nil {
		s.open, err = parseOpen(packets[0])
	}
	if err != nil || a.status != http.StatusOK {
		return nil, &refusedError{a}
	}
	s.keepCookies(a)
	s.leave(ctx)
	return s, nil
}

// mostSent is the largest body that is tried.
const mostSent = 4 << 20

// checkBody sends a POST as large as the server takes.
func (p *probe) checkBody(ctx context.Context) Result {
	switch {
	case !p.polling:
		return skipped(noPolling)
	case p.eio != 4:
		return skipped(noEIO4)
	}
	s, err := p.openSession(ctx, form{version: 4})
	if err != nil {
		return faulty(err)
	}
	defer s.leave(ctx)
	if s.open.MaxPayload <= 0 {
		return skipped("the server does not tell its largest payload")
	}
	size := min(s.open.MaxPayload, mostSent)
	body := question(4) + `{"x":"`
	body += strings.Repeat("x", max(0, size-len(body)-len(`"}`))) + `"}`
	if err := s.post(ctx, []byte(body)); err != nil {
		return p.explainBody(err, len(body), s.open.MaxPayload)
	}
	if _, err := await(ctx, s, 4, func(packet string) bool { return isReply(4, packet) }); err != nil {
		return p.explainBody(err, len(body), s.open.MaxPayload)
	}
	return ok("a POST of %d bytes arrives; the server takes %d", len(body), s.open.MaxPayload)
}

func (p *probe) explainBody(err error, size, most int) Result {
	if isCode(err, codeSession) {
		return faulty(err)
	}
	return fault(fmt.Sprintf("a POST of %d bytes, which the server takes, fails: %v", size, err),
		adviseBody(most))
}
