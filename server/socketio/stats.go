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
	k := io.core
	st := Stats{
		Engine: k.engine.Stats(), Hits: k.hits.Counts(), Events: k.events.Sum(),
		Refused: k.refused.Load(), Dropped: k.dropped.Load(), Warnings: k.warnings.Load(),
	}
	st.Recovery = k.recovery.stats()
	for _, ns := range k.names.all() {
		st.Namespaces++
		ns.hub.addTo(&st)
	}
	return st
}
