package handlers

import (
	"context"
	"encoding/json"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// A listener is one client as the room sees it. Calls come one at a time, but for hear and Join, which the feed's publisher
// may make too while the client's handler waits for it.
type listener interface {
	// hear queues one piece of news for this client alone.
	hear(e *feed.Entry) error
	// Join makes it one of those whom all news reach.
	Join()
	// Flushed waits until the client has taken what was queued before; an error says that it has left.
	Flushed() error
	// Done is closed when it has left.
	Done() <-chan struct{}
	// CutOff ends a client that can't be told everything, and tells it so: it is the client's to come back.
	CutOff()
}

// An answerer takes the answer to one request. It may be called from any goroutine.
type answerer interface {
	answer(v any) error
	refuse(err error)
}

// socketListener is a client of Socket.IO.
type socketListener struct{ s *socketio.Socket }

func (l socketListener) hear(e *feed.Entry) error {
	data, err := argOf(e)
	if err != nil {
		return err
	}
	return l.s.Emit(eventNews, data, metaOf(e))
}

func (l socketListener) Join()                 { l.s.Join(speakers) }
func (l socketListener) Flushed() error        { return l.s.Flushed(context.Background()) }
func (l socketListener) Done() <-chan struct{} { return l.s.Done() }
func (l socketListener) CutOff()               { l.s.Disconnect(true) }

// argOf returns what was said as it came in.
func argOf(e *feed.Entry) (socketio.Arg, error) { return socketio.RestoreArg(e.Data, e.Attachments) }

// asker answers by the acknowledgement of an event.
type asker struct{ e *socketio.Event }

func (a asker) answer(v any) error { return a.e.Ack(v) }

func (a asker) refuse(err error) {
	_ = a.e.Ack(struct { // the socket may have ended
		Error *socketio.Error `json:"error"`
	}{socketio.PublicError(err)})
}

// A Listener is where the news of a [Guest] go.
type Listener interface {
	// Hear queues one piece of news for the guest alone: see [Audience] for the arguments.
	Hear(data json.RawMessage, from, id string, at int64, offset uint64) error
	// Join makes the guest one of those whom the Audience tells. It must not wait.
	Join()
	// Flushed waits until the guest has taken what was queued before; an error says that it has left.
	Flushed() error
	// Done is closed when the guest has left.
	Done() <-chan struct{}
	// CutOff ends a guest that can't be told everything.
	CutOff()
}

// guestListener is a guest.
type guestListener struct{ Listener }

func (l guestListener) hear(e *feed.Entry) error {
	data, err := argOf(e)
	if err != nil {
		return err
	}
	text, err := data.MarshalJSON()
	if err != nil {
		return err
	}
	return l.Hear(text, e.From, e.ID, e.At, e.Offset)
}

// A teller answers a guest.
type teller func(answer, failure any)

func (t teller) answer(v any) error { t(v, nil); return nil }
func (t teller) refuse(err error)   { t(nil, socketio.PublicError(err)) }
