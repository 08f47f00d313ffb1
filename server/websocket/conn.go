package websocket

import (
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// ReadLimits bound what a client can make the server hold and wait for. The zero value has every default.
type ReadLimits struct {
	// MaxMessage is the largest message in bytes, before and after inflating. A larger one ends Read with CloseTooBig.
	// Default 1,000,000; at most 1 GiB.
	MaxMessage int

	// MaxFragments is how many frames a message may have; empty ones count. More end Read with ClosePolicyViolation.
	// Default 1024: each fragment costs the server far more than the few bytes that it may carry.
	MaxFragments int

	// FragmentTimeout is how long after its first byte a message, or a control frame, must be there whole. Later ends
	// Read with ClosePolicyViolation. Default 30 s. A client that sends nothing at all is not meant: that is what the
	// heartbeat of the protocol above is for.
	FragmentTimeout time.Duration

	// Held is told by how many bytes the memory has grown or shrunk that a message takes which is not whole yet, or is
	// being handled: in whole steps of HeldStep, so that it is not called for small messages. When Read returns, the
	// sum of what it was told is 0. It is called by the reader and must be quick. Nil: nobody counts.
	Held func(delta int)
}

// HeldStep is the step in bytes in which ReadLimits.Held is told. Most messages are smaller, and touch no memory that
// connections share.
const HeldStep = 16 << 10

// A Limit is one of ReadLimits.
type Limit string

// The limits that a ProtocolError may be about.
const (
	LimitMessage   Limit = "MaxMessage"
	LimitFragments Limit = "MaxFragments"
	LimitTime      Limit = "FragmentTimeout"
)

// mostMessage keeps all sums of lengths within an int of 32 bits.
const mostMessage = 1 << 30

func (l ReadLimits) withDefaults() ReadLimits {
	if l.MaxMessage <= 0 {
		l.MaxMessage = 1_000_000
	}
	l.MaxMessage = min(l.MaxMessage, mostMessage)
	if l.MaxFragments <= 0 {
		l.MaxFragments = 1024
	}
	l.MaxFragments = min(l.MaxFragments, mostMessage)
	if l.FragmentTimeout <= 0 {
		l.FragmentTimeout = 30 * time.Second
	}
	return l
}

// A Conn is the server's end of a WebSocket connection. It has one reader (the goroutine in Read, and then Discard or
// Shutdown) and one writer at a time (TryWrite, Write), and the caller sees to it; the other methods may be called by
// anyone at any time.
//
// It does nothing on its own: it answers no ping and sends no close frame, since only its writer may write.
type Conn struct {
	nc     net.Conn
	raw    rawSocket // nil where reads and writes go through nc
	answer *[]byte   // the writer's: the rest of the handshake's answer, which goes out first; nil when it has

	patience time.Duration // the writer's: see Write; 0 where there is no TLS

	closed      atomic.Bool
	interrupted atomic.Bool // see Interrupt

	subprotocol string

	// The reader's.
	parser parser
	early  []byte // came with the handshake; nil once read
	timed  uint64 // the parser.begun that the read deadline is set for; 0 if it is not set
}

// A rawSocket reads and writes past net.Conn, which keeps a buffer in hand while it waits for bytes and cannot write
// without waiting.
type rawSocket interface {
	source() source
	// write writes bufs, which it neither changes nor keeps: all of them if it may wait for the peer, otherwise as
	// much as the kernel takes at once.
	write(bufs [][]byte, wait bool) (int64, error)
}

// NewConn returns a connection on nc whose handshake has been done already: o.Limits apply, and it is Compressed if
// o.Compression says so. Upgrade is what HTTP servers call; this is for other listeners, and for tests on a net.Pipe.
func NewConn(nc net.Conn, o UpgradeOptions) *Conn {
	c := &Conn{nc: nc, raw: newRawSocket(nc)}
	c.parser.limits = o.Limits.withDefaults()
	c.parser.deflate = o.Compression
	return c
}

// Subprotocol returns what the handshake agreed on, or "".
func (c *Conn) Subprotocol() string { return c.subprotocol }

// Compressed says whether the handshake agreed on permessage-deflate, so that AppendCompressed may be used.
func (c *Conn) Compressed() bool { return c.parser.deflate }

// RemoteAddr returns the peer's address; behind a proxy, the proxy's.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// NetConn returns the connection underneath. Reading, writing or setting deadlines there breaks Conn.
func (c *Conn) NetConn() net.Conn { return c.nc }

// Interrupt makes Read return ErrInterrupted, and forget a message that is not whole, as soon as the handler that it
// may be calling has returned. The connection stays open, so that the peer can hear why: Discard reads what it still
// sends. Any goroutine may call it.
func (c *Conn) Interrupt() {
	c.interrupted.Store(true)
	_ = c.nc.SetReadDeadline(longAgo) // fails only if the connection is gone
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// ErrInterrupted is what Read returns after Interrupt.
var ErrInterrupted = errors.New("websocket: interrupted")

// Close ends the connection at once, without a close frame; what the kernel has taken still goes out. Read, Discard,
// Shutdown and Write return. Any goroutine may call it any number of times, within a Handler too.
//
// If bytes from the peer are still unread then, TCP resets the connection, and the peer may lose a close frame that it
// had been sent just before: see Shutdown.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	if t, ok := c.nc.(*tls.Conn); ok {
		// tls.Conn.Close would first wait up to 5 s for a peer that takes no bytes, to send it TLS's own goodbye.
		return t.NetConn().Close()
	}
	return c.nc.Close()
}
