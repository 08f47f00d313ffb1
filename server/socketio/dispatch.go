package socketio

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/crier/crier/server/socketio/wire"
)

// listeners are what a socket's events run.
type listeners struct {
	middleware    []func(*Event) error
	any           []func(*Event) error
	events        []listener // few: looked through in order
	disconnecting []func(Reason)
	disconnect    []func(Reason)
}

type listener struct {
	event string
	f     func(*Event) error
}

// usualListeners is how many listeners fit into the memory that the first one takes.
const usualListeners = 4

// On registers a handler for an event. The handlers of one event run in the order in which they were registered; an
// error ends that. It goes to the client as the answer of an acknowledgement that it asked for and did not get:
// {"error": {"code", "message", "data"}}, of an *Error as it is, of another error with the code "internal" alone.
func (s *Socket) On(event string, f func(*Event) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners.events == nil {
		s.listeners.events = make([]listener, 0, usualListeners)
	}
	s.listeners.events = append(s.listeners.events, listener{event, f})
}

// OnAny registers a handler for every event; it runs before those of On.
func (s *Socket) OnAny(f func(*Event) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners.any = append(s.listeners.any, f)
}

// Use registers a middleware for every event; it runs before any handler, and its error keeps the event from them.
func (s *Socket) Use(f func(*Event) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners.middleware = append(s.listeners.middleware, f)
}

// OnDisconnecting registers what is done when the socket has ended; Rooms still tells where it was.
func (s *Socket) OnDisconnecting(f func(Reason)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners.disconnecting = append(s.listeners.disconnecting, f)
}

// OnDisconnect registers what is done last: no handler of the socket runs afterwards.
func (s *Socket) OnDisconnect(f func(Reason)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners.disconnect = append(s.listeners.disconnect, f)
}

// An inbox holds the events that wait for a socket's handlers. The socket's lock guards it.
type inbox struct {
	events  []*Event
	one     [1]*Event // the memory of events, when one waits at a time
	size    int       // bytes that they hold
	running bool      // the worker is at it
	last    bool      // the socket has ended: with no event left, the disconnect handlers are due
}

func (in *inbox) clear() { in.events, in.one[0], in.size = nil, nil, 0 }

// start lets a socket that was just connected run: first the namespace's OnConnect.
func (s *Socket) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inbox.running = true
	s.client.io.crew.run(turn{s, true})
}

// deliver puts an event into the inbox. It waits while that is full: the session is not read meanwhile.
func (s *Socket) deliver(p *wire.Packet, attachments [][]byte) {
	e := newEvent(s, p, attachments)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full() {
		s.awaitRoom()
	}
	if s.reason != "" {
		return // disconnected meanwhile: nobody listens any more
	}
	s.inbox.events = append(s.inbox.events, e)
	s.inbox.size += e.size
	s.client.waiting.Add(int64(e.size))
	s.wake()
}

// awaitRoom waits until the event that was read has room in the inbox, or the socket has ended. s.mu must be held.
func (s *Socket) awaitRoom() {
	s.client.io.hit(LimitInbox)
	s.client.held.Store(s) // before full is asked again: see readOn
	for s.reason == "" && s.full() {
		s.room.Wait()
	}
	s.client.held.Store(nil)
}

// readOn wakes the session's reader if it waits for another socket than s, for which there may be room now that fewer events
// of s wait. No lock may be held.
func (c *client) readOn(s *Socket) {
	other := c.held.Load()
	if other == nil || other == s {
		return
	}
	other.mu.Lock()
	defer other.mu.Unlock()
	other.room.Signal()
}

// full says whether events have to wait outside. The bytes are those of all sockets of the session: a client could have many
// just to have more of them wait. While the client is asked for an acknowledgement only their size counts:
// its answer comes behind them, and the handler that wants it would never see it. s.mu must be held.
func (s *Socket) full() bool {
	return s.client.waiting.Load() >= int64(s.client.io.engine.MaxPayload()) ||
		len(s.inbox.events) >= s.client.io.opts.MaxInbox && len(s.acks) == 0
}

// wake sees to it that a worker runs. s.mu must be held.
func (s *Socket) wake() {
	if !s.inbox.running {
		s.inbox.running = true
		s.client.io.crew.run(turn{s, false})
	}
}

