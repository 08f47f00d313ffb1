package handlers

import (
	"context"
	"errors"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// A listener is one client as the core sees it. Calls of hear and Join come one at a time.
type listener interface {
	// hear queues one piece of news for this client alone.
	hear(e *feed.Entry) error
	// Join makes it one of those whom all news reach.
	Join()
	// Flushed waits until the client has taken what was queued before. An error says that it has left, or is ctx's
	// own.
	Flushed(ctx context.Context) error
	// Done is closed when it has left.
	Done() <-chan struct{}
	// CutOff ends a client that can't be told everything, and tells it so: it is the client's to come back.
	CutOff()
	// Address is its IP address.
	Address() string
	// turn names whose turn is its own: see Options.Turn.
	turn() string
}

// An answerer takes the answer to one request. It may be called from any goroutine.
type answerer interface {
	// wanted says whether the client asked for an answer.
	wanted() bool
	answer(v any) error
	refuse(err error)
}

// errLeft says that a client has left.
var errLeft = errors.New("the client has left")

// hasLeft says whether a client is gone, or going by itself.
func hasLeft(at listener, err error) bool {
	if errors.Is(err, errLeft) || socketio.IsEnding(err) {
		return true
	}
	select {
	case <-at.Done():
		return true
	default:
		return false
	}
}
