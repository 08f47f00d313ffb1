package socketio

import (
	"sync"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/internal/fanout"
	"github.com/crier/crier/server/internal/outbound"
)

// engine is how sessions are sent to in large numbers.
var engine = fanout.Get[*engineio.Server, *engineio.Session, engineio.Prepared]()

// An emission is one event on its way: to a socket, or to an audience.
type emission struct {
	*outgoing
	to       *seat
	audience *audience
	expect   func(*Socket) bool // if set, asked about each socket before it is sent to
}

// post decides the order of what is emitted in the namespace, of events to one socket and of broadcasts alike:
// that in which the hub's lock is taken here. What may have to be sent again gets its offset in that order. The
// frames are put into memory here too, so those of events that follow each other lie side by side.
//
// From here on nothing overtakes. An outbox gets its frames in the order of its worker's tasks, and a frame is
// pushed into it past them only when there are none.
func (h *hub) post(e *emission) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.to == nil {
		h.spread(e)
		return nil
	}
	if e.to.presence == nil {
		return ErrDisconnected
	}
	if e.to.pid != "" {
		h.order(e.outgoing, audience{only: e.to.id}, e.to)
	}
	return h.sendTo(e.to, e.outgoing)
}

// sendTo queues a packet for one socket, behind what has been queued for it before. h.mu need not be held.
func (h *hub) sendTo(s *seat, o *outgoing) error {
	if o.flags.volatile && !s.session.Ready() {
		h.dropped.Add(1)
		return nil
	}
	if len(o.attachments) == 0 {
		return s.session.Send(engineio.Message{Data: o.text, Plain: o.flags.plain})
	}
	return s.session.Send(messages(o.flags, o.text, o.attachments)...)
}

// unheard says whether an audience is nobody, so that the event need not be encoded.
func (h *hub) unheard(a *audience) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.newTask(a)
	defer h.reuse(t)
	return t.reach.members() == 0 && h.lost.Load() == 0
}

// atOnceUpTo is how many members a broadcast may have for whoever emits it to push the frames himself when the
// workers have no tasks, rather than wake them all for a few pushes.
const atOnceUpTo = 32

// spread has a broadcast pushed to all that it reaches: at once, or by the workers. h.mu must be held.
func (h *hub) spread(e *emission) {
	t := h.newTask(e.audience)
	n := t.reach.members()
	if n > 0 || h.lost.Load() > 0 {
		h.order(e.outgoing, *e.audience, nil)
	}
	if n == 0 {
		h.reuse(t)
		return
	}
	if e.flags.volatile || e.expect != nil { // each socket is asked, and has to be asked now
		h.settle()
	}
	t.prepared = h.prepare(e)
	f := h.flusher
	switch {
	case e.flags.volatile || e.expect != nil:
		h.pushIf(t, func(m *member) bool {
			if e.flags.volatile && !m.session.Ready() {
				h.dropped.Add(1)
				return false
			}
			return e.expect == nil || e.expect(m.seat.socket)
		})
	case n > atOnceUpTo:
		for w := range f.Workers() {
			f.Post(w, t)
		}
		return
	case !f.AnyBusy():
		h.push(t, anyWorker)
	default:
		h.pushOrPost(t)
		return
	}
	h.reuse(t)
}

func (h *hub) prepare(e *emission) engineio.Prepared {
	if len(e.attachments) == 0 {
		return h.engine.Prepare(engineio.Message{Data: e.text, Old: e.old, Plain: e.flags.plain})
	}
	return h.engine.Prepare(e.messages()...)
}

// pushOrPost lets the workers that have tasks do their part, and does that of the others. h.mu must be held.
func (h *hub) pushOrPost(t *task) {
	f := h.flusher
	for w := range f.Workers() {
		if f.Busy(w) {
			f.Post(w, t)
		} else {
			h.push(t, w)
		}
	}
}

// push pushes to one worker's sockets, or all. The workers concerned have no tasks. h.mu must be held.
func (h *hub) push(t *task, worker int) {
	t.reach.each(worker, func(m *member) {
		_ = engine.SendPrepared(m.session, &t.prepared, &h.batch) // fails only if the session is ending
	})
	h.batch.Flush()
}

// pushIf is push to those that may. h.mu must be held, and no worker has tasks.
func (h *hub) pushIf(t *task, may func(*member) bool) {
	t.reach.each(anyWorker, func(m *member) {
		if may(m) {
			_ = engine.SendPrepared(m.session, &t.prepared, &h.batch)
		}
	})
	h.batch.Flush()
}

// reached appends the sockets that an audience reaches.
func (h *hub) reached(all []*Socket, a *audience) []*Socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle() // sockets may have to be marked
	t := h.newTask(a)
	defer h.reuse(t)
	t.reach.each(anyWorker, func(m *member) { all = append(all, m.seat.socket) })
	return all
}

// among returns those of sockets that an audience reaches. It marks none of them.
func (h *hub) among(sockets []*Socket, a *audience) (reached []*Socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range sockets {
		in := func(room string) bool { return s.membershipOf(room) >= 0 }
		if s.presence != nil && a.includes(s.id, in) {
			reached = append(reached, s)
		}
	}
	return reached
}

// count returns how many sockets an audience reaches.
func (h *hub) count(a *audience) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle() // sockets may have to be marked
	t := h.newTask(a)
	defer h.reuse(t)
	t.reach.each(anyWorker, func(*member) { n++ })
	return n
}

// A task is a broadcast that the flusher's workers push, each to its own sockets. Nothing in it changes once it
// is posted.
type task struct {
	reach    reach
	prepared engineio.Prepared
	places   [2]place // the memory of most reaches
}

// newTask returns a task with what the audience reaches. h.mu must be held.
func (h *hub) newTask(a *audience) *task {
	t := h.spare
	h.spare = nil
	if t == nil {
		t = new(task)
	}
	t.reach.to, t.reach.except = t.places[:0:1], t.places[1:1]
	h.find(a, &t.reach)
	return t
}

// reuse takes back a task that was not posted. h.mu must be held.
func (h *hub) reuse(t *task) {
	*t = task{}
	h.spare = t
}

// sequences holds memory for Deliver.
var sequences = sync.Pool{New: func() any { return engine.NewSequence() }}

type sequence = fanout.Sequence[*engineio.Session, engineio.Prepared]

// Deliver pushes what the task and those behind it have for the same sockets, in one walk.
func (t *task) Deliver(worker int, next []outbound.Task, b *outbound.Batch) int {
	q := sequences.Get().(sequence)
	q.Add(&t.prepared)
	n := 1 + t.takeAlong(q, next)
	t.reach.each(worker, func(m *member) { q.SendTo(m.session, b) })
	q.Finish(b)
	sequences.Put(q)
	return n
}

// takeAlong adds what follows as long as it is for the same sockets, or for one alone, and returns how many tasks
// that is.
func (t *task) takeAlong(q sequence, next []outbound.Task) int {
	for i := range next {
		other, ok := next[i].(*task)
		switch {
		case ok && t.reach.same(&other.reach):
			q.Add(&other.prepared)
		case ok || !q.AddTask(next[i]):
			return i
		}
	}
	return len(next)
}

// Size returns the bytes of the frames: the rest is small and the same for all.
func (t *task) Size() int { return engine.Size(&t.prepared) }
