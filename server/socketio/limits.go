package socketio

import (
	"errors"
	"fmt"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/socketio/wire"
)

// A Limit is a bound that clients can meet. Those that have a field in Options are named after it.
type Limit string

// Limits, beside those of engineio.
const (
	LimitConnectTime Limit = "ConnectTimeout"
	LimitAttachments Limit = "MaxAttachments"
	LimitDepth       Limit = "MaxDepth"
	LimitPayload     Limit = "MaxPayload"     // of the attachments of one packet together
	LimitMessageTime Limit = "MessageTimeout" // for all attachments of one packet to come
	LimitInbox       Limit = "MaxInbox"
	LimitNamespaces  Limit = "MaxNamespaces"
	LimitRooms       Limit = "MaxRooms"
	LimitAcks        Limit = "MaxAcks"
	LimitEventName   Limit = "MaxEventName"
	LimitEventRate   Limit = "MaxEventRate"
	LimitByteRate    Limit = "MaxByteRate"
	LimitArguments   Limit = "arguments"      // 16,384 of one packet
	LimitNamespace   Limit = "namespace name" // 8 KiB
	LimitAuth        Limit = "auth"           // 64 KiB
)

func newHits() limit.Hits {
	return limit.NewHits(string(LimitConnectTime), string(LimitAttachments), string(LimitDepth), string(LimitPayload), string(LimitMessageTime),
		string(LimitInbox), string(LimitNamespaces), string(LimitRooms), string(LimitAcks), string(LimitEventName),
		string(LimitEventRate), string(LimitByteRate), string(LimitArguments), string(LimitNamespace), string(LimitAuth))
}

func (io *Server) hit(l Limit) { io.hits.Add(string(l)) }

// What a server answers where a limit is met by its own doing.
var (
	// ErrTooManyRooms is returned by Join. It is one that a handler may return to its client as it is.
	ErrTooManyRooms error = &Error{Code: "too_many_rooms", Message: "too many rooms"}
	// ErrTooManyAcks is returned by EmitWithAck.
	ErrTooManyAcks = errors.New("socketio: the client has too many events to acknowledge")
)

// EventWarning is the event with which a client is told of a limit: {code, message}. After one with the code "rate" it may slow
// down and go on; any other is the last that it hears.
const EventWarning = "warning"

// broken are the limits that a packet can break, which ends its session.
var broken = map[*wire.ParseError]Limit{
	wire.ErrManyAttachments: LimitAttachments,
	errHeavy:                LimitPayload,
	wire.ErrDepth:           LimitDepth,
	wire.ErrLongEvent:       LimitEventName,
	wire.ErrManyArgs:        LimitArguments,
	wire.ErrNamespace:       LimitNamespace,
	errSlowPacket:           LimitMessageTime,
}

// refusePacket counts the limit that a packet broke, and tells the client which it was.
func (c *client) refusePacket(err error) {
	bad := (*wire.ParseError)(nil)
	if !errors.As(err, &bad) {
		return
	}
	if l, ok := broken[bad]; ok {
		c.io.hit(l)
		c.warn("/", &Error{Code: bad.Code, Message: bad.Message})
	}
}

// warn tells a client of a limit, in the namespace if it is in it, or in any.
func (c *client) warn(namespace string, warning *Error) {
	s := c.socket(namespace)
	if s == nil {
		s = c.anySocket()
	}
	if s != nil {
		_ = s.Emit(EventWarning, warning) // a session that is ending does not take it, and nobody needs to know
	}
}

func (c *client) anySocket() *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sockets) == 0 {
		return nil
	}
	return c.sockets[0]
}

// A pace is how fast a client has sent, on all its namespaces together: a client could open as many as it may just to be
// faster. The session's receiver uses it.
type pace struct {
	events limit.Meter
	bytes  limit.Meter
}

// hurry counts a packet, and says whether the client may go on. One that is too fast is warned, and then disconnected: it
// does not come back by itself.
func (c *client) hurry(p *wire.Packet, attachments [][]byte) (ok bool) {
	size := len(p.Data)
	for _, a := range attachments {
		size += len(a)
	}
	o := &c.io.opts
	events := c.pace.events.Spend(1, limit.Rate{PerSecond: o.MaxEventRate})
	bytes := c.pace.bytes.Spend(size, limit.Rate{PerSecond: o.MaxByteRate, Least: c.io.engine.MaxPayload()})
	switch {
	case events == limit.Fine && bytes == limit.Fine:
		return true
	case events >= bytes:
		return c.tooFast(events, p.Namespace, LimitEventRate, fmt.Sprintf("more than %d events a second", o.MaxEventRate))
	default:
		return c.tooFast(bytes, p.Namespace, LimitByteRate, fmt.Sprintf("more than %d bytes a second", o.MaxByteRate))
	}
}

func (c *client) tooFast(v limit.Verdict, namespace string, l Limit, what string) (ok bool) {
	if v == limit.Warn {
		c.io.warnings.Add(1)
		c.warn(namespace, &Error{Code: "rate", Message: what + ": slow down, or you will be disconnected"})
		return true
	}
	c.io.hit(l)
	c.warn(namespace, &Error{Code: "rate_limit", Message: what + ": disconnected"})
	c.endAll(ReasonRateLimit)
	c.session.Close()
	return false
}
