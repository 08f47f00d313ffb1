package socketio

// An OutgoingEvent is an event on its way to clients.
type OutgoingEvent struct {
	Namespace *Namespace
	Name      string
	Args      []any      // as they were given to Emit
	Socket    *Socket    // of an event to one socket, else nil
	To        *Broadcast // of an event to many: its Sockets, or Len, tell whom it reaches at the moment
}

// OnAnyOutgoing registers what is told of each event that is emitted to the socket, alone or with others: its name, and
// its arguments as they were given to Emit. It is called before the event is sent, in the goroutine that emits, with no
// lock held, and holds it up. A volatile event may be dropped afterwards. It is not told
// of acknowledgements, nor of what is sent again to a client that is recovered.
func (s *Socket) OnAnyOutgoing(f func(event string, args []any)) {
	s.changeRare(func(r *rareListeners) { r.outgoing = added(r.outgoing, f) })
}

// OffAnyOutgoing removes what OnAnyOutgoing registered.
func (s *Socket) OffAnyOutgoing() { s.changeRare(func(r *rareListeners) { r.outgoing = nil }) }

// OnAnyOutgoing registers what is told of each event that is emitted in the namespace, once, however many sockets it is
// for. It is called before the event is sent, in the goroutine that emits, with no lock held, and holds it up. It may
// emit itself, and is told of that too. Of a broadcast that reaches nobody on this node it is not told.
func (ns *Namespace) OnAnyOutgoing(f func(*OutgoingEvent)) { ns.hooks.outgoing.add(f) }

// tap tells of an event to one socket. Hooks get copies of args, which stay on the stack where there are none.
func (e Emitter) tap(event string, args []any) {
	s := e.socket
	if s.ns.hooks.outgoing.none() && s.ns.tapped.Load() == 0 || !s.Connected() {
		return
	}
	for _, f := range s.ns.hooks.outgoing.all() {
		f(&OutgoingEvent{s.ns, event, append([]any(nil), args...), s, nil})
	}
	s.tapped(event, args)
}

// tap tells of an event to many.
func (b *Broadcast) tap(ns *Namespace, event string, args []any) {
	for _, f := range ns.hooks.outgoing.all() {
		f(&OutgoingEvent{ns, event, append([]any(nil), args...), nil, &Broadcast{ns.only, b.audience}})
	}
	if ns.tapped.Load() == 0 {
		return
	}
	for _, s := range ns.hub.reached(nil, &b.audience) {
		s.tapped(event, args)
	}
}

// tapped tells those of the socket.
func (s *Socket) tapped(event string, args []any) {
	rare := s.listening().rare
	if rare == nil {
		return
	}
	for _, f := range rare.outgoing {
		f(event, append([]any(nil), args...))
	}
}
