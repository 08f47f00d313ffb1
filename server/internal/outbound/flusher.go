package outbound

import (
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Flusher empties the outboxes that have something to send. It gives each of them one write with all that it holds;
// while it walks, new frames gather, so that batches grow by themselves under load, and when it is quiet a frame leaves
// at once. It uses no timer and never waits for a client.
//
// What goes to many outboxes can be posted as a [Task]: then the workers do the pushing too, each for its own outboxes.
//
// All methods may be called concurrently.
//
// Order of locks: a worker's turn, that of an Outbox, worker.mu, Flusher.mu.
type Flusher struct {
	workers []worker
	made    uint32 // guarded by the mutex of workers[0]: how many outboxes there have been
	done    sync.WaitGroup

	// recent holds on each processor the worker that it had last. What a worker holds is in that processor's cache, and a pass
	// over 5,000 outboxes takes 0.6 to 1.0 ms there and 1.0 to 1.7 ms on the other one (discarding connections). Go has no
	// name for the processor that a goroutine runs on; but a pool's memory is the processor's own.
	recent sync.Pool

	mu sync.Mutex // guards the following

	wake  sync.Cond
	ready []*worker // those that have something to do, and nobody does it
	stop  bool
}

// A worker is a share of the outboxes. An outbox belongs to one worker for life, and one goroutine of the Flusher at a time works
// for a worker, so two never write to an outbox at once.
type worker struct {
	index   int
	flusher *Flusher
	pending atomic.Int64 // tasks that are not yet delivered, those that are under way included

	turn sync.Mutex // held by whoever delivers tasks; guards the following

	batch Batch
	spare []Task // memory for the next tasks

	mu sync.Mutex // guards the following

	list  chain
	tasks []Task
	held  int  // bytes that tasks hold
	awake bool // ready, or somebody works for it

	bufs  [][]byte // the worker's own, for the batch it is writing
	haste int      // the worker's own: how often it goes to work without gathering before
	_     [64]byte // keeps the next worker's fields off this one's last cache line
}

// A chain is a list of dirty outboxes, linked through themselves so that it costs no memory.
type chain struct {
	head, tail *Outbox
}

func (c *chain) add(o *Outbox) {
	if c.tail == nil {
		c.head = o
	} else {
		c.tail.next = o
	}
	c.tail = o
}

func (c *chain) join(more chain) {
	if c.tail == nil {
		*c = more
		return
	}
	c.tail.next, c.tail = more.head, more.tail
}

// NewFlusher starts a flusher with a worker for each processor that Go may use. Close ends it.
func NewFlusher() *Flusher {
	f := &Flusher{workers: make([]worker, runtime.GOMAXPROCS(0))}
	f.wake.L = &f.mu
	f.done.Add(len(f.workers))
	for i := range f.workers {
		f.workers[i].index, f.workers[i].flusher = i, f
		go func() { // ends with Close
			defer f.done.Done()
			for w := f.take(); w != nil; w = f.take() {
				w.gather()
				w.work()
			}
		}()
	}
	return f
}

// Close stops the workers and returns when nobody works for them any more. What is dirty by then is not flushed, and tasks may not
// be delivered.
func (f *Flusher) Close() {
	f.mu.Lock()
	f.stop = true
	f.wake.Broadcast()
	f.mu.Unlock()
	f.done.Wait()
}

// take waits for a worker that has something to do, and returns the one that this processor had last, if that is among them; nil
// when the flusher is closed.
func (f *Flusher) take() *worker {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.ready) == 0 && !f.stop {
		f.wake.Wait()
	}
	if f.stop {
		return nil
	}
	at := 0
	if last, ok := f.recent.Get().(*worker); ok {
		at = max(0, slices.Index(f.ready, last))
	}
	w := f.ready[at]
	f.ready = slices.Delete(f.ready, at, at+1)
	return w
}

// announce adds a worker that has woken up to those that are ready.
func (f *Flusher) announce(w *worker) {
	f.mu.Lock()
	f.ready = append(f.ready, w)
	f.mu.Unlock()
	f.wake.Signal()
}

func (f *Flusher) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stop
}

