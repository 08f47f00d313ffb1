package socketio

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"
)

// A Parent stands for the namespaces that were created because their names matched. What is registered here holds
// for those created afterwards. A namespace without sockets, and without any that may be recovered, is forgotten,
// so that clients cannot pile them up.
//
// All methods may be called concurrently.
type Parent struct {
	core  *core
	match func(name string, auth json.RawMessage) bool
	hooks hooks

	children map[*Namespace]struct{} // guarded by the registry's lock
}

// OnConnect registers what is done with each new socket of the namespaces created from now on.
func (p *Parent) OnConnect(f func(*Socket)) { p.hooks.addConnect(f) }

// Use registers a middleware for the namespaces created from now on: see [Namespace.Use].
func (p *Parent) Use(f func(*Socket) error) { p.hooks.addMiddleware(f) }

// Namespaces returns those that exist at the moment.
func (p *Parent) Namespaces() []*Namespace {
	r := &p.core.names
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(p.children))
}

// admits asks match; a panic is a no.
func (p *Parent) admits(name string, auth json.RawMessage) (yes bool) {
	defer func() {
		if v := recover(); v != nil {
			p.core.logPanic(p.core.opts.Logger, "a namespace's function panicked", v)
			yes = false
		}
	}()
	return p.match(name, auth)
}

// A registry knows the namespaces by their names.
type registry struct {
	mu sync.Mutex // guards the following

	namespaces map[string]*Namespace
	parents    []*Parent
}

// named returns the namespace of that name, which it makes if it must.
func (r *registry) named(k *core, name string) *Namespace {
	r.mu.Lock()
	ns := r.namespaces[name]
	made := ns == nil
	if made {
		ns = r.create(k, name)
	}
	ns.parent = nil // asked for by name, it stays
	r.mu.Unlock()
	if made {
		ns.announce()
	}
	return ns
}

// create makes a namespace. r.mu must be held.
func (r *registry) create(k *core, name string) *Namespace {
	ns := &Namespace{core: k, name: name}
	ns.only = []*Namespace{ns}
	ns.hub.init(k)
	if len(k.newNamespace.all()) > 0 {
		ns.announced = make(chan struct{})
	}
	ns.hub.hold, ns.hub.release = func() { r.hold(ns) }, func() { r.release(ns) }
	if r.namespaces == nil {
		r.namespaces = make(map[string]*Namespace)
	}
	r.namespaces[name] = ns
	return ns
}

func (r *registry) addParent(p *Parent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parents = append(r.parents, p)
}

// find returns the namespace of that name; nil if there is none.
func (r *registry) find(name string) *Namespace {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.namespaces[name]
}

func (r *registry) all() []*Namespace {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Values(r.namespaces))
}

// mayBlock says whether somebody has to be asked before a client is let into the namespace of that name.
func (r *registry) mayBlock(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	ns := r.namespaces[name]
	if ns == nil {
		return len(r.parents) > 0
	}
	if !ns.isAnnounced() {
		return true
	}
	_, middleware := ns.hooks.current()
	return ns.parent != nil || len(middleware) > 0
}

// enter returns the namespace of that name, to which a parent may have to admit the client; nil if none does. The
// reference server asks only while the namespace does not exist, and then lets everybody in. release must follow.
func (r *registry) enter(name string, auth json.RawMessage) *Namespace {
	r.mu.Lock()
	ns, parents := r.namespaces[name], slices.Clip(r.parents)
	if ns != nil && ns.parent == nil {
		ns.present++
		r.mu.Unlock()
		ns.awaitAnnounced()
		return ns
	}
	r.mu.Unlock()
	for _, p := range parents {
		if p.admits(name, auth) {
			return r.child(p, name)
		}
	}
	return nil
}

// child enters the namespace of that name, which the parent creates if it must.
func (r *registry) child(p *Parent, name string) *Namespace {
	connect, middleware := p.hooks.current()
	r.mu.Lock()
	ns := r.namespaces[name]
	made := ns == nil
	if made {
		ns = r.create(p.core, name)
		ns.parent = p
		ns.hooks.connect, ns.hooks.middleware = slices.Clone(connect), slices.Clone(middleware)
		p.children[ns] = struct{}{}
	}
	ns.present++
	r.mu.Unlock()
	if made {
		ns.announce()
	} else {
		ns.awaitAnnounced()
	}
	return ns
}

// hold is enter for one who is in the namespace already. release must follow.
func (r *registry) hold(ns *Namespace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ns.present++
}

// release ends enter. A parent's namespace in which nobody is left is forgotten.
func (r *registry) release(ns *Namespace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ns.present--; ns.present == 0 && ns.parent != nil {
		delete(ns.parent.children, ns)
		delete(r.namespaces, ns.name)
	}
}
