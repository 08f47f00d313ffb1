package socketio

// WorkerOf returns the number of the flusher's worker that writes to the socket's client.
func WorkerOf(s *Socket) int { return s.session.Worker() }

// RecoverAtOnce lets clients be recovered as often as they like.
func RecoverAtOnce(io *Server) { io.core.recoveryPause = 0 }

// IsReady says whether an event to the socket could leave at once: on long-polling, whether a poll waits.
func IsReady(s *Socket) bool { return s.session.Ready() }