// mostInARow is how many new outboxes in a row belong to one worker, on a server that has had many; the first ones change with each,
// so that few are shared out evenly too. What is made one behind the other lies side by side in memory: where another worker's
// begins, two processors have a cache line in common, and each fetches ahead what the other is writing. With a change at each outbox,
// a broadcast to 10,000 discarding connections took two processors as long as one, or longer; with one after 16, 0.5 to 1 of that; after
// 64, and after 256, 0.4 to 0.55.
const mostInARow = 64

// assign picks the worker of a new outbox.
func (f *Flusher) assign() *worker {
	w := &f.workers[0]
	w.mu.Lock()
	defer w.mu.Unlock()
	workers := uint32(len(f.workers))
	inARow := min(mostInARow, uint32(1)<<bits.Len32(f.made/workers/8))
	f.made++
	return &f.workers[(f.made-1)/inARow%workers]
}

// add hands dirty outboxes of this worker over to it.
func (w *worker) add(dirty chain) {
	w.mu.Lock()
	w.list.join(dirty)
	asleep := w.rouse()
	w.mu.Unlock()
	if asleep {
		w.flusher.announce(w)
	}
}

// rouse marks the worker as awake; true if it was not, and is to be announced. w.mu must be held.
func (w *worker) rouse() bool {
	asleep := !w.awake
	w.awake = true
	return asleep
}

// skipYields is how many passes skip Gosched after a yield that brought no new work.
const skipYields = 8

// gather lets the goroutines run that are about to, such as the handlers of other clients' events: what they send then leaves in the
// same pass, and not each in one for which this goroutine has to be woken. On a busy processor, with 64 clients who speak all the
// time, an event with ack costs 17 % less (9 % with two processors). Where that was in vain it is not tried the next few times: see
// skipYields.
func (w *worker) gather() {
	if w.haste > 0 {
		w.haste--
		return
	}
	last, tasks := w.newest()
	runtime.Gosched()
	if o, n := w.newest(); o == last && n == tasks {
		w.haste = skipYields
	}
}

// newest returns the outbox that became dirty last, and how many tasks there are.
func (w *worker) newest() (*Outbox, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.list.tail, len(w.tasks)
}

// work delivers and flushes in turns, until there is nothing left: what is posted while it flushes is delivered in one walk.
func (w *worker) work() {
	for w.more() && !w.flusher.isClosed() {
		w.settle()
		w.flushAll()
		w.flusher.recent.Put(w)
	}
}

// more says whether there is something to do; if not, the worker is asleep.
func (w *worker) more() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.awake = w.list.head != nil || len(w.tasks) > 0
	return w.awake
}

// A worker lets other goroutines have a turn when it has flushed for breath; it looks at the clock after so many outboxes. A pass
// over thousands lasts longer than the 10 ms that Go lets a goroutine run; the runtime's monitor, which then has to interrupt it,
// looks every 20 µs from there on whether it must again. With 2,000 clients that made 9,000 changes of thread in a second, 700 now,
// and 12 % of the processor.
const (
	breath  = 5 * time.Millisecond
	strides = 64
)

func (w *worker) flushAll() {
	var began time.Time
	for o, n := w.takeAll(), 1; o != nil; n++ {
		next := o.next
		o.next = nil // before flush: from then on the outbox may be listed again
		o.flush(w)
		if o = next; n%strides != 0 {
			continue
		}
		if now := time.Now(); began.IsZero() {
			began = now
		} else if now.Sub(began) > breath {
			runtime.Gosched()
			began = time.Time{}
		}
	}
}

// takeAll returns the first of the dirty outboxes, all of which it takes.
func (w *worker) takeAll() *Outbox {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.list.head
	w.list = chain{}
	return o
}

// A Batch gathers the outboxes that one broadcast made dirty, so that each worker is told once and not for each client.
// The zero value is ready for use; a Batch is used by one goroutine at a time.
type Batch struct {
	dirty []batchPart
}

type batchPart struct {
	worker *worker
	chain  chain
}

func (b *Batch) add(o *Outbox) {
	for i := range b.dirty {
		if b.dirty[i].worker == o.worker {
			b.dirty[i].chain.add(o)
			return
		}
	}
	p := batchPart{worker: o.worker}
	p.chain.add(o)
	b.dirty = append(b.dirty, p)
}

// Flush hands over what was gathered and empties the batch.
func (b *Batch) Flush() {
	for i := range b.dirty {
		if p := &b.dirty[i]; p.chain.head != nil {
			p.worker.add(p.chain)
			p.chain = chain{}
		}
	}
}
