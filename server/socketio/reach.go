package socketio

import "slices"

// A reach is whom a broadcast is for, as the hub knew it when it was emitted. It holds as long as no room changes.
type reach struct {
	to     []place // with none, nobody
	except []place
	from   *Socket // left out
	mark   uint64  // its own; 0 if no socket has to be marked
}

// A place is what a room's name stands for: its members, and the socket whose id it is. Either may be nil.
type place struct {
	room *room
	own  *Socket
}

func (r *reach) same(other *reach) bool {
	return r.from == other.from && slices.Equal(r.to, other.to) && slices.Equal(r.except, other.except)
}

// members is at least the number of sockets that are reached; 0 means none.
func (r *reach) members() (n int) {
	for _, p := range r.to {
		if p.room != nil {
			n += len(p.room.members)
		}
		if p.own != nil {
			n++
		}
	}
	if n == 1 && r.from != nil { // mostly a socket that is alone and tells the others
		n = 0
		r.each(anyWorker, func(*member) { n++ })
	}
	return n
}

// find sets r to the broadcast's reach. h.mu must be held.
func (h *hub) find(b *Broadcast, r *reach) {
	r.to, r.except, r.from, r.mark = r.to[:0], r.except[:0], b.from, 0
	if len(b.rooms) == 0 {
		r.to = append(r.to, place{room: &h.everyone})
	} else {
		r.to = h.places(r.to, b.rooms)
	}
	r.except = h.places(r.except, b.except)
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

// anyWorker stands for all of them.
const anyWorker = -1

// each calls f once for every socket that is reached and belongs to worker. The marks of those sockets are the caller's
// meanwhile: it is in one of worker's tasks, or holds h.mu while the worker has none.
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
	session := r.from.client.session // known without a look at the socket, which is another piece of memory
	r.to[0].each(worker, func(m *member) {
		if m.session != session || m.socket != r.from {
			f(m)
		}
	})
}

// eachMarked is each where a socket may be in several of the rooms.
func (r *reach) eachMarked(worker int, f func(*member)) {
	for i := range r.except {
		r.except[i].each(worker, func(m *member) { m.socket.marked = r.mark })
	}
	for i := range r.to {
		r.to[i].each(worker, func(m *member) {
			if m.socket.marked != r.mark && m.socket != r.from {
				m.socket.marked = r.mark
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
		if (worker == anyWorker || m.worker == worker) && m.session != nil && (p.own == nil || m.socket != p.own) {
			f(m)
		}
	}
}
