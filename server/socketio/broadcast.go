package socketio

import (
	"context"
	"fmt"
	"slices"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/socketio/wire"
)

// A Broadcast reaches many sockets: those in any of its rooms, or all of its namespace when it names none, but for the
// exceptions. It is immutable: each method returns a new one.
type Broadcast struct {
	namespaces []*Namespace // one, but for a Parent's
	rooms      []string
	except     []string
	from       *Socket // left out
	flags      sendFlags
}

// To adds rooms. Each socket is in the room of its own id.
func (b *Broadcast) To(rooms ...string) *Broadcast {
	c := *b
	c.rooms = slices.Concat(b.rooms, rooms)
	return &c
}

// Except adds rooms whose sockets are left out.
func (b *Broadcast) Except(rooms ...string) *Broadcast {
	c := *b
	c.except = slices.Concat(b.except, rooms)
	return &c
}

// Local keeps the broadcast on this node.
func (b *Broadcast) Local() *Broadcast {
	c := *b
	return &c
}

// Volatile leaves out sockets that could not be told at once.
func (b *Broadcast) Volatile() *Broadcast {
	c := *b
	c.flags.volatile = true
	return &c
}

// Compress says whether the event is compressed where that was agreed with the client. Without it, it is.
func (b *Broadcast) Compress(on bool) *Broadcast {
	c := *b
	c.flags.plain = !on
	return &c
}

// Emit sends an event to the sockets. It never waits for any of them; all members of a room get its events in one order.
// The error says what can't be sent; arguments that nobody is there to hear are not looked at.
func (b *Broadcast) Emit(event string, args ...any) error {
	for _, ns := range b.namespaces {
		if err := b.emit(ns, 0, false, event, args, nil); err != nil {
			return err
		}
	}
	return nil
}

// emit encodes an event once and sends it to every socket that it reaches. expect, if set, is asked about each socket
// before.
func (b *Broadcast) emit(ns *Namespace, id uint64, hasID bool, event string, args []any, expect func(*Socket) bool) error {
	if !wire.Reserved(event) && ns.unheard(b) {
		return nil
	}
	o := outgoings.Get().(*outgoing)
	defer o.release()
	text, attachments, err := wire.AppendEvent(o.buf[:0], ns.name, id, hasID, event, args)
	if err != nil {
		return err
	}
	o.buf, o.text, o.attachments, o.flags, o.asks = text, text, attachments, b.flags, hasID
	return ns.post(&emission{outgoing: o, broadcast: b, expect: expect})
}

// audience is whom the broadcast is meant for, whether they are there or lost.
func (b *Broadcast) audience() audience {
	a := audience{rooms: b.rooms, except: b.except}
	if b.from != nil {
		a.but = b.from.id
	}
	return a
}

// A MissingAcksError says that some clients did not answer.
type MissingAcksError struct {
	Event   string
	Missing int   // how many of Sent
	Sent    int   // how many were asked
	Err     error // the context's error, or ErrDisconnected
}

func (e *MissingAcksError) Error() string {
	return fmt.Sprintf("socketio: %d of %d clients did not acknowledge %q: %v", e.Missing, e.Sent, e.Event, e.Err)
}

func (e *MissingAcksError) Unwrap() error { return e.Err }

// EmitWithAck sends an event and waits for the answers of all sockets, as long as ctx: give it a deadline. It returns the
// answers that came, in the order in which they came, and a *MissingAcksError if some did not.
func (b *Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	c := &collection{event: event}
	defer c.cancel()
	for _, ns := range b.namespaces {
		if err := c.ask(b, ns, args); err != nil {
			return nil, err
		}
	}
	return c.wait(ctx)
}

// Sockets returns the sockets that the broadcast reaches, in no particular order.
func (b *Broadcast) Sockets() (all []*Socket) {
	for _, ns := range b.namespaces {
		all = ns.hub.reached(all, b)
	}
	return all
}

// Join puts the sockets into rooms. The error is ErrTooManyRooms if there are some that could not join; the others have.
func (b *Broadcast) Join(rooms ...string) (err error) {
	for _, s := range b.Sockets() {
		if joined := s.Join(rooms...); joined != nil {
			err = joined
		}
	}
	return err
}

// Leave takes the sockets out of rooms.
func (b *Broadcast) Leave(rooms ...string) {
	for _, s := range b.Sockets() {
		s.Leave(rooms...)
	}
}

// Disconnect ends the sockets: see [Socket.Disconnect].
func (b *Broadcast) Disconnect(closeSession bool) {
	for _, s := range b.Sockets() {
		s.Disconnect(closeSession)
	}
}

var _ engineio.Handler = (*client)(nil)
