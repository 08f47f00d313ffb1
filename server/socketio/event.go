package socketio

import (
	"errors"
	"sync/atomic"

	"github.com/crier/crier/server/socketio/wire"
)

// An Event is what a client emitted: a name and arguments, raw as they came in.
type Event struct {
	socket *Socket
	name   string
	args   Args
	size   int // bytes that it holds
	id     uint64
	asked  bool
	acked  atomic.Bool
	one    [1]Arg // the memory of args, when there is one
}

// What an event, and each of its arguments, take beside their bytes.
const (
	eventSize = 160
	argSize   = 48
)

func newEvent(s *Socket, p *wire.Packet, attachments [][]byte) *Event {
	e := &Event{socket: s, name: p.Event, id: p.ID, asked: p.HasID}
	e.args = p.Args(e.one[:0], attachments)
	e.size = eventSize + argSize*len(e.args) + len(p.Event) + len(p.Data)
	for _, a := range attachments {
		e.size += len(a)
	}
	return e
}

// Socket returns the socket that emitted the event.
func (e *Event) Socket() *Socket { return e.socket }

// Name returns the event's name.
func (e *Event) Name() string { return e.name }

// Args returns the arguments.
func (e *Event) Args() Args { return e.args }

// Len returns the number of arguments.
func (e *Event) Len() int { return len(e.args) }

// Arg returns the argument at i, from 0; one that the client did not send is null.
func (e *Event) Arg(i int) Arg {
	if i < len(e.args) {
		return e.args[i]
	}
	return Arg{}
}

// Bind decodes the arguments into what ptrs point at, in order: see [Args.Bind].
func (e *Event) Bind(ptrs ...any) error { return e.args.Bind(ptrs...) }

// Size returns about how many bytes of memory the event holds, all of its arguments and attachments included.
func (e *Event) Size() int { return e.size }

// WantsAck says whether the client asked for an acknowledgement.
func (e *Event) WantsAck() bool { return e.asked }

// Ack answers the client's acknowledgement. Only the first call counts, and only if the client asked for one. It
// may be called after the handler has returned, from any goroutine. After an error another call may try again:
// see [Socket.Emit] for the errors.
func (e *Event) Ack(args ...any) error {
	if !e.asked || e.acked.Swap(true) {
		return nil
	}
	err := Emitter{socket: e.socket}.sendAck(func(dst []byte) ([]byte, [][]byte, error) {
		return wire.AppendAck(dst, e.socket.ns.name, e.id, args)
	})
	if err != nil {
		e.acked.Store(false)
	}
	return err
}

// PublicError returns what a client is told of a handler's error: no more than the handler meant it to know.
func PublicError(err error) *Error {
	if e := (*Error)(nil); errors.As(err, &e) && e != nil {
		return e
	}
	return &Error{Code: "internal", Message: "internal error"}
}

// refuse answers for a handler that has failed, unless it has answered itself.
func (e *Event) refuse(err error) {
	type answer struct {
		Error *Error `json:"error"`
	}
	if e.Ack(answer{PublicError(err)}) != nil { // the socket has ended, or JSON can't hold the error's Data
		_ = e.Ack(answer{PublicError(nil)})
	}
}
