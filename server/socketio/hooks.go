package socketio

import (
	"slices"
	"sync"
	"sync/atomic"
)

// hooks are what runs for the sockets of a namespace.
type hooks struct {
	outgoing hookList[func(*OutgoingEvent)]

	mu sync.Mutex // guards the following

	connect    []func(*Socket)
	middleware []func(*Socket) error
}

func (h *hooks) addConnect(f func(*Socket)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connect = append(h.connect, f)
}

func (h *hooks) addMiddleware(f func(*Socket) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.middleware = append(h.middleware, f)
}

// current returns the hooks as they are now.
func (h *hooks) current() (connect []func(*Socket), middleware []func(*Socket) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clip(h.connect), slices.Clip(h.middleware)
}

// guardHook calls a hook; a panic is logged.
func (k *core) guardHook(name string, f func()) {
	defer func() {
		if p := recover(); p != nil {
			k.logPanic(k.opts.Logger.With("hook", name), "a hook panicked", p)
		}
	}()
	f()
}

// A hookList is a list of functions to which some are added and that is read much more often. To read an empty one is
// one load.
type hookList[F any] struct {
	mu   sync.Mutex // held while one is added
	list atomic.Pointer[[]F]
}

func (l *hookList[F]) add(f F) {
	l.mu.Lock()
	defer l.mu.Unlock()
	more := append(slices.Clip(l.all()), f)
	l.list.Store(&more)
}

func (l *hookList[F]) none() bool { return l.list.Load() == nil }

// all returns the functions, in the order in which they were added.
func (l *hookList[F]) all() []F {
	if list := l.list.Load(); list != nil {
		return *list
	}
	return nil
}
