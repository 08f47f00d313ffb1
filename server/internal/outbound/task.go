package outbound

// A Task is a push to many outboxes, shared by the workers that the outboxes belong to: each pushes to its own. An
// outbox that one goroutine fills and another one empties travels between their processors with each frame. With
// 1,000 clients and four broadcasts on their way a delivery then took 52 to 82 ns of processor time on two processors
// and 39 to 61 on one; as tasks, which do several broadcasts in one walk, it takes 21 to 37 and 16 to 20 (a busy
// machine: BenchmarkFanOut in socketio).
type Task interface {
	// Deliver pushes to those of worker's outboxes that the task is for, with PushBatch. next are the tasks behind
	// it, which it may do in the same walk; it returns how many tasks are done, itself included.
	//
	// It runs in whichever goroutine is first: the worker's, or one in Post or Settle. So it must not wait, and
	// takes no lock under which one of those is called. What it reads stays as it is until Settle has returned.
	Deliver(worker int, next []Task, b *Batch) int

	// Size is how many bytes of memory the task holds.
	Size() int
}

// What may wait for a worker. Past it whoever posts delivers, and so is held up as long as that takes. A walk does
// all that has gathered at once, and from a few dozen tasks on there is nothing more to be gained by waiting for
// others; the bytes are those of a few arena chunks.
const (
	maxTasks     = 256
	maxTaskBytes = 512 << 10
)

// Workers returns the number of workers. They are numbered from 0.
func (f *Flusher) Workers() int { return len(f.workers) }

// Busy says whether there are tasks that a worker has not yet delivered. After false, what was posted before is in the
// outboxes.
func (f *Flusher) Busy(worker int) bool { return f.workers[worker].pending.Load() > 0 }

// AnyBusy says whether that is so of any worker.
func (f *Flusher) AnyBusy() bool {
	for i := range f.workers {
		if f.Busy(i) {
			return true
		}
	}
	return false
}

// Post gives a worker a task. A worker delivers its tasks in the order in which they were posted.
func (f *Flusher) Post(worker int, t Task) { f.workers[worker].post(t) }

// Settle delivers what was posted before, to all workers. It waits for no client.
func (f *Flusher) Settle() {
	for i := range f.workers {
		f.workers[i].settle()
	}
}
