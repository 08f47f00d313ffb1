package socketio

import (
	"slices"

	"github.com/crier/crier/server/socketio/wire"
)

// A Broadcast reaches many sockets: those in any of its rooms, or all of its namespace when it names none, but
// for the exceptions. It is immutable: each method returns a new one. All methods may be called concurrently, and from
// handlers and hooks.
type Broadcast struct {
	namespaces []*Namespace // one, but for a Parent's
	audience   audience
}

func (ns *Namespace) all() *Broadcast { return &Broadcast{namespaces: ns.only} }

// Broadcast returns a broadcast to every socket of the namespace but this one.
func (s *Socket) Broadcast() *Broadcast {
	b := s.ns.all()
	b.audience.but = s.id
	return b
}

// To returns a broadcast to the other sockets in any of rooms.
func (s *Socket) To(rooms ...string) *Broadcast { return s.Broadcast().To(rooms...) }

// In is To, as the reference server has it.
func (s *Socket) In(rooms ...string) *Broadcast { return s.To(rooms...) }

// Except returns a broadcast to the other sockets, but those in any of rooms.
func (s *Socket) Except(rooms ...string) *Broadcast { return s.Broadcast().Except(rooms...) }

// To adds rooms. Each socket is in the room of its own id.
func (b *Broadcast) To(rooms ...string) *Broadcast {
	c := *b
	c.audience.rooms = slices.Concat(b.audience.rooms, rooms)
	return &c
}

// In is To, as the reference server has it.
func (b *Broadcast) In(rooms ...string) *Broadcast { return b.To(rooms...) }

// Except adds rooms whose sockets are left out.
func (b *Broadcast) Except(rooms ...string) *Broadcast {
	c := *b
	c.audience.except = slices.Concat(b.audience.except, rooms)
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
	c.audience.flags.volatile = true
	return &c
}

// Compress says whether the event is compressed where that was agreed with the client. Without it, it is.
func (b *Broadcast) Compress(on bool) *Broadcast {
	c := *b
	c.audience.flags.plain = !on
	return &c
}

// Emit sends an event to the sockets. It never waits for any of them; all members of a room get its events in one
// order. The error says what can't be sent; arguments that nobody is there to hear are not looked at.
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
func (b *Broadcast) emit(
	ns *Namespace, id uint64, hasID bool, event string, args []any, expect func(*Socket) bool,
) error {
	if !wire.Reserved(event) && ns.hub.unheard(&b.audience) {
		return nil
	}
	o := outgoings.Get().(*outgoing)
	defer o.release()
	text, attachments, err := wire.AppendEvent(o.buf[:0], ns.name, id, hasID, event, args)
	if err != nil {
		return err
	}
	o.buf, o.text, o.attachments, o.flags, o.asks = text, text, attachments, b.audience.flags, hasID
	b.tap(ns, event, args)
	return ns.hub.post(&emission{outgoing: o, audience: &b.audience, expect: expect})
}

// Sockets returns the sockets of this node that the broadcast reaches, in no particular order. FetchSockets returns
// those of all nodes.
func (b *Broadcast) Sockets() (all []*Socket) {
	for _, ns := range b.namespaces {
		all = ns.hub.reached(all, &b.audience)
	}
	return all
}

// Len returns how many sockets of this node the broadcast reaches.
func (b *Broadcast) Len() (n int) {
	for _, ns := range b.namespaces {
		n += ns.hub.count(&b.audience)
	}
	return n
}

// SocketsJoin puts the sockets into rooms. The error is ErrTooManyRooms if there are some that could not join; the
// others have.
func (b *Broadcast) SocketsJoin(rooms ...string) (err error) {
	for _, s := range b.Sockets() {
		if joined := s.Join(rooms...); joined != nil {
			err = joined
		}
	}
	return err
}

// SocketsLeave takes the sockets out of rooms.
func (b *Broadcast) SocketsLeave(rooms ...string) {
	for _, s := range b.Sockets() {
		s.Leave(rooms...)
	}
}

// DisconnectSockets ends the sockets: see [Socket.Disconnect].
func (b *Broadcast) DisconnectSockets(closeSession bool) {
	for _, s := range b.Sockets() {
		s.Disconnect(closeSession)
	}
}
