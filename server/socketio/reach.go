package socketio

import "slices"

// A reach is an audience as sockets of this node: whom it was for when the event was emitted. It holds as long as
// no room changes. Who hears is decided here, and for lost sessions in audience.includes.
type reach struct {
	to     []place // with none, nobody
	except []place
	from   *seat  // left out
	mark   uint64 // its own; 0 if no socket has to be marked
}

// A place is what a room's name stands for: its members, and the socket whose id it is. Either may be nil.
type place struct {
	room *room
	own  *seat
}

// find sets r to what the audience reaches. h.mu must be held.
func (h *hub) find(a *audience, r *reach) {
	r.to, r.except, r.from, r.mark = r.to[:0], r.except[:0], nil, 0
	if a.but != "" {
		r.from = h.sockets[a.but]
	}
	if len(a.rooms) == 0 {
		r.to = append(r.to, place{room: &h.everyone})
	} else {
		r.to = h.places(r.to, a.rooms)
	}
	r.except = h.places(r.except, a.except)
	if len(r.to) > 1 || len(r.except) > 0 {
		h.marks++
		r.mark = h.marks
	}
}

// places appends what the names stand for, if anything. h.mu must be held.
func (h *hub) places(all []place, names []string) []place {
	for _, name := range names {
		if p := (place{h.rooms[name], h.sockets[name]}); p != (place{}) {
			all = append(all, p)
		}
	}
	return all
}

func (r *reach) same(other *reach) bool {
	return r.from == other.from && slices.Equal(r.to, other.to) && slices.Equal(r.except, other.except)
}

// members is at least the number of sockets that are reached; 0 means none. It writes nothing: workers may be
// walking the same rooms, and the marks are theirs. h.mu must be held.
func (r *reach) members() (n int) {
	var one *seat
	for _, p := range r.to {
		if p.room != nil && len(p.room.members) > 0 {
			n += len(p.room.members)
			one = p.room.members[0].seat
		}
		if p.own != nil {
			n++
			one = p.own
		}
	}
	if n == 1 && !r.reaches(one) { // mostly a socket that is alone and tells the others
		return 0
	}
	return n
}

// reaches reports whether a socket of one of the places is let in, and not left out. h.mu must be held.
func (r *reach) reaches(s *seat) bool {
	if s == r.from || s.presence == nil {
		return false
	}
	for _, p := range r.except {
		if p.own == s || p.room != nil && s.isIn(p.room) {
			return false
		}
	}
	return true
}

// anyWorker stands for all of them.
const anyWorker = -1

// each calls f once for every socket that is reached and belongs to worker. It writes the marks of those sockets,
// so it may be called in one of worker's tasks, or with h.mu held while the worker has none.
func (r *reach) each(worker int, f func(*member)) {
	switch {
	case r.mark != 0:
		r.eachMarked(worker, f)
	case len(r.to) == 0:
	case r.from == nil:
		r.to[0].each(worker, f)
	default:
		r.eachOther(worker, f)
	}
}

func (r *reach) eachOther(worker int, f func(*member)) {
	session := r.from.session // known without a look at the seat, which is another piece of memory
	r.to[0].each(worker, func(m *member) {
		if m.session != session || m.seat != r.from {
			f(m)
		}
	})
}

// eachMarked is each where a socket may be in several of the rooms.
func (r *reach) eachMarked(worker int, f func(*member)) {
	for i := range r.except {
		r.except[i].each(worker, func(m *member) { m.seat.marked = r.mark })
	}
	for i := range r.to {
		r.to[i].each(worker, func(m *member) {
			if m.seat.marked != r.mark && m.seat != r.from {
				m.seat.marked = r.mark
				f(m)
			}
		})
	}
}

// each calls f once for those of worker's sockets that are there, but not for those that are not yet let in.
func (p *place) each(worker int, f func(*member)) {
	if own := p.own; own != nil {
		m := &own.presence.room.members[own.presence.at]
		if worker == anyWorker || m.worker == worker {
			f(m)
		}
	}
	if p.room == nil {
		return
	}
	for i := range p.room.members {
		m := &p.room.members[i]
		if (worker == anyWorker || m.worker == worker) && m.session != nil && (p.own == nil || m.seat != p.own) {
			f(m)
		}
	}
}
