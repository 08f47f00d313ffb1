package socketio

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/internal/outbound"
)

// A hub knows the sockets of a namespace and the rooms that they are in.
//
// What is emitted is put in order under its lock, in post. Large broadcasts are then tasks of the flusher's
// workers, which walk the rooms without the lock. Call settle before changing membership: it runs all pending
// tasks. That makes a broadcast reach exactly those who were members when it was emitted.
//
// Joining, leaving and disconnecting cost the same however many sockets there are: a membership knows its place
// on both sides. Changes of rooms are told to hooks when no lock is held: tell follows.
//
// Order of locks: Conn.mu, hub.mu, a flusher's worker's turn, then those of a socket, of a session and of its
// outbox. That of the record comes after hub.mu and before that of the registry. A task takes no lock but that of
// an outbox, and so may be done under all others.
type hub struct {
	core     *core
	engine   *engineio.Server
	flusher  *outbound.Flusher
	recovery recovery
	dropped  *atomic.Uint64 // counts volatile events that were left out
	maxRooms int            // of one socket; 0 is any number
	hold     func()         // keeps the namespace while a lost session is held
	release  func()         // ends hold

	// Written with the record's lock held.

	watched atomic.Int64 // sockets and lost sessions that could be recovered
	lost    atomic.Int64 // the latter

	mu sync.Mutex // guards the following, and the fields of seat that say so

	sockets  map[string]*seat
	everyone room
	rooms    map[string]*room
	marks    uint64         // how many broadcasts had to mark sockets
	batch    outbound.Batch // for the broadcast that is under way
	spare    *task          // memory for the next one, or nil
	unmarked int            // sockets whose clients are sent no offsets

	roomHooks atomic.Pointer[roomHooks] // nil while there are none; set with mu held
}

func (h *hub) init(k *core) {
	h.engine, h.flusher, h.recovery = k.engine, k.flusher, k.recovery
	h.core, h.dropped, h.maxRooms = k, &k.dropped, k.opts.MaxRooms
	h.sockets = make(map[string]*seat)
	h.rooms = make(map[string]*room)
}

// settle lets everything that has been emitted reach the queues of those who are members now. h.mu must be held,
// and until it is released rooms may change.
func (h *hub) settle() { h.flusher.Settle() }

// add makes s a member of the namespace, and has it told so first: no broadcast comes before CONNECT, and every
// one that begins when the client has seen it reaches the client.
func (h *hub) add(s *seat, tell func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle()
	tell()
	if s.pid == "" {
		h.unmarked++
	} else {
		h.recovery.watch(h)
		s.joined = h.recovery.position()
	}
	h.admit(s)
	h.changed(s.id, s.id, true)
}

// restore makes s a member of the namespace and of the rooms that the lost session was in, and has its client
// told so and sent what it has missed: no broadcast comes between. Not ok: that is not possible any more.
func (h *hub) restore(s *seat, v *revival, tell func()) (ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle()
	h.recovery.watch(h) // before the lost session is none any more: somebody is there all the time
	if !h.recovery.finish(v) {
		h.recovery.unwatch(h)
		return false
	}
	tell()
	s.joined, s.sent, s.left, s.unrecorded = v.from, v.sent, v.lost.left, v.lost.unrecorded
	s.recoveredAt = h.recovery.now()
	h.admit(s)
	h.changed(s.id, s.id, true)
	for _, stay := range v.lost.rooms {
		if i := s.membershipOf(stay.room); i >= 0 {
			s.rooms[i].since = stay.since // a middleware was quicker
		} else {
			h.enter(s, stay.room, stay.since)
			h.changed(stay.room, s.id, true)
		}
	}
	return true
}

// admit lets s hear and be told. h.mu must be held.
func (h *hub) admit(s *seat) {
	h.sockets[s.id] = s
	s.presence = h.everyone.add(s)
	h.everyone.admit(s.presence)
	for _, m := range s.rooms {
		m.room.admit(m)
	}
}

