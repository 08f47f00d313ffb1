package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/crier/crier/server/engineio"
)

// A Socket is one client in one namespace.
//
// All methods may be called concurrently, and from handlers.
type Socket struct {
	seat
	ns   *Namespace
	conn *Conn
	auth json.RawMessage

	recovered bool
	after     <-chan struct{} // of a recovered socket: closed when the earlier one's last handler has returned

	mu sync.Mutex // guards the following; it may be taken while the hub's lock is held

	reader    *sync.Cond // where the session's reader waits for room in the inbox; made when it first does
	listeners listeners
	connected bool
	reason    Reason        // why it ended, or was not let in
	ended     chan struct{} // made by Done; closed with the socket
	inbox     inbox
	acks      map[uint64]answerFunc // asked of the client and not yet answered
}

// ErrDisconnected is returned by what needs a connected socket.
var ErrDisconnected = errors.New("socketio: the socket is not connected")

// IsEnding says whether an error of Emit or Flushed only means that the socket has left, or that its session is
// ending by itself. The client may come back, and what was missed with it, unless the socket is disconnected
// besides.
func IsEnding(err error) bool {
	return errors.Is(err, ErrDisconnected) || errors.Is(err, engineio.ErrClosed) ||
		errors.Is(err, engineio.ErrSlowConsumer)
}

func newSocket(c *Conn, ns *Namespace, auth json.RawMessage) *Socket {
	s := &Socket{ns: ns, conn: c, auth: auth, seat: seat{session: c.session, data: new(kept)}}
	s.socket, s.inbox.socket = s, s
	s.identify(ns.name, !c.core.opts.Recovery.Disabled)
	return s
}

// revive makes the socket with which a lost session goes on.
func (l *lost) revive(c *Conn, ns *Namespace, auth json.RawMessage) *Socket {
	s := &Socket{
		ns: ns, conn: c, auth: auth, recovered: true, after: l.over,
		seat: seat{id: l.id, pid: l.pid, session: c.session, data: l.data},
	}
	s.socket, s.inbox.socket = s, s
	return s
}

// ID returns the socket's id, as its client knows it. It is not the session's, with one exception: a client on
// EIO 3 takes its session's id, which is a secret, for its socket's. Show others an id of your own.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace that the socket is in.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Conn returns the connection of the socket's client.
func (s *Socket) Conn() *Conn { return s.conn }

// Transport returns the transport in use: "polling" or "websocket".
func (s *Socket) Transport() string { return s.session.Transport() }

// Protocol returns the revision of Engine.IO that the client speaks: 3 for clients before 3.0, else 4.
func (s *Socket) Protocol() int { return s.session.Version() }

// Recovered says whether the socket goes on where an earlier one with the same id was: it has its rooms and its Data
// already, and its client gets what it has missed. Handlers have to be registered anew. OnConnect runs when the last
// handler of the earlier socket has returned.
func (s *Socket) Recovered() bool { return s.recovered }

// Data returns what SetData kept, in this socket or, if it is recovered, in the earlier one.
func (s *Socket) Data() any { return s.data.get() }

// SetData keeps a value with the socket.
func (s *Socket) SetData(v any) {
	s.data.mu.Lock()
	defer s.data.mu.Unlock()
	s.data.value = v
}

// kept is what SetData kept. A socket shares it with the one that goes on for it: handlers of the earlier one may
// still run when the other is there.
type kept struct {
	mu    sync.Mutex
	value any
}

func (k *kept) get() any {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.value
}

// Connected says whether the socket is connected.
func (s *Socket) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connected
}

// Join puts the socket into rooms. A socket that has been disconnected joins none. One that would be in more than
// Options.MaxRooms then joins none of them, and the error is ErrTooManyRooms: whoever lets clients choose rooms
// looks at it.
func (s *Socket) Join(rooms ...string) error {
	err := s.ns.hub.join(&s.seat, rooms)
	if err != nil {
		s.conn.core.hit(LimitRooms)
	}
	return err
}

// Leave takes the socket out of rooms. That of its own id it does not leave.
func (s *Socket) Leave(rooms ...string) { s.ns.hub.quit(&s.seat, rooms) }

// Rooms returns the rooms that the socket is in, that of its own id first. For the handlers of OnDisconnecting
// these are the rooms that it was in; for those of OnDisconnect there are none.
func (s *Socket) Rooms() []string { return s.ns.hub.roomsOf(&s.seat) }

// Done returns a channel that is closed when the socket has ended, or will not be let in. A handler or a
// middleware that waits for something else should look at it too: the disconnect handlers run only when the
// handlers have returned.
func (s *Socket) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.ended = make(chan struct{})
		if s.reason != "" {
			close(s.ended)
		}
	}
	return s.ended
}

// Flushed waits until everything that was emitted to the socket before has been handed to its client's transport.
// A handler that has much to send emits a part and waits, so that it fills neither the memory nor the session's
// queue, past whose limit a session ends. The error is ErrDisconnected, or ctx's own.
func (s *Socket) Flushed(ctx context.Context) error {
	select {
	case <-s.session.Flushed():
	case <-s.Done():
	case <-ctx.Done():
		return fmt.Errorf("socketio: not all was taken by the client: %w", ctx.Err())
	}
	if !s.Connected() {
		return ErrDisconnected
	}
	return nil
}

// connect lets the socket hear and be told.
func (s *Socket) connect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected = true
}

// hangUp is the first step of an end: from now on the socket hears and is told nothing. It returns the
// acknowledgements that will not come any more. Not ok: the socket is not connected.
func (s *Socket) hangUp(reason Reason) (acks map[uint64]answerFunc, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.connected {
		return nil, false
	}
	s.connected = false
	if reason.told() {
		s.inbox.clear()
	}
	acks, s.acks = s.acks, nil
	s.conn.asking.Add(-int64(len(acks)))
	s.finish(reason)
	s.wakeReader()
	return acks, true
}

// giveUp ends a socket that was not let in.
func (s *Socket) giveUp(reason Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.connected && s.reason == "" {
		s.finish(reason)
	}
}

// finish closes Done. s.mu must be held.
func (s *Socket) finish(reason Reason) {
	s.reason = reason
	if rare := s.listeners.rare; rare != nil && len(rare.outgoing) > 0 {
		s.ns.tapped.remove(s)
	}
	if s.ended != nil {
		close(s.ended)
	}
}

// endReason is why the socket has ended; empty while it has not.
func (s *Socket) endReason() Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

func (s *Socket) log() *slog.Logger {
	return s.conn.core.opts.Logger.With("namespace", s.ns.name, "address", s.session.Request().RemoteAddr)
}
