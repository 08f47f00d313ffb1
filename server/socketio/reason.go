package socketio

import "github.com/crier/crier/server/engineio"

// A Reason says why a socket was disconnected. The strings are the reference server's own, apart from
// ReasonSlowConsumer, which it has no name for.
type Reason string

// Reasons.
const (
	ReasonTransportClose    = Reason(engineio.ReasonTransportClose) // the client closed, or its connection was lost
	ReasonTransportError    = Reason(engineio.ReasonTransportError) // the connection failed, or broke the rules of its transport
	ReasonPingTimeout       = Reason(engineio.ReasonPingTimeout)    // a heartbeat stayed unanswered
	ReasonParseError        = Reason(engineio.ReasonParseError)     // a packet could not be read
	ReasonForcedClose       = Reason(engineio.ReasonForcedClose)    // the session was closed because of what the client sent
	ReasonServerShutdown    = Reason(engineio.ReasonServerShutdown) // Server.Close was called
	ReasonSlowConsumer      = Reason(engineio.ReasonSlowConsumer)   // the client took its messages too slowly
	ReasonServerForcedClose = Reason("forced server close")         // the session joined no namespace, or spoke to one that it had not joined
	ReasonClientDisconnect  = Reason("client namespace disconnect") // the client called disconnect
	ReasonServerDisconnect  = Reason("server namespace disconnect") // Socket.Disconnect was called, or a handler panicked
)

// Reconnects says whether the client comes back by itself: always, unless one of the two sides said that it should not.
func (r Reason) Reconnects() bool {
	return r != ReasonClientDisconnect && r != ReasonServerDisconnect
}
