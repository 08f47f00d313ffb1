package socketio

// WorkerOf returns the number of the flusher's worker that writes to the socket's client.
func WorkerOf(s *Socket) int { return engine.Worker(s.session) }

// IsReady says whether an event to the socket could leave at once: on long-polling, whether a poll waits.
func IsReady(s *Socket) bool { return s.session.Ready() }

// Awaited is how many acknowledgements the socket's client owes.
func Awaited(s *Socket) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acks)
}

// MaxRoomChanges is how many changes wait for the hooks of rooms.
const MaxRoomChanges = maxRoomChanges

// Tapped is how many sockets are told of what is sent to their clients.
func Tapped(ns *Namespace) int64 { return ns.tapped.n.Load() }

// LostNetworks returns of how many networks there are lost sessions.
func LostNetworks(io *Server) int {
	r := io.core.recovery.(*record)
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.lost.networks)
}
