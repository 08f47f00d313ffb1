package socketio

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
)

// A Namespace is a separate conversation over the same session: it has its own sockets, rooms, middleware and handlers.
//
// All methods may be called concurrently.
type Namespace struct {
	io   *Server
	name string
	hub  hub
	only []*Namespace  // this one: what a broadcast to it alone has
	acks atomic.Uint64 // ids of the acknowledgements asked of clients

	// Written with the record's lock held.

	watched atomic.Int64 // sockets and lost sessions that could be recovered
	lost    atomic.Int64 // the latter

	// Guarded by io.mu.

	parent  *Parent // who made it, while nobody asked for it by name
	present int     // sockets in it, on their way in, lost, or with handlers that still run

	mu sync.Mutex // guards the following

	hooks hooks
}

// hooks are what runs for each new socket of a namespace.
type hooks struct {
	connect    []func(*Socket)
	middleware []func(*Socket) error
}

func (h *hooks) clone() hooks {
	return hooks{slices.Clone(h.connect), slices.Clone(h.middleware)}
}

func newNamespace(io *Server, name string) *Namespace {
	ns := &Namespace{io: io, name: name, hub: hub{record: io.record, maxRooms: io.opts.MaxRooms}}
	ns.only = []*Namespace{ns}
	ns.hub.init(io.engine)
	return ns
}

// Name returns the name, which begins with "/".
func (ns *Namespace) Name() string { return ns.name }

// OnConnect registers what is done with each new socket, before any of its events is handled. It may block; the client
// has been told by then that it is connected.
func (ns *Namespace) OnConnect(f func(*Socket)) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.hooks.connect = append(ns.hooks.connect, f)
}

// Use registers a middleware: it is asked, in order, before a socket is connected, and may block. An error refuses the
// socket; the client's connect_error event has the error's text as message and, of an *Error, its Data as data.
func (ns *Namespace) Use(f func(*Socket) error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.hooks.middleware = append(ns.hooks.middleware, f)
}

func (ns *Namespace) currentHooks() hooks {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return hooks{slices.Clip(ns.hooks.connect), slices.Clip(ns.hooks.middleware)}
}

// Sockets returns the connected sockets, in no particular order.
func (ns *Namespace) Sockets() []*Socket { return ns.all().Sockets() }

// Socket returns the connected socket of that id.
func (ns *Namespace) Socket(id string) (*Socket, bool) { return ns.hub.socket(id) }

// Len returns the number of connected sockets.
func (ns *Namespace) Len() int { return ns.hub.len() }

func (ns *Namespace) all() *Broadcast { return &Broadcast{namespaces: ns.only} }

// To returns a broadcast to the sockets in any of rooms. Each socket is in the room of its own id.
func (ns *Namespace) To(rooms ...string) *Broadcast { return ns.all().To(rooms...) }

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
func (ns *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	return ns.all().EmitWithAck(ctx, event, args...)
}

// A Parent stands for the namespaces that were created because their names matched. What is registered here holds for
// those created afterwards. A namespace without sockets, and without any that may be recovered, is forgotten, so that clients
// cannot pile them up.
//
// All methods may be called concurrently.
type Parent struct {
	io    *Server
	match func(name string, auth json.RawMessage) bool

	children map[*Namespace]struct{} // guarded by io.mu

	mu sync.Mutex // guards the following

	hooks hooks
}

// OnConnect registers what is done with each new socket of the namespaces created from now on.
func (p *Parent) OnConnect(f func(*Socket)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hooks.connect = append(p.hooks.connect, f)
}

// Use registers a middleware for the namespaces created from now on: see [Namespace.Use].
func (p *Parent) Use(f func(*Socket) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hooks.middleware = append(p.hooks.middleware, f)
}

// Namespaces returns those that exist at the moment.
func (p *Parent) Namespaces() []*Namespace {
	p.io.mu.Lock()
	defer p.io.mu.Unlock()
	all := make([]*Namespace, 0, len(p.children))
	for ns := range p.children {
		all = append(all, ns)
	}
	return all
}

// All returns a broadcast to the sockets of all those namespaces.
func (p *Parent) All() *Broadcast { return &Broadcast{namespaces: p.Namespaces()} }

// Emit sends an event to all sockets of all those namespaces.
func (p *Parent) Emit(event string, args ...any) error { return p.All().Emit(event, args...) }

// mayBlock says whether somebody has to be asked before a client is let into the namespace of that name.
func (io *Server) mayBlock(name string) bool {
	io.mu.Lock()
	defer io.mu.Unlock()
	ns := io.namespaces[name]
	if ns == nil {
		return len(io.parents) > 0
	}
	return ns.parent != nil || len(ns.currentHooks().middleware) > 0
}

// enter returns the namespace of that name, to which a parent may have to admit the client; nil if none does. The
// reference server asks only while the namespace does not exist, and then lets everybody in. leave must follow.
func (io *Server) enter(name string, auth json.RawMessage) *Namespace {
	io.mu.Lock()
	ns, parents := io.namespaces[name], slices.Clip(io.parents)
	if ns != nil && ns.parent == nil {
		ns.present++
		io.mu.Unlock()
		return ns
	}
	io.mu.Unlock()
	for _, p := range parents {
		if p.admits(name, auth) {
			return p.child(name)
		}
	}
	return nil
}

// stay is enter for one who is in the namespace already. leave must follow.
func (io *Server) stay(ns *Namespace) {
	io.mu.Lock()
	defer io.mu.Unlock()
	ns.present++
}

// leave ends enter. A parent's namespace in which nobody is left is forgotten.
func (io *Server) leave(ns *Namespace) {
	io.mu.Lock()
	defer io.mu.Unlock()
	if ns.present--; ns.present == 0 && ns.parent != nil {
		delete(ns.parent.children, ns)
		delete(io.namespaces, ns.name)
	}
}

// admits asks match; a panic is a no.
func (p *Parent) admits(name string, auth json.RawMessage) (yes bool) {
	defer func() {
		if v := recover(); v != nil {
			p.io.logPanic(p.io.opts.Logger, "a namespace's function panicked", v)
			yes = false
		}
	}()
	return p.match(name, auth)
}

// child enters the namespace of that name, which it creates if it must.
func (p *Parent) child(name string) *Namespace {
	p.mu.Lock()
	hooks := p.hooks.clone()
	p.mu.Unlock()
	p.io.mu.Lock()
	defer p.io.mu.Unlock()
	ns := p.io.namespaces[name]
	if ns == nil {
		ns = newNamespace(p.io, name)
		ns.parent, ns.hooks = p, hooks
		p.io.namespaces[name] = ns
		p.children[ns] = struct{}{}
	}
	ns.present++
	return ns
}
