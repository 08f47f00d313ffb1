package handlers

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// A Listener is where the news of a [Guest] go.
type Listener interface {
	// Hear queues one piece of news for the guest alone: see [Audience] for the arguments.
	Hear(data json.RawMessage, from, id string, at int64, offset uint64) error
	// Join makes the guest one of those whom the Audience tells. It must not wait.
	Join()
	// Flushed waits until the guest has taken what was queued before. An error says that it has left, or is ctx's own.
	Flushed(ctx context.Context) error
	// Done is closed when the guest has left.
	Done() <-chan struct{}
	// CutOff ends a guest that can't be told everything.
	CutOff()
	// Address is the guest's IP address.
	Address() string
}

// A Guest takes part without Socket.IO. Its methods are called one at a time; they may wait, and stop waiting when its
// listener is done.
type Guest struct {
	core *Core
	sp   *speaker
	at   listener
}

// Visit returns a guest who has not yet said a name, and whose news go to l.
func (c *Core) Visit(l Listener) *Guest {
	return &Guest{c, newSpeaker(), &guestListener{l, c.opts.Turn(l.Address())}}
}

// Do does the event of that name. The members of a request, of which each is JSON, are what the event takes: see
// [Event]. What became of it is told once, from any goroutine: the answer, or what the guest may know of a failure.
// Both marshal to a JSON object.
func (g *Guest) Do(event string, request map[string]json.RawMessage, tell func(answer, failure any)) {
	to := &teller{tell: tell}
	ev := g.core.find(event)
	if ev == nil {
		to.refuse(g.core.io.RefuseUnknown(event))
		return
	}
	args, held, err := ev.argsOf(request)
	if err == nil {
		err = ev.do(Call{core: g.core, by: g.sp, at: g.at, to: to, args: args, held: held})
	}
	if err != nil {
		to.refuse(err)
	}
}

// Close is called once, last, when the guest has left. The guest hears nothing any more when it returns.
func (g *Guest) Close() { g.core.unregister(g.sp, g.at) }

// guestListener is a guest.
type guestListener struct {
	Listener
	turnOf string
}

func (l *guestListener) turn() string { return l.turnOf }

func (l *guestListener) hear(e *feed.Entry) error {
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

// A teller answers a guest once.
type teller struct {
	once sync.Once
	tell func(answer, failure any)
}

func (t *teller) wanted() bool { return true }

func (t *teller) answer(v any) error {
	t.once.Do(func() { t.tell(v, nil) })
	return nil
}

func (t *teller) refuse(err error) {
	t.once.Do(func() { t.tell(nil, socketio.PublicError(err)) })
}
