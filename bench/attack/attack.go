package attack

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// An Attack is one way to harm others.
type Attack struct {
	Name string // in plain words; the command line takes it
	What string // one line for the report

	// prepare, if set, brings the server into the state that the attack needs. What it could not do is no error:
	// the server may have limits against that too.
	prepare func(*assault)
	run     func(*assault)
}

// Named returns the attack of that name.
func Named(name string) (Attack, error) {
	i := slices.IndexFunc(Attacks, func(a Attack) bool { return a.Name == name })
	if i < 0 {
		return Attack{}, fmt.Errorf("there is no attack %q", name)
	}
	return Attacks[i], nil
}

// preparation is how long preparing may take.
const preparation = 15 * time.Second

// respite is how long one that was refused waits before it comes again.
const respite = 10 * time.Millisecond

// Run attacks the server at addr for a time. ready is called when the attack begins, behind its preparation. It
// returns how often the server was asked for something, when all connections are closed.
func (a Attack) Run(ctx context.Context, addr netip.AddrPort, d time.Duration, ready func()) (asked uint64) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &assault{addr: addr, ctx: ctx}
	if a.prepare != nil {
		soon, done := context.WithTimeout(ctx, preparation)
		s.deadline, _ = soon.Deadline()
		a.prepare(s)
		done()
	}
	s.asked.Store(0)
	s.deadline = time.Now().Add(d)
	ready()
	a.run(s)
	cancel() // which closes all connections
	s.all.Wait()
	return s.asked.Load()
}

// An assault is an attack that is under way.
type assault struct {
	addr     netip.AddrPort
	ctx      context.Context // its end closes all connections
	deadline time.Time       // of what is under way: the preparation, or the attack
	all      sync.WaitGroup  // of the goroutines that read, which end with their connections
	asked    atomic.Uint64

	batch *batch    // that the preparation has made
	crowd []*socket // those that the preparation has left in the room
	entry uint64    // an offset that the preparation has found
	pid   string    // of a session that the preparation has lost
	last  string    // the offset of the last event that this session has had
}

// over reports whether the time for what is under way has passed.
func (s *assault) over() bool { return s.ctx.Err() != nil || !time.Now().Before(s.deadline) }

// rest waits, at most until the deadline.
func (s *assault) rest(d time.Duration) {
	select {
	case <-time.After(min(d, time.Until(s.deadline))):
	case <-s.ctx.Done():
	}
}

// each has n attackers do something again and again until the deadline; one whose turn ends with an error comes
// back a moment later.
func (s *assault) each(n int, turn func(number int) error) {
	var all sync.WaitGroup
	for number := range n {
		all.Go(func() { // ends at the deadline: connections have it too
			for !s.over() {
				if turn(number) != nil {
					s.rest(respite)
				}
			}
		})
	}
	all.Wait()
}
