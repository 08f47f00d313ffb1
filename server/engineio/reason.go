package engineio

// A Reason says why a session ended. The strings are those of the reference server, apart from the last four,
// which it does not have at this level.
type Reason string

// Reasons.
const (
	ReasonTransportClose Reason = "transport close"      // the client closed, or its connection was lost
	ReasonTransportError Reason = "transport error"      // the connection failed, or broke the rules of its transport
	ReasonPingTimeout    Reason = "ping timeout"         // a heartbeat stayed unanswered
	ReasonParseError     Reason = "parse error"          // a packet could not be read
	ReasonForcedClose    Reason = "forced close"         // Session.Close was called
	ReasonServerShutdown Reason = "server shutting down" // Server.Close was called
	ReasonSlowConsumer   Reason = "slow consumer"        // the client took its messages too slowly
	ReasonRateLimit      Reason = "rate limit"           // the client sent packets too fast
	ReasonServerError    Reason = "server error"         // a method of the Handler panicked
)

func noneClosed() map[Reason]uint64 {
	return map[Reason]uint64{
		ReasonTransportClose: 0, ReasonTransportError: 0, ReasonPingTimeout: 0, ReasonParseError: 0, ReasonForcedClose: 0,
		ReasonServerShutdown: 0, ReasonSlowConsumer: 0, ReasonRateLimit: 0, ReasonServerError: 0,
	}
}
