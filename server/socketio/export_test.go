package socketio

// WorkerOf returns the number of the flusher's worker that writes to the socket's client.
func WorkerOf(s *Socket) int { return s.client.session.Worker() }
