package socketio

import "slices"

// listeners are what a socket's events run. The socket's lock guards them.
type listeners struct {
	events     []listener // few: looked through in order
	disconnect []func(Reason)
	rare       *rareListeners // nil while there are none
}

// rareListeners are those that most sockets have none of. They never change: each change makes new ones.
type rareListeners struct {
	middleware    []func(*Event) error
	any           []func(*Event) error
	once          []*listener // pointers, because each is removed by itself
	outgoing      []func(event string, args []any)
	disconnecting []func(Reason)
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

// Once registers a handler for the next event of that name alone. It runs behind those of On. One that is registered
// while an event is handled waits for the next. One that is kept from running by an error of a handler before it waits
// for the next too.
func (s *Socket) Once(event string, f func(*Event) error) {
	s.changeRare(func(r *rareListeners) { r.once = added(r.once, &listener{event, f}) })
}

// Off removes the handlers of an event, those of Once too. An event that is being handled goes on to all that it had
// when that began.
func (s *Socket) Off(event string) {
	s.mu.Lock()
	s.listeners.events = without(s.listeners.events, func(l listener) bool { return l.event == event })
	rare := s.listeners.rare
	s.mu.Unlock()
	if rare == nil {
		return
	}
	s.changeRare(func(r *rareListeners) {
		r.once = without(r.once, func(l *listener) bool { return l.event == event })
	})
}

// OnAny registers a handler for every event; it runs before those of On.
func (s *Socket) OnAny(f func(*Event) error) {
	s.changeRare(func(r *rareListeners) { r.any = added(r.any, f) })
}

// PrependAny is OnAny for a handler that runs before the others of OnAny.
func (s *Socket) PrependAny(f func(*Event) error) {
	s.changeRare(func(r *rareListeners) { r.any = slices.Insert(slices.Clone(r.any), 0, f) })
}

// OffAny removes the handlers of OnAny and PrependAny.
func (s *Socket) OffAny() { s.changeRare(func(r *rareListeners) { r.any = nil }) }

// Use registers a middleware for every event; it runs before any handler, and its error keeps the event from them.
func (s *Socket) Use(f func(*Event) error) {
	s.changeRare(func(r *rareListeners) { r.middleware = added(r.middleware, f) })
}

// OnDisconnecting registers what is done when the socket has ended; Rooms still tells where it was.
func (s *Socket) OnDisconnecting(f func(Reason)) {
	s.changeRare(func(r *rareListeners) { r.disconnecting = added(r.disconnecting, f) })
}

// OnDisconnect registers what is done last: no handler of the socket runs afterwards.
func (s *Socket) OnDisconnect(f func(Reason)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners.disconnect = append(s.listeners.disconnect, f)
}

// changeRare replaces the rare listeners by a copy that change has changed.
func (s *Socket) changeRare(change func(*rareListeners)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var r rareListeners
	if s.listeners.rare != nil {
		r = *s.listeners.rare
	}
	tapped := len(r.outgoing) > 0
	change(&r)
	s.listeners.rare = &r
	switch now := len(r.outgoing) > 0; {
	case now == tapped || s.reason != "": // finish has counted it out
	case now:
		s.ns.tapped.add(s)
	default:
		s.ns.tapped.remove(s)
	}
}

// added appends to a copy.
func added[T any](all []T, one T) []T { return append(slices.Clip(all), one) }

// without returns a copy that lacks those of which lacks says so.
func without[T any](all []T, lacks func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), lacks)
}

// listening returns the listeners as they are now.
func (s *Socket) listening() listeners {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.listeners
	l.events, l.disconnect = slices.Clip(l.events), slices.Clip(l.disconnect)
	return l
}

// run lets an event's middleware and handlers have it. taken: there was one.
func (l *listeners) run(e *Event) (taken bool, err error) {
	if l.rare != nil {
		if err := runAll(l.rare.middleware, e); err != nil {
			return true, err
		}
		if err := runAll(l.rare.any, e); err != nil {
			return true, err
		}
		taken = len(l.rare.middleware)+len(l.rare.any) > 0
	}
	some, err := runNamed(l.events, e)
	if l.rare == nil || err != nil {
		return taken || some, err
	}
	more, err := runOnce(l.rare.once, e)
	return taken || some || more, err
}

// runOnce is runNamed for those of Once. Each is removed right before it runs: one that an error keeps from running
// stays for the next event.
func runOnce(all []*listener, e *Event) (some bool, err error) {
	for _, one := range all {
		if one.event != e.name {
			continue
		}
		some = true
		e.socket.changeRare(func(r *rareListeners) {
			r.once = without(r.once, func(l *listener) bool { return l == one })
		})
		if err := one.f(e); err != nil {
			return true, err
		}
	}
	return some, nil
}

func runAll(all []func(*Event) error, e *Event) error {
	for _, f := range all {
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

// runNamed runs those that are registered for the event's name. some: there was one.
func runNamed(all []listener, e *Event) (some bool, err error) {
	for i := range all {
		if all[i].event != e.name {
			continue
		}
		some = true
		if err := all[i].f(e); err != nil {
			return true, err
		}
	}
	return some, nil
}
