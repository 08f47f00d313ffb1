package feed

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crier/crier/server/internal/limit"
)

// Options are the settings of a [Log]. The zero value of a field means its default.
type Options struct {
	MaxAge     time.Duration // 7 days; how long an entry is held
	MaxEntries int           // 100,000 held
	MaxBytes   int64         // 256 MiB held

	Recent      int // 1,024 entries are also held in memory
	RecentBytes int // 8 MiB of them

	MaxPending      int // 16,384 entries may wait to be stored or to be published
	MaxPendingBytes int // 32 MiB of them

	// Held, if set, is told how much the store holds: when the log is made, after each batch, and when something is
	// retired. It may be called concurrently, and must be quick.
	Held func(entries int, bytes int64)

	Logger *slog.Logger // told when the store begins to fail and when it works again; nil means slog.Default()
}

func (o Options) withDefaults() Options {
	o.MaxAge = cmp.Or(o.MaxAge, 7*24*time.Hour)
	o.MaxEntries = cmp.Or(o.MaxEntries, 100_000)
	o.MaxBytes = cmp.Or(o.MaxBytes, 256<<20)
	o.Recent = cmp.Or(o.Recent, 1024)
	o.RecentBytes = cmp.Or(o.RecentBytes, 8<<20)
	o.MaxPending = cmp.Or(o.MaxPending, 16384)
	o.MaxPendingBytes = cmp.Or(o.MaxPendingBytes, 32<<20)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

func (o Options) check() error {
	if o.MaxAge < 0 || min(o.MaxEntries, o.Recent, o.RecentBytes, o.MaxPending, o.MaxPendingBytes) < 0 || o.MaxBytes < 0 {
		return fmt.Errorf("feed: a limit is below zero: %+v", o)
	}
	if o.MaxPendingBytes < MaxEntryBytes {
		return fmt.Errorf("feed: MaxPendingBytes is %d, which is less than one entry may have (%d)",
			o.MaxPendingBytes, MaxEntryBytes)
	}
	return nil
}

// A Log takes entries in, stores them and publishes them in order.
//
// Two goroutines of its own do the work, so that one batch is stored while the one before is passed on. The committer
// takes all that waits, up to a size, as one batch to the store; while the store syncs, more gathers. So there is no
// timer and no added delay, and the more comes in, the more entries share a sync. The publisher then calls what
// Append was given, in the order of offsets. The committer is never more than one batch ahead: if passing on is what
// takes the time, being faster would only mean more and smaller batches, and the processor time of a sync (about 50
// us) is what they share.
//
// On an Instant store there is nothing to wait for, and those who append do the work themselves: see Append.
//
// A store that fails harms only the entries that it was given then. While it fails, and nothing is appended, it is
// probed, so that Health is not stuck where it keeps clients away. One that works is checked every few seconds, however
// much is appended.
//
// All methods may be called concurrently.
type Log struct {
	opts  Options
	store Store

	wake   chan struct{}     // something is in the queue, or the log was closed
	stored chan *work        // from the committer to the publisher; closed by the former. Not buffered: see Log
	seams  chan func(uint64) // run by the publisher
	ended  chan struct{}     // both goroutines are done and the store is closed
	closed error             // of the store; readable after ended

	fault     atomic.Pointer[error]     // why the store fails, if it does; set by the committer
	busySince atomic.Pointer[time.Time] // when the store was given what it works on, if it does

	last   atomic.Uint64 // the newest offset that was published, or is being published
	recent ring
	counts counts
	tail   func(*Entry) // told of each new entry; nil until Follow

	lines outlets // into the log

	clock  *clock       // by which entries grow old
	due    atomic.Int64 // when the oldest is too old, in Unix milliseconds
	direct *committer   // on an Instant store, instead of the two goroutines: see direct.go

	mu       sync.Mutex // guards the following; never held while a store, a done or a seam runs
	working  bool       // on an Instant store: somebody is storing and publishing
	chores   []func()   // on an Instant store: what is to run between two publications
	next     *work      // what is stored next; nil for nothing
	turns    turns      // what does not fit into it
	spare    []*work
	newest   int64 // the latest At that Append has set
	waiting  int   // entries that are not published yet
	bytes    int   // of those
	shutting bool
}

// outlets bound the lines that a store or a callback can bring about as often as it fails.
type outlets struct{ panics, store, retire *limit.Outlet }

// Done answers whoever appended an entry: with err == nil it is stored, as the result says.
type Done func(r Result, err error)

// work is what goes to the store in one piece.
type work struct {
	entries []Entry
	dones   []Done
	results []Result
	bytes   int
	now     int64 // when the last was added, in Unix milliseconds
	err     error
}

// fits tells whether an entry of a size may be added. The first may whatever its size.
func (w *work) fits(size int) bool { return w.bytes == 0 || w.bytes+size <= maxBatch }

func (w *work) add(e Entry, done Done, size int) {
	w.entries = append(w.entries, e)
	w.dones = append(w.dones, done)
	w.bytes += size
}

// forResults returns the memory for the results of the entries.
func (w *work) forResults() []Result {
	w.results = slices.Grow(w.results[:0], len(w.entries))[:len(w.entries)]
	clear(w.results)
	return w.results
}

// maxBatch is the size at which a batch is full. Larger ones cost no less for an entry: at this size a sync is shared
// by a thousand messages.
const maxBatch = 256 << 10

// New returns a log on a store, which it owns from then on, and applies the limits to what the store holds.
func New(store Store, opts Options) (*Log, error) {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	l := &Log{
		opts: opts, store: store,
		wake: make(chan struct{}, 1), stored: make(chan *work),
		seams: make(chan func(uint64)), ended: make(chan struct{}), turns: newTurns(opts),
		lines: outlets{limit.NewOutlet(), limit.NewOutlet(), limit.NewOutlet()},
	}
	l.clock = newClock(opts.Logger)
	l.recent.limits = Window{Entries: opts.Recent, Bytes: opts.RecentBytes}
	l.limit()
	l.retire()
	last := store.Bounds().Last
	newest, err := store.ReadBefore(context.Background(), last+1, opts.Recent, opts.RecentBytes)
	if err != nil {
		return nil, err
	}
	for _, e := range newest {
		l.recent.add(e)
		l.newest = e.At
	}
	l.last.Store(last)
	if _, ok := store.(Instant); ok {
		l.direct = &committer{Log: l, retired: time.Now()}
		go l.serve() // ends after Close
		return l, nil
	}
	go l.commit()  // ends after Close
	go l.publish() // ends after commit
	return l, nil
}

// Follow has f told of each new entry, in the order of offsets and each once, whoever appended it: it is where news
// are passed on from. It is called once, before the first Append. F is called by the publisher, with no lock held,
// when the entry can be read and whoever appended it has its answer; what f does delays all others. It must not
// change the entry, nor keep it.
func (l *Log) Follow(f func(*Entry)) { l.tail = f }

// Append takes an entry in, whose Offset it ignores, and whose At is set if it is zero: to the time, which does not
// go back from one offset to the next unless the clock does so by a minute or more. It never waits for the store.
// When it returns nil, done is called once, by the publisher: one at a time, in the order of offsets, which for those
// of one turn is that of the calls of Append, with no lock held. Done may call every method but Seam and Close; what
// it does delays all others.
//
// Turn names whose entry it is, such as the address of a client: where more waits than is stored at a time, each turn
// gets the same share.
//
// When Append returns an error, done is not called: ErrBusy if too much waits, of all or of this turn, ErrTooLarge,
// or ErrClosed.
//
// On an Instant store, which nobody has to wait for, the goroutine that calls Append mostly calls done itself before
// Append returns, and that of others who appended meanwhile: so who calls Append must hold no lock that a done takes.
func (l *Log) Append(turn string, e Entry, done Done) error {
	mine, err := l.enqueue(turn, e, done)
	switch {
	case mine:
		l.work(mostForOthers)
	case err == nil && l.direct == nil:
		l.signal()
	}
	return err
}

// enqueue takes an entry in. On an Instant store it may tell the caller that the work is its own: see work.
func (l *Log) enqueue(turn string, e Entry, done Done) (mine bool, err error) {
	size := e.Size()
	if size > MaxEntryBytes {
		l.counts.tooLarge.Add(1)
		return false, ErrTooLarge
	}
	now := time.Now().UnixMilli()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.shutting:
		return false, ErrClosed
	case l.waiting >= l.opts.MaxPending || l.bytes+size > l.opts.MaxPendingBytes:
		l.counts.busy.Add(1)
		return false, ErrBusy
	}
	if w := l.openWork(size); w != nil {
		l.stamp(&e, now)
		w.add(e, done, size)
		w.now = now
	} else if !l.turns.Push(turn, size, waiting{e, done, size}) {
		l.counts.busy.Add(1)
		return false, ErrBusy
	}
	l.waiting++
	l.bytes += size
	mine = l.direct != nil && !l.working
	l.working = l.working || mine
	return mine, nil
}

