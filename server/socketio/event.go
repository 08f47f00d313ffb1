package socketio

import (
	"log/slog"
	"sync/atomic"
)

// An Event is what a client emitted: a name and arguments, raw as they came in.
type Event struct {
	socket *Socket
	name   string
	args   Args
	size   int
	id     uint64
	asked  bool
	acked  atomic.Bool
}

func newEvent(s *Socket, p packet, attachments [][]byte) *Event {
	size := len(p.data)
	for _, a := range attachments {
		size += len(a)
	}
	return &Event{socket: s, name: p.event, args: splitArgs(p, attachments), size: size, id: p.id, asked: p.hasID}
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

// WantsAck says whether the client asked for an acknowledgement.
func (e *Event) WantsAck() bool { return e.asked }

// Ack answers the client's acknowledgement. Only the first call counts, and only if the client asked for one. It may be called
// after the handler has returned, from any goroutine.
func (e *Event) Ack(args ...any) error {
	if !e.asked || e.acked.Swap(true) {
		return nil
	}
	return e.socket.sendPacket(sendFlags{}, func(dst []byte) ([]byte, [][]byte, error) {
		return appendAck(dst, e.socket.ns.name, e.id, args)
	})
}

func (s *Socket) log() *slog.Logger {
	return s.client.io.opts.Logger.With("namespace", s.ns.name, "address", s.client.session.Request().RemoteAddr)
}
