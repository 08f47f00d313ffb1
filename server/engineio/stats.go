package engineio

import (
	"maps"

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
)

func newHits() limit.Hits {
	return limit.NewHits(string(LimitSessions), string(LimitAddressSessions), string(LimitAddressRate), string(LimitPayload),
		string(LimitPackets), string(LimitFragments), string(LimitMessageTime), string(LimitQueue), string(LimitWriteTime),
		string(LimitUpgradeTime))
}

func (sv *Server) hit(l Limit) { sv.hits.Add(string(l)) }

// hitConn counts the limit of a connection that its client broke, if it was one.
func (sv *Server) hitConn(err *websocket.ProtocolError) {
	switch err.Limit {
	case websocket.LimitMessage:
		sv.hit(LimitPayload)
	case websocket.LimitFragments:
		sv.hit(LimitFragments)
	case websocket.LimitTime:
		sv.hit(LimitMessageTime)
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
	sv.mu.RLock()
	st := sv.past
	st.Closed = maps.Clone(st.Closed)
	all := make([]*Session, 0, len(sv.sessions))
	for _, s := range sv.sessions {
		all = append(all, s)
	}
	sv.mu.RUnlock()
	st.Hits = sv.hits.Counts()
	for _, s := range all {
		s.addTo(&st)
	}
	return st
}

// addTo adds what a session has counted.
func (s *Session) addTo(st *Stats) {
	s.mu.Lock()
	if s.conn != nil {
		st.WebSocket++
	} else {
		st.Polling++
	}
	st.Received += s.received
	s.mu.Unlock()
	st.Queued += s.out.Size()
	st.Sent += s.out.Pushed()
}

// keep counts a session that has ended among those of the past. sv.mu must be held.
func (sv *Server) keep(last Stats, reason Reason) {
	sv.past.Closed[reason]++
	sv.past.Received += last.Received
	sv.past.Sent += last.Sent
}

func noneClosed() map[Reason]uint64 {
	return map[Reason]uint64{
		ReasonTransportClose: 0, ReasonTransportError: 0, ReasonPingTimeout: 0, ReasonParseError: 0, ReasonForcedClose: 0,
		ReasonServerShutdown: 0, ReasonSlowConsumer: 0,
	}
}
