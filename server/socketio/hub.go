package socketio

import (
	"slices"
	"sync"

	"github.com/crier/crier/server/websocket"
)

// A hub knows the sockets of a namespace and the rooms that they are in. Its lock is held while frames are queued for the
// members of a room, so all members get its messages in the same order, whichever goroutines they come from.
//
// Joining, leaving and disconnecting cost the same however many sockets there are: a membership knows its place on both sides.
//
// Order of locks: client.mu, hub.mu, then those of a socket, of a session and of its outbox. Server.mu comes before that of
// a namespace's hooks.
type hub struct {
	maxRooms int // of one socket; 0 is any number

	mu sync.Mutex // guards the following, and the fields of Socket that say so

	sockets  map[string]*Socket
	everyone room
	rooms    map[string]*room
	mark     uint64          // of the last broadcast that had to mark sockets
	batch    websocket.Batch // for the broadcast that is under way
}

// A room is a set of sockets.
type room struct {
	name    string
	members []*membership
}

// A membership is one socket's place in one room.
type membership struct {
	socket *Socket
	room   *room
	at     int // in room.members
}

func (h *hub) init() {
	h.sockets = make(map[string]*Socket)
	h.rooms = make(map[string]*room)
}

func (r *room) add(s *Socket) *membership {
	m := &membership{socket: s, room: r, at: len(r.members)}
	r.members = append(r.members, m)
	return m
}

func (r *room) remove(m *membership) {
	last := len(r.members) - 1
	moved := r.members[last]
	r.members[m.at], moved.at = moved, m.at
	r.members[last] = nil
	r.members = r.members[:last]
	if cap(r.members) > 64 && last < cap(r.members)/4 {
		r.members = append(make([]*membership, 0, cap(r.members)/2), r.members...)
	}
}

// add makes s a member of the namespace, and has it told so first: no broadcast comes before CONNECT, and every one that
// begins when the client has seen it reaches the client.
func (h *hub) add(s *Socket, tell func(*Socket)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	tell(s)
	h.sockets[s.id] = s
	s.presence = h.everyone.add(s)
}

// remove takes s out of everything. It can join nothing afterwards.
func (h *hub) remove(s *Socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.gone = true
	if s.presence != nil {
		s.lastRooms = s.roomNames()
		delete(h.sockets, s.id)
		h.everyone.remove(s.presence)
		s.presence = nil
	}
	for _, m := range s.rooms {
		h.drop(m)
	}
	s.rooms = nil
}

// drop takes a membership out of its room, and forgets a room that is empty. h.mu must be held.
func (h *hub) drop(m *membership) {
	m.room.remove(m)
	if len(m.room.members) == 0 {
		delete(h.rooms, m.room.name)
	}
}

// join puts s into all of the rooms, or, if these were too many, into none.
func (h *hub) join(s *Socket, names []string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.gone {
		return nil
	}
	before := len(s.rooms)
	for _, name := range names {
		if name == s.id || s.membershipOf(name) >= 0 {
			continue
		}
		if h.maxRooms > 0 && len(s.rooms) == h.maxRooms {
			h.shrink(s, before)
			return ErrTooManyRooms
		}
		r := h.rooms[name]
		if r == nil {
			r = &room{name: name}
			h.rooms[name] = r
		}
		s.rooms = append(s.rooms, r.add(s))
	}
	return nil
}

// shrink takes s out of all rooms but the first n. h.mu must be held.
func (h *hub) shrink(s *Socket, n int) {
	for _, m := range s.rooms[n:] {
		h.drop(m)
	}
	clear(s.rooms[n:])
	s.rooms = s.rooms[:n]
}

func (h *hub) leave(s *Socket, names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range names {
		if i := s.membershipOf(name); i >= 0 {
			h.drop(s.rooms[i])
			last := len(s.rooms) - 1
			s.rooms[i], s.rooms[last] = s.rooms[last], nil
			s.rooms = s.rooms[:last]
		}
	}
}

// membershipOf returns where in s.rooms the room of that name is; -1 if s is not in it. The hub's lock must be held.
func (s *Socket) membershipOf(name string) int {
	for i, m := range s.rooms {
		if m.room.name == name {
			return i
		}
	}
	return -1
}

// roomNames lists the rooms, that of the socket's own id first. The hub's lock must be held.
func (s *Socket) roomNames() []string {
	names := append(make([]string, 0, len(s.rooms)+1), s.id)
	for _, m := range s.rooms {
		names = append(names, m.room.name)
	}
	return names
}

// forgetRooms is called when the disconnecting handlers of a socket that is gone have run.
func (h *hub) forgetRooms(s *Socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.lastRooms = nil
}

func (h *hub) roomsOf(s *Socket) []string {
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
	s, ok := h.sockets[id]
	return s, ok
}

func (h *hub) len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sockets)
}

// each calls f for every socket that a broadcast reaches, once. h.mu must be held.
func (h *hub) each(b *Broadcast, f func(*Socket)) {
	if len(b.except) == 0 && len(b.rooms) < 2 {
		h.eachOfOne(b, f)
		return
	}
	h.mark++
	for _, name := range b.except {
		h.eachIn(name, func(s *Socket) { s.marked = h.mark })
	}
	once := func(s *Socket) {
		if s.marked != h.mark && s != b.from {
			s.marked = h.mark
			f(s)
		}
	}
	if len(b.rooms) == 0 {
		for _, m := range h.everyone.members {
			once(m.socket)
		}
	}
	for _, name := range b.rooms {
		h.eachIn(name, once)
	}
}

// eachOfOne is each for a broadcast to one room, or to all, without exception: nobody has to be marked.
func (h *hub) eachOfOne(b *Broadcast, f func(*Socket)) {
	but := func(s *Socket) {
		if s != b.from {
			f(s)
		}
	}
	if len(b.rooms) == 1 {
		h.eachIn(b.rooms[0], but)
		return
	}
	for _, m := range h.everyone.members {
		but(m.socket)
	}
}

// eachIn calls f for the members of a room, and for the socket whose id it is; not for those that a middleware has put into
// the room and that are not yet let in. h.mu must be held.
func (h *hub) eachIn(name string, f func(*Socket)) {
	own := h.sockets[name]
	if own != nil {
		f(own)
	}
	r := h.rooms[name]
	if r == nil {
		return
	}
	for _, m := range r.members {
		if m.socket != own && m.socket.presence != nil {
			f(m.socket)
		}
	}
}
