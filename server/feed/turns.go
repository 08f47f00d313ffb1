package feed

import "github.com/crier/crier/server/feed/internal/fifo"

// lines hold what does not fit into the batch that comes next, a line for each turn. Batches are filled from all lines
// alike: while some have much waiting, another's entry waits for no more than its own share. While all that waits fits
// into one batch there is no line.
type lines struct {
	byTurn  map[string]*line
	turns   []*line // those that have entries
	at      int     // whose turn it is
	entries int
}

// line is what waits of one turn.
type line struct {
	turn    string
	entries fifo.Queue[waiting]
	credit  int // bytes that it may still pass on in this round
}

type waiting struct {
	entry Entry
	done  Done
	size  int
}

// share is how many bytes a line passes on in a round.
const share = 4 << 10

func (q *lines) add(turn string, w waiting) {
	n := q.byTurn[turn]
	if n == nil {
		if q.byTurn == nil {
			q.byTurn = make(map[string]*line)
		}
		n = &line{turn: turn}
		q.byTurn[turn] = n
		q.turns = append(q.turns, n)
	}
	n.entries.Push(w)
	q.entries++
}

// fill moves entries into a batch until it is full, round by round.
func (q *lines) fill(w *work) {
	for q.entries > 0 {
		if q.at >= len(q.turns) {
			q.at = 0
		}
		n := q.turns[q.at]
		n.credit += share
		for n.entries.Len() > 0 && n.entries.At(0).size <= n.credit {
			next := n.entries.At(0)
			if !w.fits(next.size) {
				n.credit -= share // the rest of its round is in the next batch
				return
			}
			n.credit -= next.size
			w.add(next.entry, next.done, next.size)
			n.entries.Drop(1)
			q.entries--
		}
		if n.entries.Len() > 0 {
			q.at++
			continue
		}
		delete(q.byTurn, n.turn)
		q.turns = append(q.turns[:q.at], q.turns[q.at+1:]...)
	}
}
