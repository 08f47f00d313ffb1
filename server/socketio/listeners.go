package socketio

import "slices"

// listeners are what a socket's events run. The socket's lock guards them.
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

// now returns the listeners as they are now. The socket's lock must be held.
func (l listeners) now() listeners {
	l.middleware, l.any, l.events = slices.Clip(l.middleware), slices.Clip(l.any), slices.Clip(l.events)
	l.disconnecting, l.disconnect = slices.Clip(l.disconnecting), slices.Clip(l.disconnect)
	return l
}

// run lets an event's middleware and handlers have it. taken: there was one.
func (l *listeners) run(e *Event) (taken bool, err error) {
	for _, f := range l.middleware {
		if err := f(e); err != nil {
			return true, err
		}
	}
	for _, f := range l.any {
		if err := f(e); err != nil {
			return true, err
		}
	}
	taken = len(l.middleware)+len(l.any) > 0
	for i := range l.events {
		if l.events[i].event != e.name {
			continue
		}
		taken = true
		if err := l.events[i].f(e); err != nil {
			return true, err
		}
	}
	return taken, nil
}