// remove takes s out of everything, because it has ended for that reason; empty if it was never let in. It can
// join nothing afterwards. A socket that may come back becomes a lost session in the same moment: whatever is
// emitted was meant for the one or the other.
func (h *hub) remove(s *seat, reason Reason) {
	defer h.tell()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle()
	s.gone = true
	if s.presence != nil {
		h.part(s, reason)
		s.lastRooms = s.roomNames()
		delete(h.sockets, s.id)
		h.everyone.remove(s.presence)
		s.presence = nil
		h.changed(s.id, s.id, false)
	}
	for _, m := range s.rooms {
		h.drop(m)
		h.changed(m.room.name, s.id, false)
	}
	s.rooms = nil
}

// part keeps what is needed to recover a socket that is being removed. h.mu must be held.
func (h *hub) part(s *seat, reason Reason) {
	switch {
	case s.pid == "":
		h.unmarked--
	case reason.recoverable():
		h.recovery.keep(h.lose(s))
	default:
		h.recovery.unwatch(h)
	}
}

// drop takes a membership out of its room, and forgets a room that is empty. h.mu must be held.
func (h *hub) drop(m *membership) {
	m.room.remove(m)
	if len(m.room.members) == 0 {
		delete(h.rooms, m.room.name)
	}
}

// join puts s into all of the rooms, or, if these were too many, into none.
func (h *hub) join(s *seat, names []string) error {
	defer h.tell()
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.gone {
		return nil
	}
	h.settle()
	before := len(s.rooms)
	for _, name := range names {
		if name == s.id || s.membershipOf(name) >= 0 {
			continue
		}
		if h.maxRooms > 0 && len(s.rooms) == h.maxRooms {
			h.shrink(s, before)
			return ErrTooManyRooms
		}
		h.enter(s, name, h.recovery.position())
	}
	for _, m := range s.rooms[before:] {
		h.changed(m.room.name, s.id, true)
	}
	return nil
}

// shrink takes s out of all rooms but the first n. h.mu must be held.
func (h *hub) shrink(s *seat, n int) {
	for _, m := range s.rooms[n:] {
		h.drop(m)
	}
	clear(s.rooms[n:])
	s.rooms = s.rooms[:n]
}

// enter makes s a member of the room of that name. h.mu must be held.
func (h *hub) enter(s *seat, name string, since uint64) {
	r := h.rooms[name]
	if r == nil {
		r = &room{name: name}
		h.rooms[name] = r
	}
	m := r.add(s)
	m.since = since
	s.rooms = append(s.rooms, m)
}

// quit takes s out of rooms.
func (h *hub) quit(s *seat, names []string) {
	defer h.tell()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle()
	for _, name := range names {
		if i := s.membershipOf(name); i >= 0 {
			s.sent, s.left = max(s.sent, s.rooms[i].sent()), h.recovery.position()
			h.drop(s.rooms[i])
			h.changed(name, s.id, false)
			last := len(s.rooms) - 1
			s.rooms[i], s.rooms[last] = s.rooms[last], nil
			s.rooms = s.rooms[:last]
		}
	}
}

// forgetRooms is called when the disconnecting handlers of a socket that is gone have run.
func (h *hub) forgetRooms(s *seat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.lastRooms = nil
}

func (h *hub) roomsOf(s *seat) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.gone {
		return slices.Clone(s.lastRooms)
	}
	return s.roomNames()
}

func (h *hub) socket(id string) (*Socket, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sockets[id]; s != nil {
		return s.socket, true
	}
	return nil, false
}

// holder returns the socket of that pid, and when it was recovered; nil if there is none. Its end may have begun.
func (h *hub) holder(pid string) (s *Socket, recoveredAt recoveryTime) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at := h.sockets[pid[:idText]]; at != nil && samePID(at.pid, pid) {
		return at.socket, at.recoveredAt
	}
	return nil, 0
}

func (h *hub) len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sockets)
}

// A roomSize is how many members a room has.
type roomSize struct {
	name    string
	members int
}

func (h *hub) sizes() map[string]int {
	list := h.sizeList()
	all := make(map[string]int, len(list)) // made without the lock: it takes some times as long as the list
	for _, r := range list {
		all[r.name] = r.members
	}
	return all
}

func (h *hub) sizeList() []roomSize {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]roomSize, 0, len(h.rooms))
	for name, r := range h.rooms {
		list = append(list, roomSize{name, len(r.members)})
	}
	return list
}

func (h *hub) addTo(st *Stats) {
	h.mu.Lock()
	defer h.mu.Unlock()
	st.Sockets += len(h.sockets)
	st.Rooms += len(h.rooms)
}
