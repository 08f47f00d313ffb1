package socketio

import (
	"context"
	"fmt"

	"github.com/crier/crier/server/socketio/wire"
)

// An Emitter emits to one socket, with flags. It is a value: each method returns a new one.
type Emitter struct {
	socket *Socket
	flags  sendFlags
}

// Volatile returns an emitter whose events are dropped if they could not leave at once.
func (s *Socket) Volatile() Emitter { return Emitter{s, sendFlags{volatile: true}} }

// Compress returns an emitter whose events are compressed, or not, where that was agreed with the client. Without it
// they are.
func (s *Socket) Compress(on bool) Emitter { return Emitter{s, sendFlags{plain: !on}} }

// Volatile returns e with its flag set: see [Socket.Volatile].
func (e Emitter) Volatile() Emitter { e.flags.volatile = true; return e }

// Compress returns e with its flag set: see [Socket.Compress].
func (e Emitter) Compress(on bool) Emitter { e.flags.plain = !on; return e }

// Unrecorded returns an emitter whose events are not held for clients that come back: for what can be told again
// from elsewhere, and would push out what cannot. They have their place in the order of events. A client that
// lost its connection before it had one of them is not recovered, but told that it is new.
func (s *Socket) Unrecorded() Emitter { return Emitter{s, sendFlags{unrecorded: true}} }

// Unrecorded returns e with its flag set: see [Socket.Unrecorded].
func (e Emitter) Unrecorded() Emitter { e.flags.unrecorded = true; return e }

// Emit sends an event to the client. It never waits. Arguments are what JSON can hold, an [Arg] passed on unread,
// or a [Binary] or []byte, which becomes an attachment. The error is ErrDisconnected, ErrPlaceholder, one that
// says what can't be sent, or the session's: see engineio. After one of the session's the event may still reach a
// client that is recovered.
func (s *Socket) Emit(event string, args ...any) error {
	return Emitter{socket: s}.Emit(event, args...)
}

// Emit sends an event to the client: see [Socket.Emit].
func (e Emitter) Emit(event string, args ...any) error {
	return e.send(func(dst []byte) ([]byte, [][]byte, error) {
		return wire.AppendEvent(dst, e.socket.ns.name, 0, false, event, args)
	}, func(o *outgoing) error {
		e.tap(event, args)
		return e.post(o)
	})
}

// An encoding writes a packet behind dst.
type encoding func(dst []byte) (text []byte, attachments [][]byte, err error)

// post puts an event in order with all that is emitted in the namespace.
func (e Emitter) post(o *outgoing) error {
	return e.socket.ns.hub.post(&emission{outgoing: o, to: &e.socket.seat})
}

// sendAck encodes an acknowledgement and queues it behind what has been emitted. It has no place in the
// namespace's order.
func (e Emitter) sendAck(encode encoding) error {
	return e.send(encode, func(o *outgoing) error { return e.socket.ns.hub.sendTo(&e.socket.seat, o) })
}

func (e Emitter) send(encode encoding, send func(*outgoing) error) error {
	o := outgoings.Get().(*outgoing)
	defer o.release()
	text, attachments, err := encode(o.buf[:0])
	if err != nil {
		return err
	}
	o.buf, o.text, o.attachments, o.flags = text, text, attachments, e.flags
	if !e.socket.Connected() {
		return ErrDisconnected
	}
	return send(o)
}

// EmitWithAck sends an event and waits for the client's answer, whose arguments it returns. It waits as long as
// ctx: give it a deadline. It may be called in a handler: the answer is found behind as many events as an inbox
// holds by size (see Options.MaxInbox). The error is ErrDisconnected, ErrTooManyAcks when Options.MaxAcks are
// waited for already, ctx's own, or one of Emit's.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	return Emitter{socket: s}.EmitWithAck(ctx, event, args...)
}

// EmitWithAck sends an event and waits for the client's answer: see [Socket.EmitWithAck]. There is none to a volatile
// event that was dropped.
func (e Emitter) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	s := e.socket
	answers := make(chan ackAnswer, 1)
	id := s.ns.acks.Add(1)
	err := e.send(func(dst []byte) ([]byte, [][]byte, error) {
		return wire.AppendEvent(dst, s.ns.name, id, true, event, args)
	}, func(o *outgoing) error {
		e.tap(event, args)
		err := s.expectAck(id, func(_ *Socket, args Args, err error) { answers <- ackAnswer{args, err} })
		if err != nil {
			return err
		}
		o.asks = true
		return e.post(o)
	})
	if err != nil {
		s.takeAck(id)
		return nil, err
	}
	select {
	case a := <-answers:
		return a.args, a.err
	case <-ctx.Done():
		s.takeAck(id)
		return nil, fmt.Errorf("socketio: no acknowledgement of %q: %w", event, ctx.Err())
	}
}

type ackAnswer struct {
	args Args
	err  error
}
