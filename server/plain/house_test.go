package plain_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/crier/crier/server/plain"
)

// patience is how long a test waits for what must happen; reaching it is a failure.
const patience = time.Minute

// A house is a server with everything around it that real ones have: a listener, net/http, connections.
type house struct {
	t    testing.TB
	sv   *plain.Server
	room *fakeRoom
	log  *journal
	dial func() (net.Conn, error)
}

// open starts a server on a loopback address. Its endpoints have the paths that Crier gives them.
func open(t testing.TB, o plain.Options) *house {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return openOn(t, l, func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }, o)
}

// openInMemory is open for tests in a bubble of testing/synctest.
func openInMemory(t testing.TB, o plain.Options) *house {
	t.Helper()
	p := &pipes{calls: make(chan net.Conn), gone: make(chan struct{})}
	return openOn(t, p, p.dial, o)
}

func openOn(t testing.TB, l net.Listener, dial func() (net.Conn, error), o plain.Options) *house {
	t.Helper()
	h := &house{t: t, log: new(journal), dial: dial}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewJSONHandler(h.log, nil))
	}
	sv, err := plain.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h.sv, h.room = sv, new(fakeRoom)
	h.room.news = sv.News(h.room)
	outside := &http.Server{Handler: h.routes(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	served := make(chan error, 1)
	go func() { served <- outside.Serve(l) }() // ends with the cleanup
	t.Cleanup(func() {
		sv.Close(over())
		outside.Close()
		<-served
	})
	return h
}

func (h *house) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/ws/echo", h.sv.Echo())
	mux.Handle("/ws/hello", h.sv.Hello())
	mux.Handle("/ws/chat", h.sv.Chat())
	mux.Handle("/ws/news", h.room.news)
	for _, where := range []string{"open", "text", "binary", "closed"} {
		mux.Handle("/panics/"+where, h.sv.Panicking(where))
	}
	return mux
}

// endpoints are the paths of all endpoints, with what each says first.
var endpoints = []struct{ path, greeting, subprotocol string }{
	{"/ws/echo", "", plain.SubprotocolText},
	{"/ws/hello", "world", plain.SubprotocolText},
	{"/ws/chat", "", plain.SubprotocolText},
	{"/ws/news", "", plain.SubprotocolJSON},
}

// onEach runs one test body with a client on each endpoint, behind its greeting.
func onEach(t *testing.T, o plain.Options, body func(t *testing.T, h *house, c *client)) {
	for _, e := range endpoints {
		t.Run(e.path[1:], func(t *testing.T) {
			h := open(t, o)
			c := h.join(e.path)
			if e.greeting != "" {
				c.hears(e.greeting)
			}
			body(t, h, c)
		})
	}
}

// over returns a context that is over.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
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

// A journal keeps what is logged.
type journal struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.Write(p)
}

// entries returns the logged lines with this message.
func (j *journal) entries(message string) (found []map[string]any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := json.NewDecoder(bytes.NewReader(j.lines.Bytes()))
	for {
		var line map[string]any
		if err := lines.Decode(&line); err == io.EOF {
			return found
		} else if err != nil {
			panic(err)
		}
		if line["msg"] == message {
			found = append(found, line)
		}
	}
}

// pipes is a listener in memory.
type pipes struct {
	calls chan net.Conn
	once  sync.Once
	gone  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.calls:
		return c, nil
	case <-p.gone:
		return nil, net.ErrClosed
	}
}

func (p *pipes) dial() (net.Conn, error) {
	server, client := net.Pipe()
	select {
	case p.calls <- server:
		return client, nil
	case <-p.gone:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.gone) }); return nil }
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
