package socketio

import "github.com/crier/crier/server/engineio"

// Stats are what has happened since the server was made, and how things stand.
type Stats struct {
	Engine     engineio.Stats
	Namespaces int
	Rooms      int               // of all namespaces, without those of the sockets' own ids
	Sockets    int               // connected
	Events     uint64            // that came in
	Refused    uint64            // of these: a middleware or a handler returned an error
	Dropped    uint64            // volatile events, for each client that was not ready for one
	Warnings   uint64            // to clients that sent too fast
	Hits       map[string]uint64 // how often each Limit was met, by its name
	Recovery   RecoveryStats
}

// RecoveryStats are those of what is kept for clients that may come back.
type RecoveryStats struct {
	Packets, Bytes int    // held events
	Sessions       int    // lost, and not yet back
	Recovered      uint64 // that came back whole
	New            uint64 // whose client asked for its socket, and was told that it is new
}

// Stats returns them: see [engineio.Server.Stats] for what it costs.
func (io *Server) Stats() Stats {
	st := Stats{
		Engine: io.engine.Stats(), Hits: io.hits.Counts(), Events: io.events.Sum(),
		Refused: io.refused.Load(), Dropped: io.dropped.Load(), Warnings: io.warnings.Load(),
	}
	st.Recovery = io.record.stats()
	for _, ns := range io.all() {
		st.Namespaces++
		ns.hub.addTo(&st)
	}
	return st
}

func (io *Server) all() []*Namespace {
	io.mu.Lock()
	defer io.mu.Unlock()
	all := make([]*Namespace, 0, len(io.namespaces))
	for _, ns := range io.namespaces {
		all = append(all, ns)
	}
	return all
}

func (h *hub) addTo(st *Stats) {
	h.mu.Lock()
	defer h.mu.Unlock()
	st.Sockets += len(h.sockets)
	st.Rooms += len(h.rooms)
}
