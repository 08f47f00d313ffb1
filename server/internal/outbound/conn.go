package outbound

import "time"

// A Conn is what an outbox writes to. Package websocket's Conn is one, and its documentation tells what each method
// promises.
type Conn interface {
	TryWrite(bufs [][]byte) (int64, error)
	Write(bufs [][]byte, deadline time.Time) (int64, error)
	Close() error
}

// An OutboxOwner is told what happens to its outbox. FramesWaiting and WriteFailed come from the flusher's goroutine,
// which must not be held up.
type OutboxOwner interface {
	// FramesWaiting says that there are frames to Take.
	FramesWaiting()
	// WriteFailed says that the outbox can do no more: ErrQueueFull, or the connection's error.
	WriteFailed(error)
	// HeldBytes says by how much the bytes that the outbox holds (Size) have grown or shrunk, in whole steps of
	// HeldStep: of an outbox that holds less than one step it is never called. The sum of what it was told is never
	// negative, and 0 when nothing is held any more. It is called with the outbox's lock held and must be quick: an
	// atomic add.
	HeldBytes(delta int)
}
