package handlers

import (
	"context"
	"time"
)

// Places are a number of places, of which each is one caller's at a time.
type Places interface {
	// Acquire waits for a place and returns what gives it back; or the context's error. The key is whose share it is:
	// where many wait, each key gets the same.
	Acquire(ctx context.Context, key string) (release func(), err error)
}

// Kept knows how much of what is kept each address owns. All methods may be called concurrently.
type Kept interface {
	// May says whether an address may say so many bytes more.
	May(address string, size int, now time.Time) bool
	// Add counts what it has said.
	Add(address string, size int, now time.Time)
}

// A queue gives places in the order in which they are asked for.
type queue chan struct{}

func newQueue(places int) queue { return make(queue, places) }

// Acquire implements Places.
func (q queue) Acquire(ctx context.Context, _ string) (release func(), err error) {
	select {
	case q <- struct{}{}:
		return func() { <-q }, nil
	default:
	}
	select {
	case q <- struct{}{}:
		return func() { <-q }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
