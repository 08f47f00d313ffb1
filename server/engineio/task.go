package engineio

import (
	"github.com/crier/crier/server/internal/fanout"
	"github.com/crier/crier/server/internal/outbound"
)

// What socketio's broadcasts are sent with, beside the methods that every program has.
func init() {
	fanout.Provide(fanout.Access[*Server, *Session, Prepared]{
		Flusher:      func(sv *Server) *outbound.Flusher { return sv.flusher },
		Worker:       func(s *Session) int { return s.out.Worker() },
		SendPrepared: (*Session).sendPrepared,
		Size:         (*Prepared).size,
		NewSequence:  func() fanout.Sequence[*Session, Prepared] { return new(sequence) },
	})
}

// A direct is the task that Send makes of what has to stay behind other tasks.
type direct struct {
	session *Session
	queued  form // of the session's queue when it was sent
	frames  outbound.Frames

	// Of the sequence that it is in.
	behind int // how many Prepared come before it
	next   *direct
}

// Deliver is the task's.
func (d *direct) Deliver(_ int, _ []outbound.Task, b *outbound.Batch) int {
	_ = d.session.push(d.queued, d.frames, b) // a session that can't be sent to is ending, and is told why
	return 1
}

// Size is the task's.
func (d *direct) Size() int { return d.frames.Len() }

// A sequence is what goes to the same sessions, one behind the other: a queue takes most of it as one piece. Between
// them may stand what goes to one session alone: a server that answers each message and tells it to everybody would
// otherwise have no two in a row. The zero value is empty. It is used by one task at a time.
type sequence struct {
	all     []*Prepared
	pieces  []Prepared // all, joined where they lie side by side: for sessions on WebSocket
	directs []*direct
}

// Add adds p at the end.
func (q *sequence) Add(p *Prepared) {
	q.all = append(q.all, p)
	if n := len(q.pieces); n > 0 && q.pieces[n-1].traits|p.traits == 0 {
		if joined, ok := q.pieces[n-1].frames.Join(p.frames); ok {
			q.pieces[n-1] = Prepared{frames: joined}
			return
		}
	}
	q.pieces = append(q.pieces, *p)
}

// AddTask adds at the end what Send has posted; false if the task is something else. Finish must follow.
func (q *sequence) AddTask(t outbound.Task) bool {
	d, ok := t.(*direct)
	if !ok {
		return false
	}
	d.behind = len(q.all)
	q.directs = append(q.directs, d)
	at := &d.session.aside
	for *at != nil {
		at = &(*at).next
	}
	*at = d
	return true
}

// SendTo sends all of q that is for the session: see sendPrepared.
func (q *sequence) SendTo(s *Session, b *outbound.Batch) {
	if s.aside != nil || form(s.out.Form())&(formPayload|formRecoded) != 0 {
		q.sendOneByOne(s, b)
		return
	}
	for i := range q.pieces {
		_ = s.sendPrepared(&q.pieces[i], b) // a session that can't be sent to is ending, and is told why
	}
}

// Finish sends what is left to sessions that SendTo was not called for, and empties the sequence.
func (q *sequence) Finish(b *outbound.Batch) {
	for _, d := range q.directs {
		sendAside(d.session, len(q.all), b)
	}
	clear(q.all)
	clear(q.pieces)
	clear(q.directs)
	q.all, q.pieces, q.directs = q.all[:0], q.pieces[:0], q.directs[:0]
}

// sendOneByOne is SendTo for a session that is sent more than the pieces.
func (q *sequence) sendOneByOne(s *Session, b *outbound.Batch) {
	for i, p := range q.all {
		sendAside(s, i, b)
		_ = s.sendPrepared(p, b)
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