// work runs the socket's handlers, one at a time, until nothing is left to do.
func (s *Socket) work(connect bool) {
	if connect {
		if s.after != nil {
			<-s.after // ends with the handlers of the socket that this one goes on for
		}
		s.runConnect()
	}
	for {
		e, last := s.next()
		s.client.readOn(s)
		switch {
		case e != nil:
			s.runEvent(e)
		case last:
			s.runDisconnect()
			if s.over != nil {
				close(s.over)
			}
			s.client.retire(s)
			return
		default:
			return
		}
	}
}

// next takes the next event. With none left the worker must end, and is the last one if the socket has ended.
func (s *Socket) next() (e *Event, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := &s.inbox
	if len(in.events) > 0 {
		e = in.events[0]
		in.events[0] = nil
		if in.events = in.events[1:]; len(in.events) == 0 {
			in.events = in.one[:0]
		}
		in.size -= e.size
		s.client.waiting.Add(-int64(e.size))
		s.room.Signal()
		return e, false
	}
	in.running = in.last // nobody wakes another one after the last
	return nil, in.last
}

// maxLogged is how much of an event's name goes into the log, in bytes: it is the client's to choose.
const maxLogged = 64

// snapshot returns the listeners as they are now.
func (s *Socket) snapshot() listeners {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.listeners
	l.middleware, l.any, l.events = slices.Clip(l.middleware), slices.Clip(l.any), slices.Clip(l.events)
	l.disconnecting, l.disconnect = slices.Clip(l.disconnecting), slices.Clip(l.disconnect)
	return l
}

func (s *Socket) runConnect() {
	for _, f := range s.ns.currentHooks().connect {
		if !s.guard("connect", func() { f(s) }) {
			return
		}
	}
}

func (s *Socket) runDisconnect() {
	l := s.snapshot()
	for _, f := range l.disconnecting {
		s.guard("disconnecting", func() { f(s.reason) })
	}
	s.ns.hub.forgetRooms(s)
	for _, f := range l.disconnect {
		s.guard("disconnect", func() { f(s.reason) })
	}
}

// runEvent runs an event's middleware and handlers, and answers for them when they fail.
func (s *Socket) runEvent(e *Event) {
	s.guard(e.name, func() {
		if err := s.snapshot().run(e); err != nil {
			s.logRefusal(e, err)
			e.refuse(err)
		}
	})
}

// logRefusal counts an event that was refused. Not each has a line in the log: a client can have as many refused as it likes.
func (s *Socket) logRefusal(e *Event, err error) {
	s.client.io.refused.Add(1)
	if held, ok := s.client.io.refusals.Next(); ok {
		s.log().Warn("an event was refused", "event", e.name[:min(len(e.name), maxLogged)], "error", err, "not_logged", held)
	}
}

func (l listeners) run(e *Event) error {
	for _, f := range l.middleware {
		if err := f(e); err != nil {
			return err
		}
	}
	for _, f := range l.any {
		if err := f(e); err != nil {
			return err
		}
	}
	for i := range l.events {
		if l.events[i].event != e.name {
			continue
		}
		if err := l.events[i].f(e); err != nil {
			return err
		}
	}
	return nil
}

// PublicError returns what a client is told of a handler's error: no more than the handler meant it to know.
func PublicError(err error) *Error {
	if e := (*Error)(nil); errors.As(err, &e) && e != nil {
		return e
	}
	return &Error{Code: "internal", Message: "internal error"}
}

// guard calls f and disconnects the socket if it panics; false if it did.
func (s *Socket) guard(event string, f func()) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			s.client.io.logPanic(s.log().With("event", event), "a handler panicked", p)
			s.Disconnect(false)
			ok = false
		}
	}()
	f()
	return true
}

// askMiddleware asks the namespace's middleware; a panic refuses the socket.
func (s *Socket) askMiddleware() (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.client.io.logPanic(s.log(), "a middleware panicked", p)
			err = PublicError(nil)
		}
	}()
	for _, f := range s.ns.currentHooks().middleware {
		if err := f(s); err != nil {
			return err
		}
	}
	return nil
}

// logPanic is to be called where p was recovered: the stack is the one that led there. Not each has its lines in the log: what
// makes a handler panic may come again and again.
func (io *Server) logPanic(log *slog.Logger, msg string, p any) {
	if held, ok := io.panics.Next(); ok {
		log.Error(msg, "panic", fmt.Sprint(p), "stack", string(debug.Stack()), "not_logged", held)
	}
}
