package socketio

import "github.com/crier/crier/server/engineio"

// A Reason says why a socket was disconnected. The strings are the reference server's own, apart from
// ReasonSlowConsumer and ReasonRateLimit, which it has no names for.
type Reason string

// Reasons.
const (
	ReasonTransportClose   = Reason(engineio.ReasonTransportClose) // the client closed, or its connection was lost
	ReasonTransportError   = Reason(engineio.ReasonTransportError) // the connection failed, or broke its transport's rules
	ReasonPingTimeout      = Reason(engineio.ReasonPingTimeout)    // a heartbeat stayed unanswered
	ReasonParseError       = Reason(engineio.ReasonParseError)     // a packet could not be read
	ReasonForcedClose      = Reason(engineio.ReasonForcedClose)    // closed for what was sent or not, or by Conn.Close
	ReasonServerShutdown   = Reason(engineio.ReasonServerShutdown) // Server.Close was called
	ReasonSlowConsumer     = Reason(engineio.ReasonSlowConsumer)   // the client took its messages too slowly
	ReasonClientDisconnect = Reason("client namespace disconnect") // the client called disconnect
	ReasonServerDisconnect = Reason("server namespace disconnect") // Socket.Disconnect was called, or a handler panicked
	ReasonRateLimit        = Reason("rate limit")                  // the client went on too fast when it was warned
)

// Reconnects says whether the client comes back by itself: always, unless one of the two sides said that it
// should not.
func (r Reason) Reconnects() bool {
	return r != ReasonClientDisconnect && !r.told()
}

// told says whether the client is told with a DISCONNECT, after which it does not come back by itself.
func (r Reason) told() bool { return r == ReasonServerDisconnect || r == ReasonRateLimit }

// recoverable says whether a socket that ended for this reason may be recovered: when neither side wanted it to
// end. After ReasonServerShutdown, after which the reference server keeps it too, there is nobody to come back
// to.
func (r Reason) recoverable() bool {
	switch r {
	case ReasonTransportClose, ReasonTransportError, ReasonPingTimeout, ReasonForcedClose, ReasonSlowConsumer:
		return true
	}
	return false
}
