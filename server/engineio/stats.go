package engineio

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

// Stats returns them. Nothing is counted in one place for all sessions: each counts for itself, under a lock that it
// holds anyway, and this asks them all, which takes some milliseconds for 100,000.
func (sv *Server) Stats() Stats {
	st := sv.registry.pastStats()
	st.Hits = sv.hits.Counts()
	for _, s := range sv.registry.all() {
		s.addTo(&st)
	}
	return st
}
