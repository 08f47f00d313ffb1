package socketio

import (
	"errors"

	"github.com/crier/crier/server/socketio/wire"
)

// broken are the limits that a packet can break, which ends its session.
var broken = map[*wire.ParseError]Limit{
	wire.ErrManyAttachments: LimitAttachments,
	errHeavy:                LimitPayload,
	wire.ErrText:            LimitPayload,
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
		c.core.hit(l)
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

// fail ends a session whose packet broke the protocol or a limit.
func (c *client) fail(err error) {
	c.core.opts.Logger.Debug("a packet can't be read", "address", c.session.Request().RemoteAddr, "error", err)
	c.refusePacket(err)
	c.Conn.Close()
}
