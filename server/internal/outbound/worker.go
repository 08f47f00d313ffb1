package outbound

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A worker is a share of the outboxes. An outbox belongs to one worker for life, and one goroutine of the Flusher at
// a time works for a worker, so two never write to an outbox at once.
type worker struct {
	index   int
	ready   *readyList
	pending atomic.Int64 // tasks that are not yet delivered, those that are under way included

	turn sync.Mutex // held by whoever delivers tasks; guards the following

	batch Batch
	spare []Task // memory for the next tasks

	mu sync.Mutex // guards the following

	dirty []*Outbox // to be visited
	empty []*Outbox // memory for the next dirty
	tasks []Task
	held  int  // bytes that tasks hold
	awake bool // ready, or somebody works for it

	// The following belong to the goroutine that works for the worker.

	bufs  [][]byte // of the write that is under way
	skips int      // how many passes still skip Gosched
	_     [64]byte // keeps the next worker's fields off this one's last cache line
}

// add makes an outbox of this worker dirty.
func (w *worker) add(o *Outbox) {
	w.mu.Lock()
	w.dirty = append(w.dirty, o)
	w.unlockAndWake()
}

// addAll makes outboxes of this worker dirty, and returns memory for as many others.
func (w *worker) addAll(all []*Outbox) []*Outbox {
	w.mu.Lock()
	if len(w.dirty) == 0 {
		w.dirty, all = all, w.dirty
	} else {
		w.dirty = append(w.dirty, all...)
		clear(all)
	}
	w.unlockAndWake()
	return all[:0]
}

// unlockAndWake makes the worker ready if nobody works for it. w.mu must be held.
func (w *worker) unlockAndWake() {
	asleep := !w.awake
	w.awake = true
	w.mu.Unlock()
	if asleep {
		w.ready.put(w)
	}
}

// more reports whether there is something to do; if not, the worker is asleep.
func (w *worker) more() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.awake = len(w.dirty) > 0 || len(w.tasks) > 0
	return w.awake
}

// pile returns how many things there are to do.
func (w *worker) pile() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.dirty) + len(w.tasks)
}

// takeDirty takes all that are dirty. giveBack must follow.
func (w *worker) takeDirty() []*Outbox {
	w.mu.Lock()
	defer w.mu.Unlock()
	dirty := w.dirty
	w.dirty, w.empty = w.empty, nil
	return dirty
}

// giveBack keeps the memory of a list for the next.
func (w *worker) giveBack(list []*Outbox) {
	clear(list)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.empty = list[:0]
}

func (w *worker) post(t Task) {
	w.mu.Lock()
	w.tasks = append(w.tasks, t)
	w.held += t.Size()
	w.pending.Add(1)
	full := len(w.tasks) >= maxTasks || w.held >= maxTaskBytes
	w.unlockAndWake()
	if full {
		w.deliver()
	}
}

func (w *worker) settle() {
	if w.pending.Load() > 0 {
		w.deliver()
	}
}

// deliver does the tasks that wait, after those that somebody else is doing. pending falls only when they are done:
// what finds none may push past the queue of tasks.
func (w *worker) deliver() {
	w.turn.Lock()
	defer w.turn.Unlock()
	w.mu.Lock()
	tasks := w.tasks
	w.tasks, w.held = w.spare, 0
	w.mu.Unlock()
	for rest := tasks; len(rest) > 0; {
		rest = rest[rest[0].Deliver(w.index, rest[1:], &w.batch):]
	}
	w.batch.Flush()
	w.pending.Add(-int64(len(tasks)))
	clear(tasks)
	w.spare = tasks[:0]
}

// A readyList holds the workers that have something to do and no goroutine.
type readyList struct {
	mu sync.Mutex // guards the following

	wake    sync.Cond
	workers []*worker
	closed  bool
}

// put adds a worker that has woken up.
func (l *readyList) put(w *worker) {
	l.mu.Lock()
	l.workers = append(l.workers, w)
	l.mu.Unlock()
	l.wake.Signal()
}

// take waits for a worker, and returns the preferred one if it is among several; nil when the list is closed.
func (l *readyList) take(preferred *worker) *worker {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.workers) == 0 && !l.closed {
		l.wake.Wait()
	}
	if l.closed {
		return nil
	}
	at := max(0, slices.Index(l.workers, preferred))
	w := l.workers[at]
	l.workers = slices.Delete(l.workers, at, at+1)
	return w
}

func (l *readyList) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake.Broadcast()
}

func (l *readyList) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}
