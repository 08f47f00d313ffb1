package engineio_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crier/crier/server/engineio"
)

// patience is how long a test waits for what must happen; reaching it is a failure.
const patience = 20 * time.Second

// A house is a server with everything around it that real ones have: a listener, net/http, connections.
type house struct {
	t     testing.TB
	sv    *engineio.Server
	line  line
	peers chan *peer

	handler atomic.Pointer[func(*engineio.Session) engineio.Handler] // in place of a peer, if set
}

// A peer is the server's side of one session. It is the session's Handler.
type peer struct {
	*engineio.Session
	messages chan message
	closed   chan engineio.Reason
	on       func(message) error // in place of messages, if set
}

// A message is what one side said to the other.
type message struct {
	binary bool
	data   string
}

func (p *peer) Message(binary bool, data []byte) error {
	m := message{binary, string(data)}
	if p.on != nil {
		return p.on(m)
	}
	p.messages <- m
	return nil
}

func (p *peer) Close(reason engineio.Reason) {
	p.closed <- reason // a second call would be too many for the channel, and block
	close(p.closed)
}

// say sends, and must be allowed to.
func (p *peer) say(t testing.TB, all ...message) {
	t.Helper()
	for _, m := range all {
		if err := p.Send(engineio.Message{Binary: m.binary, Data: []byte(m.data)}); err != nil {
			t.Fatal("the server cannot send:", err)
		}
	}
}

// hear returns the client's next message.
func (p *peer) hear(t testing.TB) message {
	t.Helper()
	select {
	case m := <-p.messages:
		return m
	case <-time.After(patience):
		t.Fatal("the server heard nothing")
		panic("unreachable")
	}
}

// expectEnd waits for the session's end and checks its reason.
func (p *peer) expectEnd(t testing.TB, want engineio.Reason) {
	t.Helper()
	select {
	case got := <-p.closed:
		if got != want {
			t.Errorf("the session ended with %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("the session did not end, want %q", want)
	}
}

// expectOpen checks that the session has not ended.
func (p *peer) expectOpen(t testing.TB) {
	t.Helper()
	select {
	case got := <-p.closed:
		t.Fatalf("the session ended with %q, want it open", got)
	default:
	}
}

// A line is a way from clients to the server.
type line interface {
	net.Listener
	Dial(context.Context) (net.Conn, error)
}

// tcp is a line over the loopback device.
type tcp struct{ net.Listener }

func newTCP(t testing.TB) line {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return tcp{l}
}

func (l tcp) Dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", l.Addr().String())
}

// pipes is a line in memory, for tests in a bubble of testing/synctest.
type pipes struct {
	calls chan net.Conn
	once  sync.Once
	gone  chan struct{}
}

func newPipes() line { return &pipes{calls: make(chan net.Conn), gone: make(chan struct{})} }

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.calls:
		return c, nil
	case <-l.gone:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Dial(ctx context.Context) (net.Conn, error) {
	server, client := net.Pipe()
	select {
	case l.calls <- server:
		return client, nil
	case <-l.gone:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipes) Close() error   { l.once.Do(func() { close(l.gone) }); return nil }
func (l *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// open starts a server. accept, if not nil, runs for each new session; what it does to the peer is done before the
// client hears of it.
func open(t testing.TB, o engineio.Options, accept func(*peer)) *house {
	return openOn(t, newTCP(t), o, accept)
}

func openOn(t testing.TB, l line, o engineio.Options, accept func(*peer)) *house {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	h := &house{t: t, line: l, peers: make(chan *peer, 4096)}
	sv, err := engineio.New(o, func(s *engineio.Session) engineio.Handler {
		if f := h.handler.Load(); f != nil {
			return (*f)(s)
		}
		p := &peer{Session: s, messages: make(chan message, 4096), closed: make(chan engineio.Reason, 1)}
		if accept != nil {
			accept(p)
		}
		h.peers <- p
		return p
	})
	if err != nil {
		t.Fatal(err)
	}
	h.sv = sv
	outside := &http.Server{Handler: sv, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	served := make(chan error, 1)
	go func() { served <- outside.Serve(l) }()
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		sv.Close(over)
		outside.Close()
		<-served
	})
	return h
}

// peer returns the next session that was opened.
func (h *house) peer() *peer {
	h.t.Helper()
	select {
	case p := <-h.peers:
		return p
	case <-time.After(patience):
		h.t.Fatal("no session was opened")
		panic("unreachable")
	}
}

// echo makes the server send back what it hears.
func echo(p *peer) {
	p.on = func(m message) error {
		return p.Send(engineio.Message{Binary: m.binary, Data: []byte(m.data)})
	}
}

// waitFor polls until ok, because what it waits for has no event to wait on.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}
