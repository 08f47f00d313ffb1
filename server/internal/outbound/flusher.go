package outbound

import (
	"math/bits"
	"runtime"
	"sync"
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
// Order of locks: a worker's turn, that of an Outbox, worker.mu, readyList.mu.
type Flusher struct {
	workers []worker
	ready   readyList
	done    sync.WaitGroup

	mu sync.Mutex // guards the following

	made uint32 // how many outboxes there have been
}

// NewFlusher starts a flusher with a worker for each processor that Go may use now. Close ends it.
//
// An outbox belongs to a worker for life, so the number of workers does not change with GOMAXPROCS afterwards. More
// processors than workers leave the rest to handlers and readers, which need more of them than the flusher does; with
// fewer, Go runs the workers in turn.
func NewFlusher() *Flusher {
	f := &Flusher{workers: make([]worker, runtime.GOMAXPROCS(0))}
	f.ready.wake.L = &f.ready.mu
	f.done.Add(len(f.workers))
	for i := range f.workers {
		f.workers[i].index, f.workers[i].ready = i, &f.ready
		go f.run() // ends with Close
	}
	return f
}

// Close stops the workers and returns when nobody works for them any more. What is dirty by then is not flushed, and
// tasks may not be delivered.
func (f *Flusher) Close() {
	f.ready.close()
	f.done.Wait()
}

// mostInARow is how many new outboxes in a row belong to one worker, on a server that has had many; the first ones
// change with each, so that few are shared out evenly too. What is made one behind the other lies side by side in
// memory: where another worker's begins, two processors have a cache line in common, and each fetches ahead what the
// other is writing. With a change at each outbox, a broadcast to 10,000 discarding connections took two processors as
// long as one, or longer; with one after 16, 0.5 to 1 of that; after 64, and after 256, 0.4 to 0.55.
const mostInARow = 64

// assign picks the worker of a new outbox.
func (f *Flusher) assign() *worker {
	f.mu.Lock()
	defer f.mu.Unlock()
	workers := uint32(len(f.workers))
	inARow := min(mostInARow, uint32(1)<<bits.Len32(f.made/workers/8))
	f.made++
	return &f.workers[(f.made-1)/inARow%workers]
}

// run works for whichever worker is ready, until Close; rather for the one that it worked for before, whose outboxes
// are in the cache of the processor that it still runs on, with luck.
func (f *Flusher) run() {
	defer f.done.Done()
	for w := f.ready.take(nil); w != nil; w = f.ready.take(w) {
		w.gather()
		for w.more() && !f.ready.isClosed() {
			w.settle() // what is posted while it flushes is delivered in one walk
			w.flush()
		}
	}
}

// skipYields is how many passes skip Gosched after a yield that brought no new work.
const skipYields = 8

// gather lets the goroutines run that are about to, such as the handlers of other clients' events: what they send
// then leaves in the same pass, and not each in one for which this goroutine has to be woken. On a busy processor,
// with 64 clients who speak all the time, an event with ack costs 17 % less (9 % with two processors).
func (w *worker) gather() {
	if w.skips > 0 {
		w.skips--
		return
	}
	before := w.pile()
	runtime.Gosched()
	if w.pile() == before {
		w.skips = skipYields
	}
}

// A worker lets other goroutines have a turn when it has flushed for breath; it looks at the clock after so many
// outboxes. A pass over thousands lasts longer than the 10 ms that Go lets a goroutine run; the runtime's monitor,
// which then has to interrupt it, looks every 20 µs from there on whether it must again. With 2,000 clients that made
// 9,000 changes of thread in a second, 700 now, and 12 % of the processor.
const (
	breath  = 5 * time.Millisecond
	strides = 64
)

// flush visits the outboxes that are dirty.
func (w *worker) flush() {
	var began time.Time
	dirty := w.takeDirty()
	for i, o := range dirty {
		o.visit(w)
		if (i+1)%strides != 0 {
			continue
		}
		if now := time.Now(); began.IsZero() {
			began = now
		} else if now.Sub(began) > breath {
			runtime.Gosched()
			began = time.Time{}
		}
	}
	w.giveBack(dirty)
}
