package feed

import "github.com/crier/crier/server/internal/limit"

// turns hold what does not fit into the batch that comes next. Batches are filled from all turns alike: while some
// have much waiting, another's entry waits for no more than its own share. While all that waits fits into one batch
// nothing is held here.
type turns struct {
	*limit.Turns[waiting]
	over *waiting // has had its turn, and did not fit any more
}

type waiting struct {
	entry Entry
	done  Done
	size  int
}

func newTurns(opts Options) turns {
	return turns{Turns: limit.NewTurns[waiting](opts.MaxPending, opts.MaxPendingBytes)}
}

func (q *turns) empty() bool { return q.over == nil && q.Len() == 0 }

// fill moves entries into a batch until it is full. Each gets its time now: in the order of offsets.
func (q *turns) fill(w *work, stamp func(*Entry)) {
	for !q.empty() {
		if q.over == nil {
			next, _ := q.Pop()
			q.over = &next
		}
		if !w.fits(q.over.size) {
			return
		}
		stamp(&q.over.entry)
		w.add(q.over.entry, q.over.done, q.over.size)
		q.over = nil
	}
}
