package socketio

import (
	"slices"
	"sync"
)

// hooks are what runs for each new socket of a namespace.
type hooks struct {
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
