// Package fanout is how socketio sends one event to very many sessions of engineio. What it takes to be fast, such as
// to run in the goroutine of the worker that owns a session's queue, is no part of what engineio offers to programs.
//
// The functions are engineio's, which this package must not import: it knows their types as V (*engineio.Server),
// S (*engineio.Session) and P (engineio.Prepared).
package fanout

import "github.com/crier/crier/server/internal/outbound"

// Access is what engineio lets socketio do.
type Access[V, S, P any] struct {
	// Flusher returns what writes to the server's sessions. What is sent to many of them can be posted to it as a task,
	// which sends with SendPrepared or a Sequence, and takes no locks.
	Flusher func(V) *outbound.Flusher

	// Worker returns the number of the flusher's worker that the session belongs to, for life.
	Worker func(S) int

	// SendPrepared sends to one of many sessions. The frames leave after Batch.Flush. It does not look at what the
	// flusher has yet to deliver: the caller sees to the order. The error is that of Session.Send.
	SendPrepared func(S, *P, *outbound.Batch) error

	// Size returns how many bytes of memory the messages take.
	Size func(*P) int

	// NewSequence returns an empty sequence.
	NewSequence func() Sequence[S, P]
}

// A Sequence is what goes to the same sessions, one behind the other: a queue takes most of it as one piece. Between
// them may stand what goes to one session alone: a server that answers each message and tells it to everybody would
// otherwise have no two in a row. It is used by one task at a time.
type Sequence[S, P any] interface {
	// Add adds p at the end.
	Add(p *P)

	// AddTask adds at the end what Session.Send has posted; false if the task is something else.
	AddTask(outbound.Task) bool

	// SendTo sends all that is for the session: see Access.SendPrepared.
	SendTo(S, *outbound.Batch)

	// Finish sends what is left to sessions that SendTo was not called for, and empties the sequence.
	Finish(*outbound.Batch)
}

// provided is an Access.
var provided any

// Provide is called by engineio, when it is loaded.
func Provide[V, S, P any](a Access[V, S, P]) { provided = a }

// Get returns what engineio has provided. Its caller imports engineio, which is therefore loaded before.
func Get[V, S, P any]() Access[V, S, P] { return provided.(Access[V, S, P]) }
