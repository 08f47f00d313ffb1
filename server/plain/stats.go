package plain

import (
	"errors"
	"os"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/internal/outbound"
	"github.com/crier/crier/server/websocket"
)

// A Limit is a bound that clients can meet, named after its field in Options.
type Limit string

// Limits.
const (
	LimitClients        Limit = "MaxClients"
	LimitRate           Limit = "MaxRate"
	LimitAddressClients Limit = "Addresses.MaxOpen"
	LimitAddressRate    Limit = "Addresses.MaxRate"
	LimitPayload        Limit = "MaxPayload"
	LimitFragments      Limit = "MaxFragments"
	LimitMessageTime    Limit = "MessageTimeout"
	LimitQueue          Limit = "MaxQueue"
	LimitWriteTime      Limit = "WriteTimeout"
)

func newHits() limit.Hits {
	return limit.NewHits(string(LimitClients), string(LimitRate), string(LimitAddressClients), string(LimitAddressRate),
		string(LimitPayload), string(LimitFragments), string(LimitMessageTime), string(LimitQueue), string(LimitWriteTime))
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

// hitWrite counts the limit that a client met by taking too little.
func (sv *Server) hitWrite(err error) {
	switch {
	case errors.Is(err, outbound.ErrQueueFull):
		sv.hit(LimitQueue)
	case errors.Is(err, os.ErrDeadlineExceeded):
		sv.hit(LimitWriteTime)
	}
}

// Stats are what has happened since the server was made, and how things stand.
type Stats struct {
	Clients  int
	Queued   int               // bytes that wait for clients, or are on their way to them
	Received uint64            // messages, pings and pongs
	Sent     uint64            // queued for clients: messages, pings and pongs
	Hits     map[string]uint64 // how often each Limit was met, by its name
}

// Stats returns them: each client counts for itself, and this asks them all.
func (sv *Server) Stats() Stats {
	sv.mu.Lock()
	st := sv.past
	st.Clients = len(sv.clients)
	all := make([]*client, 0, len(sv.clients))
	for c := range sv.clients {
		all = append(all, c)
	}
	sv.mu.Unlock()
	st.Hits = sv.hits.Counts()
	for _, c := range all {
		c.addTo(&st)
	}
	return st
}

func (c *client) addTo(st *Stats) {
	c.mu.Lock()
	st.Received += c.received
	c.mu.Unlock()
	st.Queued += c.out.Size()
	st.Sent += c.out.Pushed()
}

// keep counts a client that has left among those of the past. sv.mu must be held.
func (sv *Server) keep(last Stats) {
	sv.past.Received += last.Received
	sv.past.Sent += last.Sent
}
