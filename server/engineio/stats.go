package engineio

import (
	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/websocket"
)

// A Limit is a bound that clients can meet. Those that have a field in Options are named after it.
type Limit string

// Limits.
const (
	LimitSessions        Limit = "MaxSessions"
	LimitAddressSessions Limit = "Addresses.MaxOpen"
	LimitAddressRate     Limit = "Addresses.MaxRate"
	LimitPayload         Limit = "MaxPayload"
	LimitPackets         Limit = "MaxPackets"
	LimitFragments       Limit = "MaxFragments"
	LimitMessageTime     Limit = "MessageTimeout"
	LimitQueue           Limit = "MaxQueue"
	LimitWriteTime       Limit = "WriteTimeout"
	LimitUpgradeTime     Limit = "UpgradeTimeout"
	LimitPacketRate      Limit = "MaxPacketRate"
)

func newHits() limit.Hits {
	return limit.NewHits(string(LimitSessions), string(LimitAddressSessions), string(LimitAddressRate), string(LimitPayload),
		string(LimitPackets), string(LimitFragments), string(LimitMessageTime), string(LimitQueue), string(LimitWriteTime),
		string(LimitUpgradeTime), string(LimitPacketRate))
}

// hitConn counts the limit of a connection that its client broke, if it was one.
func (c *core) hitConn(err *websocket.ProtocolError) {
	switch err.Limit {
	case websocket.LimitMessage:
		c.hit(LimitPayload)
	case websocket.LimitFragments:
		c.hit(LimitFragments)
	case websocket.LimitTime:
		c.hit(LimitMessageTime)
	}
}

// Stats are what has happened since the server was made, and how things stand.
type Stats struct {
	Polling   int               // open sessions that are on long-polling
	WebSocket int               // and those on WebSocket
	Queued    int               // bytes that wait for clients, or are on their way to them
	Opened    uint64            // sessions
	Closed    map[Reason]uint64 // sessions
	Received  uint64            // packets, heartbeats included
	Sent      uint64            // queued for clients: packets, heartbeats included; those sent as one are one
	Hits      map[string]uint64 // how often each Limit was met, by its name
}

// Stats returns them. Nothing is counted in one place for all sessions: each counts for itself, under a lock that it holds
// anyway, and this asks them all, which takes some milliseconds for 100,000.
func (sv *Server) Stats() Stats {
	st := sv.registry.pastStats()
	st.Hits = sv.hits.Counts()
	for _, s := range sv.registry.all() {
		s.addTo(&st)
	}
	return st
}

func noneClosed() map[Reason]uint64 {
	return map[Reason]uint64{
		ReasonTransportClose: 0, ReasonTransportError: 0, ReasonPingTimeout: 0, ReasonParseError: 0, ReasonForcedClose: 0,
		ReasonServerShutdown: 0, ReasonSlowConsumer: 0, ReasonRateLimit: 0, ReasonServerError: 0,
	}
}