// setBack is by how much a clock may go back without anybody noticing. Clocks that are kept right by small steps stay
// within it; one that goes back further was wrong before, and what it said then must not be said on and on.
const setBack = time.Minute

// stamp sets the time of the next entry, if it has none: that of the clock, but not before that of the entry before
// it. It needs the lock.
func (l *Log) stamp(e *Entry, now int64) {
	if e.At != 0 {
		return
	}
	if now >= l.newest || l.newest-now >= setBack.Milliseconds() {
		l.newest = now
	}
	e.At = l.newest
}

// openWork returns the work that takes an entry of the size, or nil: then the entry has to wait for its turn. It
// needs the lock.
func (l *Log) openWork(size int) *work {
	switch {
	case !l.turns.empty():
		return nil
	case l.next == nil:
		l.next = l.newWork()
	case !l.next.fits(size):
		return nil
	}
	return l.next
}

// newWork needs the lock.
func (l *Log) newWork() (w *work) {
	if n := len(l.spare); n > 0 {
		w, l.spare = l.spare[n-1], l.spare[:n-1]
		return w
	}
	return &work{}
}

// nextWork returns what waits longest, and fills the work behind it from the turns. It needs the lock.
func (l *Log) nextWork() *work {
	w := l.next
	l.next = nil
	if !l.turns.empty() {
		l.next = l.newWork()
		now := time.Now().UnixMilli()
		l.next.now = now
		l.turns.fill(l.next, func(e *Entry) { l.stamp(e, now) })
	}
	return w
}

