package socketio

import (
	"bytes"
	"log/slog"
	"sync"

	"github.com/crier/crier/server/socketio/wire"
)

// deliver puts an event into the inbox of its socket. It waits while that is full: the session is not read meanwhile.
func (c *Conn) deliver(s *Socket, p *wire.Packet, attachments [][]byte) {
	if attachments == nil {
		p.Data = bytes.Clone(p.Data)
	}
	e := newEvent(s, p, attachments)
	c.charge(e.size) // work gives it back, or clear
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inbox.full() {
		c.awaitRoom(s)
	}
	if s.reason != "" {
		c.charge(-e.size)
		return // disconnected meanwhile: nobody listens any more
	}
	s.inbox.put(e)
}

// awaitRoom waits until the event that was read has room in the inbox, or the socket has ended. s.mu must be held.
func (c *Conn) awaitRoom(s *Socket) {
	c.core.hit(LimitInbox)
	if s.reader == nil {
		s.reader = sync.NewCond(&s.mu)
	}
	c.held.Store(s) // before full is asked again: see readOn
	for s.reason == "" && s.inbox.full() {
		s.reader.Wait()
	}
	c.held.Store(nil)
}

// wakeReader lets the reader look again if it waits for the inbox. s.mu must be held.
func (s *Socket) wakeReader() {
	if s.reader != nil {
		s.reader.Signal()
	}
}

// resolve takes the client's answer to an acknowledgement. One that nobody waits for any more is ignored; then it
// is false.
func (c *Conn) resolve(s *Socket, p *wire.Packet, attachments [][]byte) (awaited bool) {
	if !p.HasID {
		return false
	}
	answer := s.takeAck(p.ID)
	if answer == nil {
		return false
	}
	if attachments == nil {
		p.Data = bytes.Clone(p.Data)
	}
	answer(s, p.Args(nil, attachments), nil)
	return true
}

// work runs the socket's handlers, one at a time, until nothing is left to do.
func (t turn) work() {
	s := t.socket
	if t.connect {
		if s.after != nil {
			<-s.after // ends with the handlers of the socket that this one goes on for
		}
		t.runConnect()
	}
	for {
		e, last := s.inbox.next()
		s.conn.readOn(s)
		switch {
		case e != nil:
			t.runEvent(e)
			s.conn.charge(-e.size)
		case last:
			t.runDisconnect()
			if s.over != nil {
				close(s.over)
			}
			s.conn.retire(s)
			return
		default:
			return
		}
	}
}

func (t turn) runConnect() {
	connect, _ := t.socket.ns.hooks.current()
	for _, f := range connect {
		if !t.guard("connect", func() { f(t.socket) }) {
			return
		}
	}
}

func (t turn) runDisconnect() {
	s, l := t.socket, t.socket.listening()
	if l.rare != nil {
		for _, f := range l.rare.disconnecting {
			t.guard("disconnecting", func() { f(s.reason) })
		}
	}
	s.ns.hub.forgetRooms(&s.seat)
	for _, f := range l.disconnect {
		t.guard("disconnect", func() { f(s.reason) })
	}
}

// runEvent runs an event's middleware and handlers, and answers for them when they fail, or when there are none.
func (t turn) runEvent(e *Event) {
	t.guard(e.name, func() {
		l := t.socket.listening()
		switch taken, err := l.run(e); {
		case err != nil:
			t.logRefusal(e, err)
			e.refuse(err)
		case !taken:
			t.unknown(e)
		}
	})
}

// unknown does what is to be done with an event that nothing took.
func (t turn) unknown(e *Event) {
	k := t.socket.conn.core
	if k.opts.OnUnknownEvent != nil {
		k.opts.OnUnknownEvent(e)
		return
	}
	e.refuse(k.refuseUnknown(t.socket.log(), e.name))
}

// refuseUnknown returns the answer to an event that nothing takes, and logs its name once while that is remembered.
func (k *core) refuseUnknown(log *slog.Logger, name string) error {
	name = shortened(name)
	if held, ok := k.unknown.Next(name); ok {
		log.Warn("nothing here takes an event of this name", "event", name, "not_logged", held)
	}
	return &Error{Code: CodeUnknownEvent, Message: "this server does not know the event \"" + name + "\""}
}

// logRefusal counts an event that was refused. Lines are held back when there are many: a client can have as many
// refused as it likes.
func (t turn) logRefusal(e *Event, err error) {
	k := t.socket.conn.core
	k.refused.Add(1)
	if held, ok := k.refusals.Next(); ok {
		t.socket.log().Warn("an event was refused", "event", shortened(e.name), "error", err, "not_logged", held)
	}
}

// guard calls f and disconnects the socket if it panics; false if it did.
func (t turn) guard(event string, f func()) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			t.socket.conn.core.logPanic(t.socket.log().With("event", event), "a handler panicked", p)
			t.socket.Disconnect(false)
			ok = false
		}
	}()
	f()
	return true
}
