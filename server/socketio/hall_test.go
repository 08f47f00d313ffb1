package socketio_test

import (
	"testing"

	"github.com/crier/crier/server/socketio"
)

// A hall is a server whose sockets tell of their coming and going.
type hall struct {
	*socketio.Server
	url  string
	came chan *socketio.Socket
	left chan socketio.Reason
}

func newHall(t testing.TB, o socketio.Options) *hall {
	io, url := serve(t, o)
	return furnished(io, url)
}

func furnished(io *socketio.Server, url string) *hall {
	h := &hall{Server: io, url: url, came: make(chan *socketio.Socket, 1<<12), left: make(chan socketio.Reason, 1<<12)}
	io.OnConnect(func(s *socketio.Socket) {
		s.OnDisconnect(func(r socketio.Reason) { h.left <- r })
		h.came <- s
	})
	return h
}

// join connects a peer, whose socket it returns too.
func (h *hall) join(t testing.TB, m mode) (*peer, *socketio.Socket) {
	t.Helper()
	p := join(t, h.url, m)
	return p, receive(t, h.came, "OnConnect")
}

// lose ends a peer's session and waits until the server knows.
func (h *hall) lose(t testing.TB, p *peer) {
	t.Helper()
	p.leave()
	p.cut()
	receive(t, h.left, "OnDisconnect")
}

type emitter interface {
	Emit(event string, args ...any) error
}

func emit(t testing.TB, to emitter, event string, args ...any) {
	t.Helper()
	if err := to.Emit(event, args...); err != nil {
		t.Error(err)
	}
}
