package socketio

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

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
// lock held, and holds it up. It is not told of events that can't be encoded, of acknowledgements, nor of what is sent
// again to a client that is recovered. An event that it was told of may still be dropped: a volatile one, or because
// the socket ends or a limit is met.
func (s *Socket) OnAnyOutgoing(f func(event string, args []any)) {
	s.changeRare(func(r *rareListeners) { r.outgoing = added(r.outgoing, f) })
}

// OffAnyOutgoing removes what OnAnyOutgoing registered.
func (s *Socket) OffAnyOutgoing() { s.changeRare(func(r *rareListeners) { r.outgoing = nil }) }

// OnAnyOutgoing registers what is told of each event that is emitted in the namespace, once, however many sockets it is
// for. It is called before the event is sent, in the goroutine that emits, with no lock held, and holds it up. It may
// emit itself, and is told of that too. It is not told of events that can't be encoded. Of a broadcast that reaches
// nobody on this node it is told if a room has members, all of whom are left out, or while a lost session may return.
func (ns *Namespace) OnAnyOutgoing(f func(*OutgoingEvent)) { ns.hooks.outgoing.add(f) }

// tap tells of an event to one socket. Hooks get copies of args, which stay on the stack where there are none.
func (e Emitter) tap(event string, args []any) {
	s := e.socket
	if s.ns.hooks.outgoing.none() && s.ns.tapped.none() {
		return
	}
	for _, f := range s.ns.hooks.outgoing.all() {
		o := &OutgoingEvent{s.ns, event, append([]any(nil), args...), s, nil}
		s.ns.core.guardHook("outgoing", func() { f(o) })
	}
	s.tapped(event, args)
}

// tap tells of an event to many.
func (b *Broadcast) tap(ns *Namespace, event string, args []any) {
	for _, f := range ns.hooks.outgoing.all() {
		o := &OutgoingEvent{ns, event, append([]any(nil), args...), nil, &Broadcast{ns.only, b.audience}}
		ns.core.guardHook("outgoing", func() { f(o) })
	}
	if ns.tapped.none() {
		return
	}
	for _, s := range ns.hub.among(ns.tapped.all(), &b.audience) {
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
		own := append([]any(nil), args...)
		s.ns.core.guardHook("outgoing", func() { f(event, own) })
	}
}

// A tappedSet is the sockets of a namespace that are told of events to their clients: a broadcast asks these alone, and
// not all that it reaches. To find it empty is one load.
type tappedSet struct {
	n  atomic.Int64
	mu sync.Mutex // guards the following; it may be taken while a socket's lock is held

	sockets map[*Socket]struct{}
}

func (t *tappedSet) none() bool { return t.n.Load() == 0 }

func (t *tappedSet) add(s *Socket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sockets == nil {
		t.sockets = make(map[*Socket]struct{})
	}
	t.sockets[s] = struct{}{}
	t.n.Store(int64(len(t.sockets)))
}

func (t *tappedSet) remove(s *Socket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.sockets, s)
	t.n.Store(int64(len(t.sockets)))
}

func (t *tappedSet) all() []*Socket {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Keys(t.sockets))
}
