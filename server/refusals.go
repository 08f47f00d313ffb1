package server

import (
	"log/slog"
	"sync"
)

// mostRefusals is how many refused origins are told apart; a client can make up any number of them.
const mostRefusals = 100

// refusals logs each refused origin once.
type refusals struct {
	log *slog.Logger

	mu   sync.Mutex // guards the following
	seen map[string]bool
}

// note logs an origin that has not been logged yet, and the setting that would let it in.
func (r *refusals) note(origin string) {
	if r.isNew(origin) {
		r.log.Warn("refused a page of another origin; to let it in, add the origin to the setting allowed_origins",
			"origin", origin)
	}
}

func (r *refusals) isNew(origin string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[origin] || len(r.seen) == mostRefusals {
		return false
	}
	if r.seen == nil {
		r.seen = make(map[string]bool)
	}
	r.seen[origin] = true
	return true
}
