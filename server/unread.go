package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// unread counts requests that were begun and never read whole: larger than max_header_bytes, later than
// read_header_timeout, not HTTP, or given up by the client. net/http deals with these itself, before any handler, and
// tells neither that nor why; all that shows is a connection on which a request began and which closes without a
// handler having run.
type unread struct {
	count    atomic.Uint64
	arrivals sync.Map // of *arrival by net.Conn; until the connection is closed or somebody else's
}

// An arrival is how far the request has come that a connection is at; of HTTP/2, where there may be many, the first
// since it was idle.
type arrival struct {
	atomic.Uint32

	conn   net.Conn
	resets resets // of HTTP/2
}

const (
	noRequest uint32 = iota
	begun
	whole
)

type arrivalKey struct{}

// arrived is for the http.Server's ConnContext.
func (u *unread) arrived(ctx context.Context, conn net.Conn) context.Context {
	a := &arrival{conn: conn}
	u.arrivals.Store(conn, a)
	return context.WithValue(ctx, arrivalKey{}, a)
}

// passed notes that a request has come to the handlers.
func (u *unread) passed(r *http.Request) {
	if a, ok := r.Context().Value(arrivalKey{}).(*arrival); ok {
		a.Store(whole)
	}
}

// watch is the http.Server's ConnState. A connection is active when a request has been read, and when reading it has
// failed behind its first byte.
func (u *unread) watch(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateActive:
		if a, ok := u.arrivals.Load(conn); ok {
			a.(*arrival).Store(begun)
		}
	case http.StateIdle:
		if a, ok := u.arrivals.Load(conn); ok {
			a.(*arrival).Store(noRequest)
		}
	case http.StateHijacked:
		u.arrivals.Delete(conn)
	case http.StateClosed:
		if a, ok := u.arrivals.LoadAndDelete(conn); ok && a.(*arrival).Load() == begun {
			u.count.Add(1)
		}
	}
}
