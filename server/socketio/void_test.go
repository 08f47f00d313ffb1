package socketio_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crier/crier/server/socketio"
)

// A void is a connection that takes everything and from which one packet comes: CONNECT.
type void struct {
	net.Conn
	packet []byte
	ended  chan struct{}
	once   sync.Once
	taken  atomic.Pointer[witness] // nil for most
}

func (v *void) Read(b []byte) (int, error) {
	if n := copy(b, v.packet); n > 0 {
		v.packet = v.packet[n:]
		return n, nil
	}
	<-v.ended
	return 0, io.EOF
}

func (v *void) TryWrite(bufs [][]byte) (n int64, err error) {
	for _, b := range bufs {
		n += int64(len(b))
	}
	if w := v.taken.Load(); w != nil {
		w.bytes.Add(n)
		select {
		case w.news <- struct{}{}:
		default:
		}
	}
	return n, nil
}

func (v *void) Write(b []byte) (int, error)      { return len(b), nil }
func (v *void) SetDeadline(time.Time) error      { return nil }
func (v *void) SetReadDeadline(time.Time) error  { return nil }
func (v *void) SetWriteDeadline(time.Time) error { return nil }

func (v *void) Close() error {
	v.once.Do(func() { close(v.ended) })
	return nil
}

// A voidRequest is a handshake that comes on a void.
type voidRequest struct {
	*httptest.ResponseRecorder
	conn *void
}

func (r *voidRequest) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return r.conn, bufio.NewReadWriter(bufio.NewReader(r.conn), bufio.NewWriter(r.conn)), nil
}

// connectVoid lets a void connect to the main namespace.
func connectVoid(server *socketio.Server) *void {
	r := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=websocket", nil)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	} {
		r.Header.Set(name, value)
	}
	packet := engineMessage{data: []byte("40")}.frame(4)
	v := &void{packet: packet, ended: make(chan struct{})}
	server.ServeHTTP(&voidRequest{httptest.NewRecorder(), v}, r)
	return v
}

// fill lets so many voids into a room that its broadcasts are shared out among the flusher's workers.
func fill(t testing.TB, server *socketio.Server, room string) {
	t.Helper()
	const enough = 100
	var in atomic.Int64
	server.OnConnect(func(*socketio.Socket) { in.Add(1) })
	for range enough {
		connectVoid(server)
	}
	eventually(t, "all are in", func() bool { return in.Load() == enough })
	server.SocketsJoin(room)
}
