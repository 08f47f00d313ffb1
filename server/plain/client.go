package plain

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/crier/crier/server/internal/outbound"
	"github.com/crier/crier/server/websocket"
)

// A client is one connection to an endpoint.
type client struct {
	server   *Server
	endpoint endpoint
	address  string
	entered  bool // it is counted for its address
	conn     *websocket.Conn
	attached atomic.Pointer[websocket.Conn] // conn, for those who come from outside; nil until the handshake is done
	out      outbound.Outbox
	account  Account       // nil if nobody counts
	partial  atomic.Int64  // bytes that are held of a message
	rate     *rate.Limiter // the reader's
	ignored  int           // bytes that came when nobody listened any more; the reader's

	seat int // of an audience that it is in; guarded by its lock, 0 meaning none
	own  any // what the endpoint keeps with the client; the reader's

	mu sync.Mutex // guards the following

	received uint64
	busy     time.Time     // since when a message is being handled; zero: none is
	timer    *time.Timer   // until it is pinged, or given up; nil if it was not let in
	awaited  bool          // a ping is out and nothing has come since
	over     bool          // it is leaving: what it sends is dropped
	gone     chan struct{} // made by done; closed with over
}

// isToy says whether the client is at another endpoint than news.
func (c *client) isToy() bool {
	_, news := c.endpoint.(*News)
	return !news
}

// serve makes a WebSocket of a request and reads it until it ends. Who is not let in hears why after the handshake,
// since a browser shows a page no other refusal.
func (sv *Server) serve(w http.ResponseWriter, r *http.Request, e endpoint) {
	if !isUpgrade(r) { // it opens nothing, and is answered why
		_, _ = websocket.Upgrade(w, r, websocket.UpgradeOptions{})
		return
	}
	c := &client{
		server: sv, endpoint: e, address: sv.opts.Address(r),
		rate: rate.NewLimiter(rate.Limit(sv.opts.MaxRate), 2*sv.opts.MaxRate),
	}
	refusal, ok := c.admit(w, r)
	if !ok {
		return
	}
	c.out.Init(sv.flusher, c, &sv.queues)
	if c.account != nil {
		c.account.Joined(c)
	}
	if refusal, ok = sv.add(c, refusal); refusal == endTooMany {
		sv.refuse(r, LimitClients)
	}
	if !ok {
		c.release()
		http.Error(w, "This server takes no more connections now.", http.StatusServiceUnavailable)
		return
	}
	conn, err := websocket.Upgrade(w, r, websocket.UpgradeOptions{
		Subprotocols: []string{e.subprotocol()},
		Compression:  sv.opts.Compression,
		Limits: websocket.ReadLimits{
			MaxMessage: sv.opts.MaxPayload, MaxFragments: sv.opts.MaxFragments,
			FragmentTimeout: sv.opts.MessageTimeout,
			Held:            c.hold,
		},
	})
	if err != nil { // Upgrade has answered
		c.out.Close()
		sv.remove(c)
		return
	}
	c.conn = conn
	c.attached.Store(conn)
	c.out.Attach(conn)
	go c.run(refusal) // ends with the connection
}

// run is the client's life. It is not in the goroutine that served the handshake: that one's stack has grown, and
// holds the request.
func (c *client) run(refusal *ending) {
	defer c.server.remove(c)
	end := refusal
	if end == nil {
		c.startTimer()
		end = c.guard(func() *ending { return c.endpoint.open(c) })
	}
	if end != nil {
		c.end(end)
	}
	c.ended(c.conn.Read(c))
	if end == nil {
		c.guard(func() *ending { c.endpoint.closed(c); return nil })
	}
	c.conn.Discard(c.server.opts.WriteTimeout + websocket.CloseGrace) // until the close frame is out and answered
	c.out.Finish(outbound.Frames{}, 0)                                // no more grace: who has hung up may still read
}

// ended is told why the connection can't be read any more.
func (c *client) ended(err error) {
	c.stopTimer()
	var protocol *websocket.ProtocolError
	var peer *websocket.CloseError
	switch {
	case errors.Is(err, websocket.ErrInterrupted): // shed: the close frame is on its way
	case errors.As(err, &protocol):
		c.server.hitConn(protocol)
		c.end(&ending{protocol.Code, protocol.Message})
	case errors.As(err, &peer):
		// Answered with its own words (RFC 6455, 5.5.1); if the server's went first, this is the answer to them.
		c.out.Finish(c.closeFrame(&ending{peer.Code, peer.Reason}), 0)
	default:
		c.out.Close()
	}
}

// end sends the close frame behind what is queued, from any goroutine. The reader goes on until the client answers, so
// that the connection ends then and not when its time is over.
func (c *client) end(e *ending) {
	c.stopTimer()
	c.out.Finish(c.closeFrame(e), websocket.CloseGrace)
}

func (c *client) closeFrame(e *ending) outbound.Frames {
	return c.server.arena.Put(websocket.AppendClose(nil, e.code, e.reason))
}

// Message takes one message.
func (c *client) Message(binary bool, data []byte) error {
	if !c.heard() {
		return c.ignore(len(data))
	}
	c.handling(time.Now())
	defer c.handling(time.Time{})
	if end := c.guard(func() *ending { return c.handle(binary, data) }); end != nil {
		c.end(end)
	}
	return nil
}

