package outbound

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/crier/crier/server/websocket"
)

// patience is how long a test waits for what must happen; reaching it is a failure.
const patience = 10 * time.Second

// testGrace is how long a connection stays open after its last frame in most tests.
const testGrace = 2 * time.Second

// waitFor polls until ok, because what it waits for has no event to wait on.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}

// noAllocations checks that each run of f allocates nothing. The race detector makes sync.Pool drop things at random.
func noAllocations(t *testing.T, f func()) {
	t.Helper()
	if raceEnabled {
		t.Skip("pools are not dependable under the race detector")
	}
	f()
	if n := testing.AllocsPerRun(200, f); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

var smallMessage = []byte(`42["news","says:hello !",{"from":"speaker","id":"abcdefgh"}]`)

// noise returns n random bytes, the same ones each time.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// A throttle is a connection that takes as many bytes at a time as it likes, and writes them down.
type throttle struct {
	mu     sync.Mutex
	rnd    *rand.Rand
	taken  bytes.Buffer
	most   int // bytes in one write that does not wait
	once   sync.Once
	closed chan struct{}
}

func newThrottle(seed1, seed2 uint64, most int) *throttle {
	return &throttle{rnd: rand.New(rand.NewPCG(seed1, seed2)), most: most, closed: make(chan struct{})}
}

func (h *throttle) TryWrite(bufs [][]byte) (int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.write(bufs, min(total(bufs), h.rnd.IntN(h.most+1)))
}

func (h *throttle) Write(bufs [][]byte, _ time.Time) (int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.write(bufs, total(bufs))
}

// write takes the first n bytes. h.mu must be held.
func (h *throttle) write(bufs [][]byte, n int) (int64, error) {
	left := n
	for _, b := range bufs {
		part := b[:min(left, len(b))]
		h.taken.Write(part)
		left -= len(part)
	}
	return int64(n), nil
}

func (h *throttle) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// A watched connection knows that it was closed.
type watched struct {
	Conn
	closed atomic.Bool
}

func (w *watched) Close() error {
	w.closed.Store(true)
	return w.Conn.Close()
}

func (w *watched) isClosed() bool { return w.closed.Load() }

// A wire is one WebSocket connection with both of its ends in the test's hands.
type wire struct {
	conn   *watched
	client net.Conn
	br     *bufio.Reader // of client
}

func newWire(t *testing.T, server, client net.Conn) *wire {
	conn := &watched{Conn: websocket.NewConn(server, websocket.UpgradeOptions{})}
	t.Cleanup(func() { conn.Close(); client.Close() })
	return &wire{conn: conn, client: client, br: bufio.NewReader(client)}
}

// receive reads one frame from the server and returns its payload.
func (w *wire) receive(t *testing.T) string {
	t.Helper()
	w.client.SetReadDeadline(time.Now().Add(patience))
	h, err := ws.ReadHeader(w.br)
	if err != nil {
		t.Fatal("client cannot read:", err)
	}
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(w.br, payload); err != nil {
		t.Fatal("client cannot read:", err)
	}
	return string(payload)
}

func overPipe(t *testing.T) *wire {
	server, client := net.Pipe()
	return newWire(t, server, client)
}

// tcpPair returns both ends of a connection on a loopback address.
func tcpPair(t *testing.T) (server, client net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	return server, client
}

func overTCP(t *testing.T) *wire {
	server, client := tcpPair(t)
	return newWire(t, server, client)
}

func overTLS(t *testing.T) *wire {
	certified := httptest.NewTLSServer(nil)
	certificates := certified.TLS.Certificates
	certified.Close()
	server, client := tcpPair(t)
	secure := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
	shaken := make(chan error, 1)
	go func() { shaken <- secure.Handshake() }() // ends with the connection
	served := tls.Server(server, &tls.Config{Certificates: certificates})
	if err := served.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	return newWire(t, served, secure)
}

// onEachTransport runs one test body over everything that a WebSocket may stand on.
func onEachTransport(t *testing.T, body func(t *testing.T, w *wire)) {
	t.Run("tcp", func(t *testing.T) { body(t, overTCP(t)) })
	t.Run("tls", func(t *testing.T) { body(t, overTLS(t)) })
	t.Run("pipe", func(t *testing.T) { body(t, overPipe(t)) })
}
