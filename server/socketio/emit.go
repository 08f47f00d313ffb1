package socketio

import (
	"context"
	"fmt"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/socketio/wire"
)

// sendFlags are how a packet is sent.
type sendFlags struct {
	volatile bool // dropped if it could not leave at once
	plain    bool // not compressed
}

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

// Emit sends an event to the client. It never waits. Arguments are what JSON can hold, an [Arg] passed on unread, or a
// [Binary] or []byte, which becomes an attachment. The error is ErrDisconnected, one that says what can't be sent, or
// the session's: see engineio. After one of the session's the event may still reach a client that is recovered.
func (s *Socket) Emit(event string, args ...any) error {
	return Emitter{socket: s}.Emit(event, args...)
}

// Emit sends an event to the client: see [Socket.Emit].
func (e Emitter) Emit(event string, args ...any) error {
	return e.socket.sendEvent(e.flags, false, func(dst []byte) ([]byte, [][]byte, error) {
		return wire.AppendEvent(dst, e.socket.ns.name, 0, false, event, args)
	})
}

// sendEvent encodes an event and puts it in order with all that is emitted in the namespace; asks: for an acknowledgement.
func (s *Socket) sendEvent(flags sendFlags, asks bool, encode func([]byte) ([]byte, [][]byte, error)) error {
	return s.sendPacket(encode, func(o *outgoing) error {
		o.flags, o.asks = flags, asks
		return s.ns.post(&emission{outgoing: o, to: s})
	})
}

// sendAck encodes an acknowledgement and queues it behind what has been emitted. It has no place in the namespace's order.
func (s *Socket) sendAck(encode func([]byte) ([]byte, [][]byte, error)) error {
	return s.sendPacket(encode, s.sendEncoded)
}

func (s *Socket) sendPacket(encode func([]byte) ([]byte, [][]byte, error), send func(*outgoing) error) error {
	o := outgoings.Get().(*outgoing)
	defer o.release()
	text, attachments, err := encode(o.buf[:0])
	if err != nil {
		return err
	}
	o.buf, o.text, o.attachments = text, text, attachments
	if !s.Connected() {
		return ErrDisconnected
	}
	return send(o)
}

func (s *Socket) sendEncoded(o *outgoing) error {
	if o.flags.volatile && !s.client.session.Ready() {
		s.client.io.dropped.Add(1)
		return nil
	}
	if len(o.attachments) == 0 {
		return s.client.session.Send(engineio.Message{Data: o.text, Plain: o.flags.plain})
	}
	return s.client.session.Send(messages(o.flags, o.text, o.attachments)...)
}

// messages are the Engine.IO messages that a packet is made of.
func messages(flags sendFlags, text []byte, attachments [][]byte) []engineio.Message {
	all := append(make([]engineio.Message, 0, 1+len(attachments)), engineio.Message{Data: text, Plain: flags.plain})
	for _, a := range attachments {
		all = append(all, engineio.Message{Binary: true, Data: a, Plain: flags.plain})
	}
	return all
}

// EmitWithAck sends an event and waits for the client's answer, whose arguments it returns. It waits as long as ctx: give
// it a deadline. It may be called in a handler: the answer is found behind as many events as an inbox holds by size (see
// Options.MaxInbox). The error is ErrDisconnected, ErrTooManyAcks when Options.MaxAcks are waited for already, ctx's own, or
// one of Emit's.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	answers := make(chan ackAnswer, 1)
	id := s.ns.acks.Add(1)
	err := s.expectAck(id, func(args Args, err error) { answers <- ackAnswer{args, err} })
	if err != nil {
		return nil, err
	}
	err = s.sendEvent(sendFlags{}, true, func(dst []byte) ([]byte, [][]byte, error) {
		return wire.AppendEvent(dst, s.ns.name, id, true, event, args)
	})
	if err != nil {
		s.cancelAck(id)
		return nil, err
	}
	select {
	case a := <-answers:
		return a.args, a.err
	case <-ctx.Done():
		s.cancelAck(id)
		return nil, fmt.Errorf("socketio: no acknowledgement of %q: %w", event, ctx.Err())
	}
}

type ackAnswer struct {
	args Args
	err  error
}

// expectAck notes who is to be called with the client's answer. The error is ErrDisconnected or ErrTooManyAcks.
func (s *Socket) expectAck(id uint64, answer func(Args, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.connected:
		return ErrDisconnected
	case len(s.acks) >= s.client.io.opts.MaxAcks:
		s.client.io.hit(LimitAcks)
		return ErrTooManyAcks
	}
	if s.acks == nil {
		s.acks = make(map[uint64]func(Args, error))
	}
	s.acks[id] = answer
	s.room.Signal() // its answer comes behind the events that wait outside: see full
	return nil
}

func (s *Socket) cancelAck(id uint64) { s.takeAck(id) }

func (s *Socket) takeAck(id uint64) func(Args, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := s.acks[id]
	delete(s.acks, id)
	return answer
}

// resolve takes the client's answer to an acknowledgement. One that nobody waits for any more is ignored; then it is false.
func (s *Socket) resolve(p *wire.Packet, attachments [][]byte) (awaited bool) {
	if !p.HasID {
		return false
	}
	answer := s.takeAck(p.ID)
	if answer == nil {
		return false
	}
	answer(p.Args(nil, attachments), nil)
	return true
}
