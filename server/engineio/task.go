package engineio

import "github.com/crier/crier/server/internal/outbound"

// A Direct is the task that Send makes of what has to stay behind other tasks.
type Direct struct {
	session *Session
	queued  form // of the session's queue when it was sent
	frames  outbound.Frames

	// Of the Sequence that it is in.
	behind int // how many Prepared come before it
	next   *Direct
}

// Deliver is the task's.
func (d *Direct) Deliver(_ int, _ []outbound.Task, b *outbound.Batch) int {
	_ = d.session.push(d.queued, d.frames, b) // a session that can't be sent to is ending, and is told why
	return 1
}

// Size is the task's.
func (d *Direct) Size() int { return d.frames.Len() }

// A Sequence is what goes to the same sessions, one behind the other: a queue takes most of it as one piece. Between them may
// stand what goes to one session alone: a server that answers each message and tells it to everybody would otherwise have no
// two in a row. The zero value is empty. It is used by one task at a time.
type Sequence struct {
	all     []*Prepared
	pieces  []Prepared // all, joined where they lie side by side: for sessions on WebSocket
	directs []*Direct
}

// Add adds p at the end.
func (q *Sequence) Add(p *Prepared) {
	q.all = append(q.all, p)
	if n := len(q.pieces); n > 0 && q.pieces[n-1].traits|p.traits == 0 {
		if joined, ok := q.pieces[n-1].frames.Join(p.frames); ok {
			q.pieces[n-1] = Prepared{frames: joined}
			return
		}
	}
	q.pieces = append(q.pieces, *p)
}

// AddDirect adds d at the end. Finish must follow.
func (q *Sequence) AddDirect(d *Direct) {
	d.behind = len(q.all)
	q.directs = append(q.directs, d)
	at := &d.session.aside
	for *at != nil {
		at = &(*at).next
	}
	*at = d
}

// Finish sends what is left to sessions that SendSequence was not called for, and empties the sequence.
func (q *Sequence) Finish(b *outbound.Batch) {
	for _, d := range q.directs {
		d.session.sendAside(len(q.all), b)
	}
	clear(q.all)
	clear(q.pieces)
	clear(q.directs)
	q.all, q.pieces, q.directs = q.all[:0], q.pieces[:0], q.directs[:0]
}
