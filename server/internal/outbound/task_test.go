package outbound

import "testing"

// A countingTask counts how often it was delivered, and takes as many others along as it may.
type countingTask struct {
	delivered *int // guarded by the worker's turn
	size      int
}

func (c *countingTask) Deliver(_ int, next []Task, _ *Batch) int {
	*c.delivered += 1 + len(next)
	return 1 + len(next)
}

func (c *countingTask) Size() int { return c.size }

// stuckWorker returns a flusher's outbox whose worker is held up in a write until release is called.
func stuckWorker(t *testing.T) (o *Outbox, release func()) {
	o, _ = newOutbox(t, OutboxLimits{})
	g := newGate()
	o.Attach(g)
	var a Arena
	push(t, o, &a, []byte("held up"))
	<-g.entered
	return o, func() { close(g.open) }
}

func TestWhoPostsTooMuchDeliversIt(t *testing.T) {
	for name, task := range map[string]struct{ size, until int }{
		"tasks": {1, maxTasks},
		"bytes": {maxTaskBytes / 8, 8},
	} {
		t.Run(name, func(t *testing.T) {
			o, release := stuckWorker(t)
			defer release()
			delivered := 0
			for n := 1; n < task.until; n++ {
				o.worker.post(&countingTask{&delivered, task.size})
			}
			if delivered != 0 || o.worker.pending.Load() != int64(task.until-1) {
				t.Fatalf("%d delivered before there are too many", delivered)
			}
			o.worker.post(&countingTask{&delivered, task.size})
			if delivered != task.until || o.worker.pending.Load() != 0 {
				t.Errorf("%d of %d delivered while the worker is held up", delivered, task.until)
			}
		})
	}
}

func TestSettleDeliversWithoutTheWorker(t *testing.T) {
	o, release := stuckWorker(t)
	defer release()
	delivered := 0
	o.worker.post(&countingTask{&delivered, 1})
	if o.Settle(); delivered != 1 {
		t.Errorf("%d delivered", delivered)
	}
}