func (l *Log) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// take returns the next work, if any, and whether there will be more.
func (l *Log) take() (w *work, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		return nil, !l.shutting
	}
	return l.nextWork(), true
}

// release gives back what one entry took of the limits, and says whether there are chores.
func (l *Log) release(size int) (chores bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting--
	l.bytes -= size
	return len(l.chores) > 0
}

// reuse keeps the slices of finished work for the next, which is two or three at a time.
func (l *Log) reuse(w *work) {
	clear(w.entries)
	clear(w.dones)
	*w = work{entries: w.entries[:0], dones: w.dones[:0], results: w.results[:0]}
	l.mu.Lock()
	if len(l.spare) < 3 {
		l.spare = append(l.spare, w)
	}
	l.mu.Unlock()
}

// stalled is how long a store may take for one batch before Health complains. A disk that is only slow takes seconds.
const stalled = 10 * time.Second

// Health returns nil, or why the store did not take what it was given last, or that it does not answer.
func (l *Log) Health() error {
	if err := l.fault.Load(); err != nil {
		return *err
	}
	if since := l.busySince.Load(); since != nil && time.Since(*since) > stalled {
		return fmt.Errorf("feed: the store has not answered for %v", time.Since(*since).Round(time.Second))
	}
	return nil
}

// Close refuses further entries, stores and publishes those that it has, and closes the store. If the context is over
// first it returns its error, while the rest goes on.
func (l *Log) Close(ctx context.Context) error {
	l.mu.Lock()
	l.shutting = true
	l.mu.Unlock()
	l.signal()
	select {
	case <-l.ended:
		return l.closed
	case <-ctx.Done():
		return fmt.Errorf("feed: not all is stored yet: %w", ctx.Err())
	}
}
