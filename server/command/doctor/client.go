package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// What one answer may take. Crier's and the reference server's answers to a doctor have under 1 KiB.
const (
	mostHeader  = 64 << 10
	mostBody    = 64 << 10
	mostMetrics = 1 << 20
)

// A probe is one examination. What the first checks find is set before the others begin, and only read by them.
type probe struct {
	opts  *options
	roots *x509.CertPool // nil: the system's
	agent http.RoundTripper
	fresh http.RoundTripper // makes a connection for each request, to the name's addresses in turn
	next  atomic.Uint32     // which is next
	late  time.Duration     // from when on an answer counts as held back

	leaving sync.WaitGroup // sessions that are being left

	url     *url.URL         // where requests go: that of the options, or to where it sends on
	addrs   []netip.AddrPort // those that answered
	kind    string           // "crier", "socket.io", or "" for what is neither
	version string           // of Crier
	polling bool             // handshakes by long-polling are answered
	eio     int              // the version of Engine.IO: 4, or 3 where the server has no other
	open    handshake
	rtt     time.Duration // of a handshake
	front   string        // what a proxy calls itself in its answers; "" if it says nothing
	self    *diagnosis    // what Crier sees
}

func newProbe(opts *options) *probe {
	p := &probe{opts: opts, url: opts.url, eio: 4, late: lateAfter}
	p.agent, p.fresh = p.transport(false), p.transport(true)
	return p
}

// transport does not follow the variables that name a proxy, does not unpack, and speaks HTTP/1.1, as all clients and
// proxies do.
func (p *probe) transport(fresh bool) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return p.dial(ctx, fresh) },
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return p.dialTLS(ctx, fresh)
		},
		DisableKeepAlives:      fresh,
		DisableCompression:     true,
		MaxResponseHeaderBytes: mostHeader,
	}
}

func (p *probe) close() {
	p.leaving.Wait()
	p.agent.(*http.Transport).CloseIdleConnections()
	p.fresh.(*http.Transport).CloseIdleConnections()
}

// dial connects to an address that answered before.
func (p *probe) dial(ctx context.Context, inTurn bool) (net.Conn, error) {
	if len(p.addrs) == 0 {
		return nil, errors.New("no address answers")
	}
	i := 0
	if inTurn {
		i = int(p.next.Add(1)) % len(p.addrs)
	}
	port := portOf(p.url)
	return new(net.Dialer).DialContext(ctx, "tcp", netip.AddrPortFrom(p.addrs[i].Addr(), port).String())
}

func (p *probe) dialTLS(ctx context.Context, inTurn bool) (net.Conn, error) {
	conn, err := p.dial(ctx, inTurn)
	if err != nil {
		return nil, err
	}
	secured := tls.Client(conn, p.tlsConfig())
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secured, nil
}

func (p *probe) tlsConfig() *tls.Config {
	return &tls.Config{
		ServerName: p.url.Hostname(), RootCAs: p.roots, InsecureSkipVerify: p.opts.insecure, NextProtos: []string{"http/1.1"},
	}
}

// portOf returns the URL's port, or its scheme's.
func portOf(u *url.URL) uint16 {
	if port, err := net.LookupPort("tcp", u.Port()); err == nil && u.Port() != "" {
		return uint16(port)
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}

// A request is what differs between requests.
type request struct {
	method string     // GET unless set
	path   string     // the path of Socket.IO unless set
	query  url.Values // beside that of the URL
	header http.Header
	host   string // another Host header
	body   []byte
	fresh  bool // on a connection of its own
	most   int  // bytes of the answer's body; 0: mostBody
}

// An answer is read whole.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	chunked bool
	took    time.Duration // from the request's first byte to the answer's last
	began   time.Time
	local   string // the connection's address on this machine
}

// do sends a request and reads the answer. It follows no redirect. Its errors fit into a line.
func (p *probe) do(ctx context.Context, q request) (*answer, error) {
	a := &answer{}
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { a.local = i.Conn.LocalAddr().String() }}
	r, err := p.newRequest(httptrace.WithClientTrace(ctx, trace), q)
	if err != nil {
		return nil, err
	}
	agent := p.agent
	if q.fresh {
		agent = p.fresh
	}
	a.began = time.Now()
	response, err := agent.RoundTrip(r)
	if err != nil {
		return nil, p.plainError(ctx, err, "no answer came within")
	}
	defer response.Body.Close()
	most := max(q.most, mostBody)
	a.body, err = io.ReadAll(io.LimitReader(response.Body, int64(most)+1))
	if err != nil {
		return nil, p.plainError(ctx, err, "the answer did not come whole within")
	}
	if len(a.body) > most {
		return nil, fmt.Errorf("the answer has more than %d KiB", most>>10)
	}
	a.status, a.header, a.took = response.StatusCode, response.Header, time.Since(a.began)
	a.chunked = len(response.TransferEncoding) > 0
	return a, nil
}

func (p *probe) newRequest(ctx context.Context, q request) (*http.Request, error) {
	u := *p.url
	if u.Path = q.path; u.Path == "" {
		u.Path = p.opts.path
	}
	if extra := q.query.Encode(); extra != "" {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+extra, "&")
	}
	method := q.method
	if method == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, errors.New("this URL cannot be asked")
	}
	if q.body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(q.body)), int64(len(q.body))
		r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	r.Header.Set("User-Agent", "crier-doctor")
	for name, values := range p.opts.headers {
		r.Header[name] = values
	}
	for name, values := range q.header {
		r.Header[name] = values
	}
	if r.Host = p.opts.host; r.Host == "" {
		r.Host = p.url.Host
	}
	if q.host != "" {
		r.Host = q.host
	}
	return r, nil
}

// plainError says in a line what went wrong with a request. The URL, which may hold a token, is not repeated.
func (p *probe) plainError(ctx context.Context, err error, late string) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var network net.Error
	if ctx.Err() != nil || errors.As(err, &network) && network.Timeout() {
		return &lateError{fmt.Sprintf("%s %s", late, p.opts.timeout)}
	}
	return &lineError{err}
}

// A lateError says that something took too long.
type lateError struct{ text string }

func (e *lateError) Error() string { return e.text }

// A lineError is an error of the network, in words for people.
type lineError struct{ cause error }

func (e *lineError) Unwrap() error { return e.cause }

func (e *lineError) Error() string {
	text := e.cause.Error()
	switch {
	case errors.Is(e.cause, io.EOF), errors.Is(e.cause, io.ErrUnexpectedEOF):
		return "the connection was closed without a whole answer"
	case isRefused(e.cause):
		return "the connection is refused"
	case isReset(e.cause):
		return "the connection was reset"
	case strings.Contains(text, "server response headers exceeded"):
		return fmt.Sprintf("the answer's header has more than %d KiB", mostHeader>>10)
	case strings.Contains(text, "malformed HTTP"), strings.Contains(text, "readLoopPeekFail"): // it came before the request
		return "the answer is not HTTP"
	}
	var op *net.OpError
	if errors.As(e.cause, &op) {
		text = op.Err.Error()
	}
	return printable(text)
}
