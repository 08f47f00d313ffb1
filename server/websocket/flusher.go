package websocket

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A Flusher empties the outboxes that have something to send. It gives each of them one write with all that it holds;
// while it walks, new frames gather, so that batches grow by themselves under load, and when it is quiet a frame leaves
// at once. It uses no timer and never waits for a client.
//
// What goes to many outboxes can be posted as a [Task]: then the workers do the pushing too, each for its own outboxes.
//
// All methods may be called concurrently.
//
// Order of locks: a worker's turn, that of an Outbox, worker.mu.
type Flusher struct {
	workers []worker
	next    uint32 // guarded by the mutex of workers[0]: which worker the next outbox belongs to
	done    sync.WaitGroup
}

// A worker is one goroutine of a Flusher. An outbox belongs to one worker for life, so two never write to it at once.
type worker struct {
	index   int
	pending atomic.Int64 // tasks that are not yet delivered, those that are under way included

	turn sync.Mutex // held by whoever delivers tasks; guards the following

	batch Batch
	spare []Task // memory for the next tasks

	mu sync.Mutex // guards the following

	wake  sync.Cond
	list  chain
	tasks []Task
	held  int // bytes that tasks hold
	stop  bool

	bufs [][]byte // the worker's own, for the batch it is writing
	_    [64]byte // keeps the next worker's fields off this one's last cache line
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
	f.done.Add(len(f.workers))
	for i := range f.workers {
		w := &f.workers[i]
		w.index, w.wake.L = i, &w.mu
		go func() { // ends with Close
			defer f.done.Done()
			w.run()
		}()
	}
	return f
}

// Close stops the workers and returns when they have ended. What is dirty by then is not flushed, and tasks may not be
// delivered.
func (f *Flusher) Close() {
	for i := range f.workers {
		w := &f.workers[i]
		w.mu.Lock()
		w.stop = true
		w.wake.Signal()
		w.mu.Unlock()
	}
	f.done.Wait()
}

// assign picks the worker of a new outbox.
func (f *Flusher) assign() *worker {
	w := &f.workers[0]
	w.mu.Lock()
	defer w.mu.Unlock()
	f.next++
	return &f.workers[int(f.next)%len(f.workers)]
}

// add hands dirty outboxes of this worker over to it.
func (w *worker) add(dirty chain) {
	w.mu.Lock()
	w.list.join(dirty)
	w.mu.Unlock()
	w.wake.Signal()
}

// breath is how many outboxes a worker flushes before it lets other goroutines have a turn. A pass over thousands lasts longer
// than the 10 ms that Go lets a goroutine run; the runtime's monitor, which then has to interrupt it, looks every 20 µs from there
// on whether it must again. With 2,000 clients that made 9,000 changes of thread in a second, 700 now, and 12 % of the processor.
const breath = 128

// run delivers and flushes in turns: what is posted while it flushes is delivered in one walk.
func (w *worker) run() {
	for w.wait() {
		w.settle()
		w.flushAll()
	}
}

func (w *worker) flushAll() {
	for o, n := w.takeAll(), 1; o != nil; n++ {
		next := o.next
		o.next = nil // before flush: from then on the outbox may be listed again
		o.flush(w)
		if o = next; n%breath == 0 {
			runtime.Gosched()
		}
	}
}

// wait returns when there is something to do; false when the flusher is closed.
func (w *worker) wait() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.list.head == nil && len(w.tasks) == 0 && !w.stop {
		w.wake.Wait()
	}
	return !w.stop
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
