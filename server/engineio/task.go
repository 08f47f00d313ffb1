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

// A Sequence is what goes to the same sessions, one behind the other: a queue takes most of it as one piece. Between
// them may stand what goes to one session alone: a server that answers each message and tells it to everybody would
// otherwise have no two in a row. The zero value is empty. It is used by one task at a time.
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

// SendSequence sends all of q that is for the session: see SendPrepared.
func (s *Session) SendSequence(q *Sequence, b *outbound.Batch) {
	if s.aside != nil || form(s.out.Form())&formPayload != 0 {
		q.sendOneByOne(s, b)
		return
	}
	for i := range q.pieces {
		_ = s.SendPrepared(&q.pieces[i], b) // a session that can't be sent to is ending, and is told why
	}
}

// Finish sends what is left to sessions that SendSequence was not called for, and empties the sequence.
func (q *Sequence) Finish(b *outbound.Batch) {
	for _, d := range q.directs {
		sendAside(d.session, len(q.all), b)
	}
	clear(q.all)
	clear(q.pieces)
	clear(q.directs)
	q.all, q.pieces, q.directs = q.all[:0], q.pieces[:0], q.directs[:0]
}

// sendOneByOne is SendSequence for a session that is sent more than the pieces.
func (q *Sequence) sendOneByOne(s *Session, b *outbound.Batch) {
	for i, p := range q.all {
		sendAside(s, i, b)
		_ = s.SendPrepared(p, b)
	}
	sendAside(s, len(q.all), b)
}

// sendAside sends those for this session alone that have no more than n Prepared before them.
func sendAside(s *Session, n int, b *outbound.Batch) {
	for s.aside != nil && s.aside.behind <= n {
		d := s.aside
		s.aside, d.next = d.next, nil
		_ = s.push(d.queued, d.frames, b) // a session that can't be sent to is ending, and is told why
	}
}
