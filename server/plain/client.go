package plain

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/crier/crier/server/websocket"
)

// A client is one connection to an endpoint.
type client struct {
	server   *Server
	endpoint endpoint
	address  string
	conn     *websocket.Conn
	out      websocket.Outbox
	rate     *rate.Limiter // the reader's
	ended    *ending       // the reader's: what Message decided

	seat int // of an audience that it is in; guarded by its lock, 0 meaning none
	own  any // what the endpoint keeps with the client; the reader's

	mu sync.Mutex // guards the following

	timer   *time.Timer // until it is pinged, or given up
	awaited bool        // a ping is out and nothing has come since
	over    bool        // it is leaving
}

// serve makes a WebSocket of a request and reads it until it ends.
func (sv *Server) serve(w http.ResponseWriter, r *http.Request, e endpoint) {
	if !websocket.IsUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "This is a WebSocket endpoint.", http.StatusUpgradeRequired)
		return
	}
	conn, err := websocket.Upgrade(w, r, websocket.UpgradeOptions{
		Subprotocols: []string{e.subprotocol()},
		Compression:  sv.opts.Compression,
		Limits:       websocket.ReadLimits{MaxMessage: sv.opts.MaxPayload},
	})
	if err != nil {
		return // Upgrade has answered
	}
	c := &client{
		server: sv, endpoint: e, conn: conn, address: r.RemoteAddr,
		rate: rate.NewLimiter(rate.Limit(sv.opts.MaxRate), 2*sv.opts.MaxRate),
	}
	c.out.Init(sv.flusher, c, websocket.OutboxLimits{MaxBytes: sv.opts.MaxQueue, WriteTimeout: sv.opts.WriteTimeout})
	c.out.Attach(conn)
	sv.readers.Add(1)
	go c.run(sv.opts.AllowOrigin(r)) // ends with the connection
}

// run is the client's life. It is not in the goroutine that served the handshake: that one's stack has grown, and holds
// the request.
func (c *client) run(allowed bool) {
	defer c.server.readers.Done()
	if end := c.begin(allowed); end != nil {
		c.finish(end)
	} else {
		c.read()
	}
	c.conn.Discard(c.server.opts.WriteTimeout + websocket.CloseGrace) // until the close frame is out and answered
	c.conn.Close()
}

// begin lets the client in, or says why not: after the handshake, since a browser shows a page no other refusal.
func (c *client) begin(allowed bool) *ending {
	if !allowed {
		return endOrigin
	}
	if end := c.server.add(c); end != nil {
		return end
	}
	c.mu.Lock()
	c.timer = time.AfterFunc(c.server.opts.PingInterval, c.beat)
	c.mu.Unlock()
	return nil
}

func (c *client) read() {
	defer c.server.remove(c)
	defer c.stopTimer()
	end := c.guard(func() *ending { return c.endpoint.enter(c) })
	if end == nil {
		defer c.guard(func() *ending { c.endpoint.leave(c); return nil })
		end = c.endingOf(c.conn.Read(c))
	}
	if end != nil {
		c.finish(end)
	}
}

// endingOf says how a connection ends that can't be read any more; nil if there is nobody left to tell.
func (c *client) endingOf(err error) *ending {
	var protocol *websocket.ProtocolError
	var peer *websocket.CloseError
	switch {
	case c.ended != nil:
		return c.ended
	case errors.As(err, &protocol):
		return &ending{protocol.Code, protocol.Message}
	case errors.As(err, &peer):
		c.out.Finish(c.closeFrame(&ending{code: peer.Code}), 0) // answered with its own code (RFC 6455, 5.5.1)
		return nil
	}
	c.out.Close()
	return nil
}

// finish sends the close frame behind what is queued.
func (c *client) finish(end *ending) { c.out.Finish(c.closeFrame(end), websocket.CloseGrace) }

func (c *client) closeFrame(end *ending) websocket.Frames {
	return c.server.arena.Put(websocket.AppendClose(nil, end.code, end.reason))
}

// sayGoodbye ends the client at the server's wish, from any goroutine: its answer ends the reader.
func (c *client) sayGoodbye(end *ending) {
	c.stopTimer()
	c.finish(end)
}

var errEnded = errors.New("plain: the connection is ending")

// Message takes one message.
func (c *client) Message(binary bool, data []byte) error {
	c.heard()
	c.ended = c.guard(func() *ending { return c.handle(binary, data) })
	if c.ended != nil {
		return errEnded
	}
	return nil
}

func (c *client) handle(binary bool, data []byte) *ending {
	switch {
	case !c.rate.Allow():
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
			c.server.opts.Logger.Error("an endpoint panicked", "address", c.address, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			end = endInternal
		}
	}()
	return f()
}

// Ping answers a ping frame.
func (c *client) Ping(data []byte) {
	c.heard()
	c.send(websocket.OpPong, data)
}

// Pong takes the answer to a ping.
func (c *client) Pong([]byte) { c.heard() }

// send queues a message for this client. One that can't be queued ends the client: WriteFailed is told.
func (c *client) send(op websocket.OpCode, data []byte) *ending {
	_ = c.out.Push(c.server.frame(op, data))
	return nil
}

// frame makes a frame for any number of clients.
func (sv *Server) frame(op websocket.OpCode, data []byte) websocket.Frames {
	return sv.arena.Put(websocket.AppendFrameHeader(make([]byte, 0, websocket.MaxHeader), op, len(data)), data)
}

// WriteFailed is called by the outbox when the connection takes nothing any more, or the client too little.
func (c *client) WriteFailed(err error) {
	if errors.Is(err, websocket.ErrQueueFull) {
		c.stopTimer()
		c.out.Cut(c.closeFrame(endSlow), websocket.CloseGrace)
		return
	}
	c.out.Close() // ends the reader
}

// FramesWaiting is never called: a client has its connection from the start.
func (c *client) FramesWaiting() {}

// beat runs when the client has been quiet: it is pinged, and then given up.
func (c *client) beat() {
	c.mu.Lock()
	switch {
	case c.over:
		c.mu.Unlock()
	case c.awaited:
		c.mu.Unlock()
		c.finish(endQuiet)
	default:
		c.awaited = true
		c.timer.Reset(c.server.opts.PingTimeout)
		c.mu.Unlock()
		c.send(websocket.OpPing, nil)
	}
}

// heard is told of everything that the client sends.
func (c *client) heard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.awaited = false
		c.timer.Reset(c.server.opts.PingInterval)
	}
}

func (c *client) stopTimer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.timer != nil {
		c.timer.Stop()
	}
}
