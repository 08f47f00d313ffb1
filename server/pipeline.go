package server

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/crier/crier/server/engineio"
)

// A pipeline notices what a client sends behind a request that is not answered yet. net/http reads one byte of it, to
// know when the client hangs up, and nobody hears of that byte before the answer.
type pipeline struct {
	mu   sync.Mutex // guards the following
	wake func()     // of the poll that waits; nil: none does
	tail [3]byte    // the last that was read

	sealed bool // by TLS: what the bytes say can't be seen, only that there are some
}

// note wakes the poll that waits when bytes have been read. Those of a WebSocket are read past it (see
// websocket.Wrapped).
func (p *pipeline) note(b []byte) {
	p.mu.Lock()
	if n := len(p.tail); len(b) >= n {
		copy(p.tail[:], b[len(b)-n:])
	} else {
		copy(p.tail[:], p.tail[len(b):])
		copy(p.tail[n-len(b):], b)
	}
	wake := p.wake
	p.mu.Unlock()
	if wake != nil {
		wake()
	}
}

// Watch implements [engineio.Line]. A request without a body ends with an empty line: what was read last and is none
// came behind it. What came by TLS together with the request is not noticed.
func (p *pipeline) Watch(wake func()) {
	p.mu.Lock()
	p.wake = wake
	ended := p.sealed || bytes.HasSuffix(p.tail[:], []byte("\n\r\n")) || bytes.HasSuffix(p.tail[:], []byte("\n\n"))
	p.mu.Unlock()
	if !ended {
		wake()
	}
}

// Unwatch implements [engineio.Line].
func (p *pipeline) Unwatch() {
	p.mu.Lock()
	p.wake = nil
	p.mu.Unlock()
}

type lineKey struct{}

// onLine is for the http.Server's ConnContext.
func onLine(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := inside(conn).(*connection); ok {
		c.pipeline.sealed = c != conn
		return context.WithValue(ctx, lineKey{}, &c.pipeline)
	}
	return ctx
}

// lineOf returns the line that a request came over; nil if its bytes are not seen, or belong to many requests.
func lineOf(r *http.Request) engineio.Line {
	if p, ok := r.Context().Value(lineKey{}).(*pipeline); ok && r.ProtoMajor == 1 {
		return p
	}
	return nil
}
