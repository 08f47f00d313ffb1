package websocket

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// patience is how long a test waits for what must happen; reaching it is a failure.
const patience = 10 * time.Second

// A recorder is a Handler that writes down what it is given.
type recorder struct {
	mu     sync.Mutex
	events []string
	fail   error // what Message returns
}

func (r *recorder) add(kind string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, fmt.Sprintf("%s %q", kind, data))
}

func (r *recorder) Message(binary bool, data []byte) error {
	if binary {
		r.add("binary", data)
	} else {
		r.add("text", data)
	}
	return r.fail
}

func (r *recorder) Ping(data []byte) { r.add("ping", data) }
func (r *recorder) Pong(data []byte) { r.add("pong", data) }

func (r *recorder) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

func (r *recorder) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := r.seen(); !slices.Equal(got, want) {
		t.Errorf("handler was given %q, want %q", got, want)
	}
}

// waitFor polls until ok, because what it waits for has no event to wait on.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}

// clientFrame builds a masked frame with the reference library, not with the code under test.
func clientFrame(fin bool, rsv byte, op OpCode, payload string) []byte {
	f := ws.NewFrame(ws.OpCode(op), fin, []byte(payload))
	f.Header.Rsv = rsv
	return ws.MustCompileFrame(ws.MaskFrameInPlaceWith(f, [4]byte{0xA1, 0x02, 0xF3, 0x44}))
}

func text(payload string) []byte { return clientFrame(true, 0, OpText, payload) }

// clientHeader is a masked header that promises what does not follow.
func clientHeader(op OpCode, length int64) []byte {
	var b bytes.Buffer
	if err := ws.WriteHeader(&b, ws.Header{Fin: true, OpCode: ws.OpCode(op), Masked: true, Length: length}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

const testKey = "Iv8io/9s+lYFgZWcXczP8Q=="

// handshakeRequest is a whole request; each extra is a header line.
func handshakeRequest(extra ...string) string {
	lines := append([]string{
		"GET /socket HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + testKey,
	}, extra...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// A wire is one connection with both of its ends in the test's hands.
type wire struct {
	conn   *Conn
	client net.Conn
	br     *bufio.Reader // of client
}

func (w *wire) send(t *testing.T, b ...[]byte) {
	t.Helper()
	w.client.SetWriteDeadline(time.Now().Add(patience))
	if _, err := w.client.Write(join(b...)); err != nil {
		t.Fatal("client cannot write:", err)
	}
}

// receive reads one frame from the server.
func (w *wire) receive(t *testing.T) (OpCode, string) {
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
	return OpCode(h.OpCode), string(payload)
}

// read runs Read in a goroutine; its result comes through the channel.
func (w *wire) read(h Handler) <-chan error {
	done := make(chan error, 1)
	go func() { done <- w.conn.Read(h) }()
	return done
}

func result(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatal("Read has not returned")
		return nil
	}
}

// overTCP opens a connection through net/http on a loopback address.
func overTCP(t *testing.T, o UpgradeOptions, headers ...string) *wire {
	return overServer(t, httptest.NewServer, func(addr string) (net.Conn, error) { return net.Dial("tcp", addr) }, o, headers...)
}

func overTLS(t *testing.T, o UpgradeOptions, headers ...string) *wire {
	dial := func(addr string) (net.Conn, error) {
		return tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	}
	return overServer(t, httptest.NewTLSServer, dial, o, headers...)
}

func overServer(t *testing.T, start func(http.Handler) *httptest.Server, dial func(string) (net.Conn, error), o UpgradeOptions, headers ...string) *wire {
	t.Helper()
	conns := make(chan *Conn, 1)
	server := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := Upgrade(w, r, o)
		if err != nil {
			t.Error("Upgrade:", err)
		}
		conns <- conn
	}))
	t.Cleanup(server.Close)
	client, err := dial(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if _, err := io.WriteString(client, handshakeRequest(headers...)); err != nil {
		t.Fatal(err)
	}
	w := &wire{client: client, br: bufio.NewReader(client)}
	response, err := http.ReadResponse(w.br, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal("handshake answered with", response, err)
	}
	w.conn = <-conns
	t.Cleanup(func() { w.conn.Close() })
	return w
}

func overPipe(t *testing.T, o UpgradeOptions, _ ...string) *wire {
	server, client := net.Pipe()
	conn := NewConn(server, o)
	t.Cleanup(func() { conn.Close(); client.Close() })
	return &wire{conn: conn, client: client, br: bufio.NewReader(client)}
}

// onEachTransport runs one test body over everything that a Conn may stand on.
func onEachTransport(t *testing.T, o UpgradeOptions, body func(t *testing.T, w *wire)) {
	t.Run("tcp", func(t *testing.T) { body(t, overTCP(t, o)) })
	t.Run("tls", func(t *testing.T) { body(t, overTLS(t, o)) })
	t.Run("pipe", func(t *testing.T) { body(t, overPipe(t, o)) })
}

// codeOf returns the close code that an error of Read carries; 0 if none.
func codeOf(err error) CloseCode {
	if violation, ok := errors.AsType[*ProtocolError](err); ok {
		return violation.Code
	}
	return 0
}
