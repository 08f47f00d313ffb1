package engineio

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/internal/outbound"
	"github.com/crier/crier/server/websocket"
)

// A core is what the sessions of a server have in common. It knows no session's methods.
type core struct {
	opts     Options
	arena    outbound.Arena
	flusher  *outbound.Flusher
	queues   outbound.OutboxLimits
	hearts   []heart // one for each worker of the flusher
	offers   map[string][]byte
	controls [controlKinds][forms]outbound.Frames
	hits     limit.Hits
	panics   *limit.Outlet
	uncommon atomic.Int64 // sessions on long-polling, and those in another coding: messages have other forms for them
	registry registry

	packetRate atomic.Int64 // Options.MaxPacketRate, or what LimitPackets put in its place
}

// The packets without data that a server sends, each in every form.
const (
	firstControl = packetClose
	controlKinds = int(packetNoop-firstControl) + 1
)

func newCore(o Options, due func(*Session, *outbound.Batch)) *core {
	c := &core{opts: o, flusher: outbound.NewFlusher(), hits: newHits(), panics: limit.NewOutlet()}
	c.packetRate.Store(int64(o.MaxPacketRate))
	c.queues = outbound.OutboxLimits{MaxBytes: o.MaxQueue, WriteTimeout: o.WriteTimeout}
	c.registry.init(o.Addresses, o.MaxSessions)
	c.offers = map[string][]byte{Polling: o.offer(Polling), WebSocket: o.offer(WebSocket)}
	for kind := range c.controls {
		for f := range c.controls[kind] {
			p := packet{kind: firstControl + packetType(kind)}
			c.controls[kind][f] = c.arena.Put(appendPacket(nil, p.kind.digit(), nil, form(f)))
		}
	}
	c.hearts = newHearts(&c.opts, c.flusher.Workers(), due)
	return c
}

// control returns a packet without data in a form.
func (c *core) control(kind packetType, f form) outbound.Frames {
	return c.controls[kind-firstControl][f&^formRecoded]
}

// boundBody limits how long a client may take to send a body that nobody reads, which net/http waits for before it
// answers. A payload sets limits of its own; net/http lifts these for the connection's next request, and when it is
// handed over to a WebSocket. Not every ResponseWriter has deadlines; the HTTP server's own timeouts hold for those
// that have none.
func (c *core) boundBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		return // only the connection's end is waited for, by polls for long
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(c.opts.WriteTimeout))
	c.boundAnswer(w) // should nobody get to it
}

// mostPassedOver is how many bytes of a GET's body are passed over.
const mostPassedOver = 16 << 10

// ignoreBody reads the body of a GET, which the reference server passes over, and reports whether it was read whole.
// Proxies send an empty one in chunks, of which only its end tells that it is empty; and net/http does not notice that
// a client hangs up before it has read the body.
func (c *core) ignoreBody(w http.ResponseWriter, r *http.Request) bool {
	if r.ContentLength == 0 {
		return true
	}
	if r.ContentLength > mostPassedOver {
		return false
	}
	n, err := io.Copy(io.Discard, io.LimitReader(r.Body, mostPassedOver+1))
	if n > mostPassedOver || err != nil {
		return false
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // of boundBody
	return true
}

// boundAnswer gives the client one write timeout to send the rest of a body, and one to take a short answer.
func (c *core) boundAnswer(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2 * c.opts.WriteTimeout))
}

// addHeaders lets the program add header fields to an answer; initial: to the one that opens a session.
func (c *core) addHeaders(h http.Header, r *http.Request, initial bool) {
	if initial && c.opts.InitialHeaders != nil {
		c.opts.InitialHeaders(h, r)
	}
	if c.opts.Headers != nil {
		c.opts.Headers(h, r)
	}
}

func (c *core) tellRefused(r *http.Request, e *refusal) {
	if c.opts.ConnectionError != nil {
		c.opts.ConnectionError(&ConnectionError{r, e.status, e.Code, e.Message})
	}
}

// refuse answers a request that can't be served.
func (c *core) refuse(w http.ResponseWriter, r *http.Request, e *refusal) {
	c.tellRefused(r, e)
	c.boundAnswer(w)
	e.write(w)
}

// reserve makes room for one more session of an address, which registry.unreserve gives back; or it says why there is
// none.
func (c *core) reserve(r *http.Request, address string) *refusal {
	err := c.registry.reserve(address)
	if err == nil {
		return nil
	}
	refused, hit := refuseFull, LimitSessions
	switch {
	case errors.Is(err, ErrAddressRate):
		refused, hit = refuseTooFast, LimitAddressRate
	case errors.Is(err, ErrAddressSessions):
		refused, hit = refuseTooMany, LimitAddressSessions
	}
	c.hit(hit)
	if c.opts.Refused != nil {
		c.opts.Refused(r, hit)
	}
	return refused
}

// upgrade makes a WebSocket of a request; on failure it has answered. A deferred acceptance goes out with the first
// frame. initial: it opens a session. held is told of what is held of the client's messages.
func (c *core) upgrade(
	w http.ResponseWriter, r *http.Request, initial, deferred bool, held func(delta int),
) (*websocket.Conn, error) {
	c.boundAnswer(w)
	header := http.Header{}
	if allowed := w.Header()["Vary"]; allowed != nil {
		header["Vary"] = allowed
	}
	c.addHeaders(header, r, initial)
	conn, err := websocket.Upgrade(w, r, websocket.UpgradeOptions{
		AnySubprotocol: true, // as the reference server (ws, completeUpgrade), to which they say nothing
		Compression:    c.opts.CompressWebSocket,
		Header:         header,
		Defer:          deferred,
		Limits: websocket.ReadLimits{
			MaxMessage: c.opts.MaxPayload, MaxFragments: c.opts.MaxFragments, FragmentTimeout: c.opts.MessageTimeout,
			Held: held,
		},
	})
	if bad := (*websocket.HandshakeError)(nil); errors.As(err, &bad) {
		c.tellRefused(r, &refusal{bad.Status, refuseRequest.Code, bad.Message, 0, ""})
	}
	return conn, err
}

func (c *core) closeFrame(code websocket.CloseCode, reason string) outbound.Frames {
	return c.arena.Put(websocket.AppendClose(nil, code, reason))
}

func (c *core) hit(l Limit) { c.hits.Add(string(l)) }

// logPanic is called where p was recovered: the stack is the one that led there. Not each has its line in the log:
// what makes a handler panic may come again and again.
func (c *core) logPanic(method, address string, p any) {
	if held, ok := c.panics.Next(); ok {
		c.opts.Logger.Error("a session's handler panicked", "method", method, "address", address,
			"panic", fmt.Sprint(p), "stack", string(debug.Stack()), "not_logged", held)
	}
}
