package socketio

import (
	"context"
	"fmt"
)

// Done returns a channel that is closed when the socket has ended. A handler that waits for something else should look at it
// too: the disconnect handlers run only when it has returned.
func (s *Socket) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.ended = make(chan struct{})
		if s.reason != "" {
			close(s.ended)
		}
	}
	return s.ended
}

// Flushed waits until everything that was emitted to the socket before has been handed to its client's transport. A handler
// that has much to send emits a part and waits, so that it fills neither the memory nor the session's queue, past whose
// limit a session ends. The error is ErrDisconnected, or ctx's own.
func (s *Socket) Flushed(ctx context.Context) error {
	select {
	case <-s.client.session.Flushed():
	case <-s.Done():
	case <-ctx.Done():
		return fmt.Errorf("socketio: not all was taken by the client: %w", ctx.Err())
	}
	if !s.Connected() {
		return ErrDisconnected
	}
	return nil
}
