package socketio

import (
	"fmt"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/socketio/wire"
)

// A pace is how fast a client has sent, on all its namespaces together: a client could open as many as it may
// just to be faster. The session's receiver uses it.
type pace struct {
	events limit.Meter
	bytes  limit.Meter
}

// rates are what a client may send in a second.
type rates struct{ events, bytes int }

// LimitRates puts other values in the place of Options.MaxEventRate and MaxByteRate, which must be positive.
func (io *Server) LimitRates(events, bytes int) { io.core.rates.Store(&rates{events, bytes}) }

// hurry counts a packet, and says whether the client may go on. One that is too fast is warned, and then
// disconnected: it does not come back by itself.
func (c *client) hurry(p *wire.Packet, attachments [][]byte) (ok bool) {
	size := len(p.Data)
	for _, a := range attachments {
		size += len(a)
	}
	most := c.core.rates.Load()
	events := c.pace.events.Spend(1, limit.Rate{PerSecond: most.events})
	bytes := c.pace.bytes.Spend(size, limit.Rate{PerSecond: most.bytes, Least: c.core.engine.MaxPayload()})
	switch {
	case events == limit.Fine && bytes == limit.Fine:
		return true
	case events >= bytes:
		return c.tooFast(events, p.Namespace, LimitEventRate, fmt.Sprintf("more than %d events a second", most.events))
	default:
		return c.tooFast(bytes, p.Namespace, LimitByteRate, fmt.Sprintf("more than %d bytes a second", most.bytes))
	}
}

func (c *client) tooFast(v limit.Verdict, namespace string, l Limit, what string) (ok bool) {
	if v == limit.Warn {
		c.core.warnings.Add(1)
		c.warn(namespace, &Error{Code: "rate", Message: what + ": slow down, or you will be disconnected"})
		return true
	}
	c.core.hit(l)
	c.warn(namespace, &Error{Code: "rate_limit", Message: what + ": disconnected"})
	c.endAll(ReasonRateLimit)
	c.session.Close()
	return false
}
