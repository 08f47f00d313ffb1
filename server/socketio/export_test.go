package socketio

// WorkerOf returns the number of the flusher's worker that writes to the socket's client.
func WorkerOf(s *Socket) int { return engine.Worker(s.session) }

// IsReady says whether an event to the socket could leave at once: on long-polling, whether a poll waits.
func IsReady(s *Socket) bool { return s.session.Ready() }