// longestCall is for how long a client is not asked whether it is still there while the server itself does not read
// what it sends.
const longestCall = time.Minute

// handling notes since when a message is being handled; zero: none is.
func (c *client) handling(since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = since
}

func (c *client) handle(binary bool, data []byte) *ending {
	switch {
	case !c.mayGoOn():
		return endRate
	case binary:
		return c.endpoint.binary(c, data)
	case string(data) == "ping":
		return c.send(websocket.OpText, []byte("pong"))
	case string(data) == "stop":
		return endStop
	default:
		return c.endpoint.text(c, data)
	}
}

// guard turns a panic in an endpoint into the end of this client alone.
func (c *client) guard(f func() *ending) (end *ending) {
	defer func() {
		if p := recover(); p != nil {
			c.server.note(c.server.lines.faults, slog.LevelError, "an endpoint panicked",
				"address", c.address, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			end = endInternal
		}
	}()
	return f()
}

// mayGoOn counts what the client has sent. A ping or pong costs the server as much as a message.
func (c *client) mayGoOn() bool {
	if c.rate.Allow() {
		return true
	}
	c.server.hit(LimitRate)
	return false
}

// Ping answers a ping frame.
func (c *client) Ping(data []byte) {
	if c.control(data) {
		c.send(websocket.OpPong, data)
	}
}

// Pong takes the answer to a ping.
func (c *client) Pong(data []byte) { c.control(data) }

// control is told of each ping and pong; false if the client is leaving.
func (c *client) control(data []byte) bool {
	switch {
	case !c.heard():
		_ = c.ignore(len(data)) // an error would end the reader, and ignore does that too
		return false
	case !c.mayGoOn():
		c.end(endRate)
		return false
	}
	return true
}

// mostIgnored is how many bytes are read from a client that is leaving. It may have sent them before it heard of it:
// one that sends tens of megabytes before it reads must still come to read the reason.
const mostIgnored = 64 << 20

// frameSize is what each frame counts beside its bytes: 256,000 empty ones, which take a tenth of a second, are read at
// most.
const frameSize = 256

var errIgnored = errors.New("plain: the client goes on sending though it was told to go")

// ignore counts what a client sends that is leaving. After too much of it nothing is read until the client has had
// time to hear why, and the connection is closed.
func (c *client) ignore(bytes int) error {
	before := c.ignored
	if c.ignored += bytes + frameSize; c.ignored <= mostIgnored {
		return nil
	}
	if before > mostIgnored {
		return errIgnored // of what had been read already
	}
	time.Sleep(websocket.CloseGrace)
	c.conn.Close()
	return errIgnored
}

// send queues a message for this client. One that can't be queued ends the client: WriteFailed is told.
func (c *client) send(op websocket.OpCode, data []byte) *ending {
	_ = c.out.Push(c.server.frame(op, data))
	return nil
}

// frame makes a frame for any number of clients.
func (sv *Server) frame(op websocket.OpCode, data []byte) outbound.Frames {
	return sv.arena.Put(websocket.AppendFrameHeader(make([]byte, 0, websocket.MaxHeader), op, len(data)), data)
}

// WriteFailed is called by the outbox when the connection takes nothing any more, or the client too little.
func (c *client) WriteFailed(err error) {
	c.server.hitWrite(err)
	if errors.Is(err, outbound.ErrQueueFull) {
		c.stopTimer()
		c.out.Cut(c.closeFrame(endSlow), websocket.CloseGrace)
		return
	}
	c.stopTimer()
	c.out.Close() // ends the reader
}

// FramesWaiting needs nothing done: what waits leaves as soon as the handshake is over.
func (c *client) FramesWaiting() {}

// beat runs when the client has been quiet: it is pinged, and then given up.
func (c *client) beat() {
	c.mu.Lock()
	switch {
	case c.over:
		c.mu.Unlock()
	case !c.busy.IsZero() && time.Since(c.busy) < longestCall: // its pong would not be read
		c.timer.Reset(c.server.opts.PingInterval)
		c.mu.Unlock()
	case c.awaited:
		c.mu.Unlock()
		c.end(endQuiet)
	default:
		c.awaited = true
		c.timer.Reset(c.server.opts.PingTimeout)
		c.mu.Unlock()
		c.send(websocket.OpPing, nil)
	}
}

// heard is told of everything that the client sends; false if it is leaving.
func (c *client) heard() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.received++
	}
	return c.quietFrom()
}

// alive is told when the client has taken what waited for it; false if it is leaving.
func (c *client) alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quietFrom()
}

// quietFrom starts the time anew in which the client may be quiet; false if it is leaving. c.mu must be held.
func (c *client) quietFrom() bool {
	if c.over {
		return false
	}
	c.awaited = false
	c.timer.Reset(c.server.opts.PingInterval)
	return true
}

// done returns a channel that is closed when the client is leaving.
func (c *client) done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone == nil {
		c.gone = make(chan struct{})
		if c.over {
			close(c.gone)
		}
	}
	return c.gone
}

func (c *client) startTimer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer = time.AfterFunc(c.server.opts.PingInterval, c.beat)
}

func (c *client) stopTimer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over && c.gone != nil {
		close(c.gone)
	}
	c.over = true
	if c.timer != nil {
		c.timer.Stop()
	}
}
