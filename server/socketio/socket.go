package socketio

import (
	"encoding/json"
	"errors"
	"sync"

	"github.com/crier/crier/server/engineio"
)

// A Socket is one client in one namespace.
//
// All methods may be called concurrently, and from handlers.
type Socket struct {
	id     string
	pid    string // empty if it cannot be recovered
	ns     *Namespace
	client *client
	auth   json.RawMessage
	data   *kept

	recovered bool
	after     <-chan struct{} // of a recovered socket: closed when the earlier one's last handler has returned
	over      chan struct{}   // of one that may be recovered: what after is to the next; made as it ends

	// Guarded by the lock of ns.hub.

	presence  *membership   // in the namespace itself; nil before and after
	rooms     []*membership // beside that of its own id
	gone      bool          // joins nothing any more
	lastRooms []string      // with gone: where it was, for the disconnecting handlers
	joined    uint64        // the position among the recorded events when its client was told that it is connected
	sent      uint64        // the newest recorded event that was meant for it alone, or for a room that it has left
	left      uint64        // the position when it last left a room

	marked uint64 // the last broadcast that reached it, or was not to; used in tasks of its worker, or when there are none

	mu   sync.Mutex // guards the following; it may be taken while the hub's lock is held
	room sync.Cond  // there is room in the inbox

	listeners listeners
	connected bool
	reason    Reason        // why it ended
	ended     chan struct{} // made by Done; closed with the socket
	inbox     inbox
	acks      map[uint64]func(Args, error) // asked of the client and not yet answered
}

// ErrDisconnected is returned by what needs a connected socket.
var ErrDisconnected = errors.New("socketio: the socket is not connected")

// IsEnding says whether an error of Emit or Flushed only means that the socket has left, or that its session is ending by itself.
// The client may come back, and what was missed with it, unless the socket is disconnected besides.
func IsEnding(err error) bool {
	return errors.Is(err, ErrDisconnected) || errors.Is(err, engineio.ErrClosed) || errors.Is(err, engineio.ErrSlowConsumer)
}

func newSocket(c *client, ns *Namespace, auth json.RawMessage) *Socket {
	s := &Socket{ns: ns, client: c, auth: auth, data: new(kept)}
	s.room.L = &s.mu
	s.identify()
	return s
}

// oldSocketID returns the id of the socket of a client on EIO 3. They are told none and take that of their session, so
// theirs must not be shown to others: whoever knows it can speak for them.
func oldSocketID(session *engineio.Session, namespace string) string {
	if namespace == "/" {
		return session.ID()
	}
	return namespace + "#" + session.ID()
}

// ID returns the socket's id, as its client knows it. It is not the session's, with one exception: a client on EIO 3 takes
// its session's id, which is a secret, for its socket's. Show others an id of your own.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace that the socket is in.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Transport returns the transport in use: "polling" or "websocket".
func (s *Socket) Transport() string { return s.client.session.Transport() }

// Protocol returns the revision of Engine.IO that the client speaks: 3 for clients before 3.0, else 4.
func (s *Socket) Protocol() int { return s.client.session.Version() }

// Data returns what SetData kept, in this socket or, if it is recovered, in the earlier one.
func (s *Socket) Data() any {
	s.data.mu.Lock()
	defer s.data.mu.Unlock()
	return s.data.value
}

// SetData keeps a value with the socket.
func (s *Socket) SetData(v any) {
	s.data.mu.Lock()
	defer s.data.mu.Unlock()
	s.data.value = v
}

// kept is what SetData kept. A socket shares it with the one that goes on for it: handlers of the earlier one may still run when
// the other is there.
type kept struct {
	mu    sync.Mutex
	value any
}

// Connected says whether the socket is connected.
func (s *Socket) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connected
}

// Join puts the socket into rooms. A socket that has been disconnected joins none. One that would be in more than
// Options.MaxRooms then joins none of them, and the error is ErrTooManyRooms: whoever lets clients choose rooms looks at it.
func (s *Socket) Join(rooms ...string) error {
	err := s.ns.hub.join(s, rooms)
	if err != nil {
		s.ns.io.hit(LimitRooms)
	}
	return err
}

// Leave takes the socket out of rooms. That of its own id it does not leave.
func (s *Socket) Leave(rooms ...string) { s.ns.hub.leave(s, rooms) }

// Rooms returns the rooms that the socket is in, that of its own id first. For the handlers of OnDisconnecting these are
// the rooms that it was in; for those of OnDisconnect there are none.
func (s *Socket) Rooms() []string { return s.ns.hub.roomsOf(s) }

// To returns a broadcast to the other sockets in any of rooms.
func (s *Socket) To(rooms ...string) *Broadcast { return s.Broadcast().To(rooms...) }

// Except returns a broadcast to the other sockets, but those in any of rooms.
func (s *Socket) Except(rooms ...string) *Broadcast { return s.Broadcast().Except(rooms...) }

// Broadcast returns a broadcast to every socket of the namespace but this one.
func (s *Socket) Broadcast() *Broadcast {
	b := s.ns.all()
	b.from = s
	return b
}

// Disconnect ends the socket: its client is told, and does not come back by itself. Events that wait are not handled any
// more. With closeSession, all sockets of the client's session end, and the session.
func (s *Socket) Disconnect(closeSession bool) {
	if !closeSession {
		s.end(ReasonServerDisconnect)
		return
	}
	s.client.endAll(ReasonServerDisconnect)
	s.client.session.Close()
}

// connect lets the socket hear and be told.
func (s *Socket) connect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected = true
}

// end begins the end of the socket: from now on it hears and is told nothing. Its disconnect handlers run in its own
// goroutine, after the event that is being handled and, unless the server itself ended it, those that wait. By then it is
// in no room any more, and out of the way of another socket of the same client.
func (s *Socket) end(reason Reason) {
	acks, ok := s.hangUp(reason)
	if !ok {
		return // it has ended before
	}
	s.ns.hub.remove(s)
	s.client.forget(s, reason.told())
	s.client.readOn(s)
	for _, answer := range acks {
		answer(nil, ErrDisconnected)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inbox.last = true
	s.wake()
}

// hangUp returns the acknowledgements that will not come any more. Not ok: the socket is not connected.
func (s *Socket) hangUp(reason Reason) (acks map[uint64]func(Args, error), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.connected {
		return nil, false
	}
	s.connected, s.reason = false, reason
	if reason.told() {
		s.client.waiting.Add(-int64(s.inbox.size))
		s.inbox.clear()
	}
	acks, s.acks = s.acks, nil
	if s.ended != nil {
		close(s.ended)
	}
	s.room.Broadcast()
	return acks, true
}
