package server

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// What one HTTP/2 connection may take. Each stream is a request, and costs what a request costs; what is sent on all
// of them and not read yet is bounded for the connection. Streams that are opened and reset at once wait for those
// under way, and net/http ends the connection when four times as many do.
const (
	mostStreams  = 100      // what RFC 9113 (section 6.5.2) asks for at least; a browser's tabs share a connection
	streamWindow = 64 << 10 // bytes sent on one stream and not read yet,
	connWindow   = 256 << 10
	frameSize    = 16 << 10 // the largest that a client may send: a connection keeps a buffer for it (net/http's 1 MiB)
	headerTable  = 4 << 10  // HPACK's default; each connection may keep one in either direction
)

// A client that resets streams costs the server requests that it need not wait for. One that does so all the time is
// hung up on: it may reset as many at once as a browser has that leaves a page with many tabs, and a few a second.
const (
	resetsAtOnce = 4 * mostStreams
	resetEvery   = time.Second / 20
)

func (s *Server) http2Bounds() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams:          mostStreams,
		MaxReadFrameSize:              frameSize,
		MaxReceiveBufferPerStream:     streamWindow,
		MaxReceiveBufferPerConnection: connWindow,
		MaxDecoderHeaderTableSize:     headerTable,
		MaxEncoderHeaderTableSize:     headerTable,
		WriteByteTimeout:              s.config.WriteTimeout,
	}
}

// resets are the streams that a client has reset on a connection of HTTP/2. The zero value has none.
type resets struct{ limiter atomic.Pointer[rate.Limiter] }

// tooMany counts one.
func (r *resets) tooMany() bool {
	l := r.limiter.Load()
	if l == nil {
		r.limiter.CompareAndSwap(nil, rate.NewLimiter(rate.Every(resetEvery), resetsAtOnce))
		l = r.limiter.Load()
	}
	return !l.Allow()
}

// fewResets serves nothing to a stream that has been reset meanwhile, and hangs up on who resets too many. Trusted
// proxies reset for many.
func (s *Server) fewResets(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor < 2 {
			next.ServeHTTP(w, r)
			return
		}
		if r.Context().Err() == nil {
			next.ServeHTTP(w, r)
		}
		if r.Context().Err() == nil {
			return
		}
		if a, ok := r.Context().Value(arrivalKey{}).(*arrival); ok && a.resets.tooMany() {
			s.hangUp(a.conn)
		}
	})
}

// hangUp closes a connection of HTTP/2 whose client resets too much.
func (s *Server) hangUp(conn net.Conn) {
	if c, ok := inside(conn).(*connection); ok && !c.exempt && !c.closed.Load() {
		s.hungUp.Add(1)
		_ = c.Close()
	}
}
