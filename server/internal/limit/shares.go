package limit

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultMaxHeldBytes is how many bytes the process holds for all its clients together, unless told otherwise.
const DefaultMaxHeldBytes = 256 << 20

// SharesOptions bound what a process holds for its clients. The zero value of each field means its default.
type SharesOptions struct {
	// MaxHeldBytes is the sum: how many bytes are held for all clients together, in queues, partial messages,
	// inboxes, and answers under way. Zero value means 256 MiB.
	MaxHeldBytes int64

	// Trusted lifts the share of an address. The sum stays.
	Trusted bool

	// Told, if set, is called after each member that was shed, by the goroutine that sheds: it must not block.
	Told func(Shedding)
}

// Shedding tells of one member that was shed.
type Shedding struct {
	Network Network // the address that held most, or had more than its share
	Bytes   int     // what the member held
	Held    int64   // what all held
	Sum     bool    // the sum was reached; else the address was over its share
}

// A Member holds bytes for a client and can be told to give them back. Its methods are called without any lock.
type Member interface {
	// Held returns how many bytes the member holds now.
	Held() int

	// Shed ends the member, which gives back what it holds as soon as it can. It does not wait for that.
	Shed()
}

// Shares divide the bytes that a process may hold among the addresses of its clients.
//
// An address may hold a quarter of what is still free (and at least a 4,096th of the sum): the dynamic threshold of
// Choudhury and Hahne for the shared memory of a switch ("Dynamic Queue Length Thresholds for Shared-Memory Packet
// Switches", IEEE/ACM Transactions on Networking 6(2), 1998). With the sum M, of which h is held by each of n greedy
// addresses,
//
//	h = (M - n*h) / 4, so h = M / (4 + n)
//
// A greedy address alone stops at a fifth of the sum, 51 MiB by default, and leaves four fifths to the others; ten of
// them stop at 18 MiB each. Nobody has to say how many addresses there are, nothing is set aside for addresses that
// do not come, and while little is held nothing binds anybody. The /56 around an IPv6 address may hold Factor56 times
// as much, the /48 Factor48 times.
//
// When an address is over its share, or the sum is reached, the member that holds most, of the address that holds
// most, is shed; then the next, until it fits. One goroutine does that, woken by [Account.Hold], which never waits
// for it. It ends with Close. Between two looks the sum may grow by a 64th unnoticed.
//
// All methods may be called concurrently.
type Shares struct {
	max     int64
	trusted bool
	told    func(Shedding)

	share atomic.Int64 // what an address may hold, as of the last look
	cells [cells]heldCell
	wake  chan struct{} // holds one
	stop  chan struct{} // closed by Close
	done  chan struct{} // closed when the goroutine has ended

	shedShare, shedSum, near atomic.Uint64

	mu sync.Mutex // guards the following, and what accounts say it guards

	accounts map[Network]*Account
	wider    map[Network]*wider
	closing  []*Account // closed while they held something
	next     int        // the cell of the next account
	closed   bool
}

const (
	cells     = 16   // the sum is counted in so many places, so that cores do not wait for each other
	shareOf   = 4    // an address may hold one of so many parts of what is free,
	leastPart = 4096 // or of the sum, if that is more
	stepPart  = 1024 // a cell may grow by one of so many parts of the sum before somebody looks
	nearPart  = 8    // the sum is near when less than one of so many parts is free
)

// A heldCell is a part of the sum. It fills a cache line.
type heldCell struct {
	held  atomic.Int64
	alarm atomic.Int64 // when held is more, somebody must look
	_     [48]byte
}

// wider is what a /56 or a /48 holds.
type wider struct {
	key      Network
	held     atomic.Int64
	accounts int // Shares.mu guards it
}

// NewShares returns shares of which nothing is held. Close must follow.
func NewShares(o SharesOptions) (*Shares, error) {
	if o.MaxHeldBytes == 0 {
		o.MaxHeldBytes = DefaultMaxHeldBytes
	}
	if o.MaxHeldBytes < 0 {
		return nil, fmt.Errorf("limit: MaxHeldBytes is %d: it must be positive", o.MaxHeldBytes)
	}
	if o.Told == nil {
		o.Told = func(Shedding) {}
	}
	s := &Shares{
		max: o.MaxHeldBytes, trusted: o.Trusted, told: o.Told,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		accounts: make(map[Network]*Account), wider: make(map[Network]*wider),
	}
	s.setAlarms()
	go (&warden{shares: s}).run() // ends with Close
	return s, nil
}

// Close ends the shedding. What is held is still counted.
func (s *Shares) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.stop)
	}
	s.mu.Unlock()
	<-s.done
}

// SharesStats are what Shares have counted.
type SharesStats struct {
	Held      int64  // bytes
	Max       int64  // bytes that may be held
	Accounts  int    // addresses that have an account
	ShedShare uint64 // members shed because their address was over its share
	ShedSum   uint64 // members shed because the sum was reached
	Near      uint64 // how often less than an eighth of the sum was free
}

// Stats returns how things stand.
func (s *Shares) Stats() SharesStats {
	s.mu.Lock()
	accounts := len(s.accounts)
	s.mu.Unlock()
	return SharesStats{
		Held: s.sum(), Max: s.max, Accounts: accounts,
		ShedShare: s.shedShare.Load(), ShedSum: s.shedSum.Load(), Near: s.near.Load(),
	}
}

func (s *Shares) sum() (held int64) {
	for i := range s.cells {
		held += s.cells[i].held.Load()
	}
	return held
}

// shareAt returns what an address may hold while so much is held in all.
func (s *Shares) shareAt(held int64) int64 {
	if s.trusted {
		return math.MaxInt64 / Factor48
	}
	return max((s.max-held)/shareOf, s.max/leastPart, 1)
}

// setAlarms sets what Hold looks at and returns the sum. A cell that grows meanwhile is looked at once more: its Hold
// may have compared with the alarm of before.
func (s *Shares) setAlarms() (held int64) {
	step := max(s.max/stepPart, 1)
	for stale := true; stale; {
		held, stale = 0, false
		for i := range s.cells {
			n := s.cells[i].held.Load()
			s.cells[i].alarm.Store(n + step)
			held += n
		}
		s.share.Store(s.shareAt(held))
		for i := range s.cells {
			stale = stale || s.cells[i].held.Load() > s.cells[i].alarm.Load()
		}
	}
	return held
}

// look wakes the goroutine that sheds, and does not wait for it.
func (s *Shares) look() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// pause is how long the goroutine rests after it has looked for so long: a flood of bytes costs at most a tenth of a
// core.
func pause(looked time.Duration) time.Duration { return max(time.Millisecond, 9*looked) }
