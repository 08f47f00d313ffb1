package limit

import (
	"context"
	"errors"
	"sync"
)

// ErrBusy says that too many wait already.
var ErrBusy = errors.New("too many wait for this")

// Places let so many at a time do something, such as to read a disk, and the others wait for their turn: each key,
// such as an address, in turn, and while others wait one key has at most half of the places. All methods may be
// called concurrently.
type Places struct {
	all int

	mu sync.Mutex // guards the following

	taken   int
	byKey   map[string]int // how many of those taken are a key's
	waiting *Turns[*waiter]
	gone    int // how many of those that wait have given up
}

// A waiter waits for a place.
type waiter struct {
	key   string
	ready chan struct{} // closed when it has a place
	gone  bool          // Places.mu guards it
}

// NewPlaces returns n places. At most waiting wait for one.
func NewPlaces(n, waiting int) *Places {
	return &Places{all: max(n, 1), byKey: make(map[string]int), waiting: NewTurns[*waiter](waiting, waiting*quantum)}
}

// Acquire waits until there is a place for key. It returns [ErrBusy] if too many wait already, of all or of this key,
// and the error of ctx if that ends first. Else release must be called, once, when the place is not needed any more.
func (p *Places) Acquire(ctx context.Context, key string) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	release = sync.OnceFunc(func() { p.release(key) })
	w, err := p.enter(key)
	if w == nil {
		if err != nil {
			return nil, err
		}
		return release, nil
	}
	select {
	case <-w.ready:
		return release, nil
	case <-ctx.Done():
		if p.giveUp(w) {
			release()
		}
		return nil, ctx.Err()
	}
}

// enter takes a place, or returns who waits for one.
func (p *Places) enter(key string) (*waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken < p.all && p.waiting.Len() == p.gone {
		p.seat(key)
		return nil, nil
	}
	w := &waiter{key: key, ready: make(chan struct{})}
	// Each costs a whole turn, so the keys alternate.
	ok := p.waiting.Push(key, quantum, w)
	if !ok && p.gone > 0 {
		p.forget()
		ok = p.waiting.Push(key, quantum, w)
	}
	if !ok {
		return nil, ErrBusy
	}
	p.grant()
	return w, nil
}

// giveUp ends the wait of w, and says whether it has got a place meanwhile.
func (p *Places) giveUp(w *waiter) (seated bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-w.ready:
		return true
	default:
	}
	w.gone = true
	if p.gone++; 2*p.gone > p.waiting.Len() {
		p.forget()
	}
	return false
}

// forget drops those that wait no more. p.mu must be held.
func (p *Places) forget() {
	p.waiting.Drop(func(w *waiter) bool { return w.gone })
	p.gone = 0
}

func (p *Places) release(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if p.byKey[key]--; p.byKey[key] == 0 {
		delete(p.byKey, key)
	}
	p.grant()
}

// grant gives free places to those that wait: first to keys that have less than half of all. p.mu must be held.
func (p *Places) grant() {
	for p.taken < p.all && p.waiting.Len() > 0 {
		w, ok := p.waiting.PopOf(func(key string) bool { return p.byKey[key] < max(p.all/2, 1) })
		if !ok {
			w, _ = p.waiting.Pop()
		}
		if w.gone {
			p.gone--
			continue
		}
		p.seat(w.key)
		close(w.ready)
	}
}

func (p *Places) seat(key string) {
	p.taken++
	p.byKey[key]++
}

// Waiting returns how many wait.
func (p *Places) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting.Len() - p.gone
}
