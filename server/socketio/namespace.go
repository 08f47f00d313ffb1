package socketio

import (
	"context"
	"sync/atomic"
)

// A Namespace is a separate conversation over the same session: it has its own sockets, rooms, middleware and
// handlers.
//
// All methods may be called concurrently.
type Namespace struct {
	core *core
	name string
	hub  hub
	only []*Namespace  // this one: what a broadcast to it alone has
	acks atomic.Uint64 // ids of the acknowledgements asked of clients

	hooks     hooks
	announced chan struct{} // closed when the server's hooks have been told of it; nil if there are none
	tapped    tappedSet

	// Guarded by the registry's lock.

	parent  *Parent // who made it, while nobody asked for it by name
	present int     // sockets in it, on their way in, lost, or with handlers that still run
}

// announce tells the server's hooks of a new namespace.
func (ns *Namespace) announce() {
	if ns.announced == nil {
		return
	}
	defer close(ns.announced)
	for _, f := range ns.core.newNamespace.all() {
		ns.core.guardHook("new namespace", func() { f(ns) })
	}
}

func (ns *Namespace) awaitAnnounced() {
	if ns.announced != nil {
		<-ns.announced // ends with the hooks
	}
}

func (ns *Namespace) isAnnounced() bool {
	if ns.announced == nil {
		return true
	}
	select {
	case <-ns.announced:
		return true
	default:
		return false
	}
}

// Name returns the name, which begins with "/".
func (ns *Namespace) Name() string { return ns.name }

// OnConnect registers what is done with each new socket, before any of its events is handled. It may block; the
// client has been told by then that it is connected.
func (ns *Namespace) OnConnect(f func(*Socket)) { ns.hooks.addConnect(f) }

// Use registers a middleware: it is asked, in order, before a socket is connected, and may block. An error
// refuses the socket; the client's connect_error event has the error's text as message and, of an *Error, its
// Data as data.
func (ns *Namespace) Use(f func(*Socket) error) { ns.hooks.addMiddleware(f) }

// Sockets returns the connected sockets of this node, in no particular order. FetchSockets returns those of all nodes.
func (ns *Namespace) Sockets() []*Socket { return ns.all().Sockets() }

// Socket returns the connected socket of that id.
func (ns *Namespace) Socket(id string) (*Socket, bool) { return ns.hub.socket(id) }

// Len returns the number of connected sockets.
func (ns *Namespace) Len() int { return ns.hub.len() }

// To returns a broadcast to the sockets in any of rooms. Each socket is in the room of its own id.
func (ns *Namespace) To(rooms ...string) *Broadcast { return ns.all().To(rooms...) }

// In is To, as the reference server has it.
func (ns *Namespace) In(rooms ...string) *Broadcast { return ns.To(rooms...) }

// Except returns a broadcast to all sockets but those in any of rooms.
func (ns *Namespace) Except(rooms ...string) *Broadcast { return ns.all().Except(rooms...) }

// Local returns a broadcast to the sockets on this node.
func (ns *Namespace) Local() *Broadcast { return ns.all().Local() }

// Volatile returns a broadcast that leaves out sockets that could not be told at once.
func (ns *Namespace) Volatile() *Broadcast { return ns.all().Volatile() }

// Compress returns a broadcast that is compressed, or not, where that was agreed with the client.
func (ns *Namespace) Compress(on bool) *Broadcast { return ns.all().Compress(on) }

// Emit sends an event to all sockets.
func (ns *Namespace) Emit(event string, args ...any) error { return ns.all().Emit(event, args...) }

// EmitWithAck sends an event to all sockets and waits for their answers: see [Broadcast.EmitWithAck].
func (ns *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	return ns.all().EmitWithAck(ctx, event, args...)
}

// FetchSockets returns the sockets of all nodes: see [Broadcast.FetchSockets].
func (ns *Namespace) FetchSockets(ctx context.Context) ([]*RemoteSocket, error) {
	return ns.all().FetchSockets(ctx)
}

// SocketsJoin puts all sockets into rooms: see [Broadcast.SocketsJoin].
func (ns *Namespace) SocketsJoin(rooms ...string) error { return ns.all().SocketsJoin(rooms...) }

// SocketsLeave takes all sockets out of rooms.
func (ns *Namespace) SocketsLeave(rooms ...string) { ns.all().SocketsLeave(rooms...) }

// DisconnectSockets ends all sockets: see [Socket.Disconnect].
func (ns *Namespace) DisconnectSockets(closeSession bool) { ns.all().DisconnectSockets(closeSession) }

// Rooms returns the rooms of this node and how many sockets are in each, without those of the sockets' own ids. The map
// is the caller's. Joining and emitting wait while the rooms are listed: 5 ms for 100,000.
func (ns *Namespace) Rooms() map[string]int { return ns.hub.sizes() }

// All returns a broadcast to the sockets of all those namespaces.
func (p *Parent) All() *Broadcast { return &Broadcast{namespaces: p.Namespaces()} }

// Emit sends an event to all sockets of all those namespaces.
func (p *Parent) Emit(event string, args ...any) error { return p.All().Emit(event, args...) }
