package socketio

import (
	"slices"
	"sync"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/internal/outbound"
)

// A hub knows the sockets of a namespace and the rooms that they are in.
//
// What is emitted is put in order under its lock, in post. Large broadcasts are then tasks of the flusher's workers, which walk
// the rooms without the lock; so nothing changes in the rooms before settle has seen to it that no task is left. That makes
// a broadcast reach exactly those who were members when it was emitted.
//
// Joining, leaving and disconnecting cost the same however many sockets there are: a membership knows its place on both sides.
//
// Order of locks: client.mu, hub.mu, a flusher's worker's turn, then those of a socket, of a session and of its outbox. That of
// the record comes after hub.mu and before Server.mu, which comes before that of a namespace's hooks. A task takes no lock but
// that of an outbox, and so may be done under all others.
type hub struct {
	engine   *engineio.Server
	record   *record
	maxRooms int // of one socket; 0 is any number

	mu sync.Mutex // guards the following, and the fields of Socket that say so

	sockets  map[string]*Socket
	everyone room
	rooms    map[string]*room
	marks    uint64         // how many broadcasts had to mark sockets
	batch    outbound.Batch // for the broadcast that is under way
	spare    *task          // memory for the next one, or nil
	unmarked int            // sockets whose clients are sent no offsets
}

// A room is a set of sockets.
type room struct {
	name    string
	members []member
	newest  latest
}

// A member is what a broadcast's walk needs to know of a membership, side by side with the others: one who is another
// worker's is passed over without a look at anything else, and the way to the session is one step.
type member struct {
	*membership
	session *engineio.Session // nil while a middleware has put the socket into the room, and it is not yet let in
	worker  int
}

// A membership is one socket's place in one room.
type membership struct {
	socket *Socket
	room   *room
	at     int    // in room.members
	since  uint64 // the position among the recorded events at which it began
}

func (h *hub) init(engine *engineio.Server) {
	h.engine = engine
	h.sockets = make(map[string]*Socket)
	h.rooms = make(map[string]*room)
}

// settle lets everything that has been emitted reach the queues of those who are members now. h.mu must be held, and until it
// is released rooms may change.
func (h *hub) settle() { h.engine.Flusher().Settle() }

func (r *room) add(s *Socket) *membership {
	m := &membership{socket: s, room: r, at: len(r.members)}
	r.members = append(r.members, member{membership: m})
	if s.presence != nil {
		r.admit(m)
	}
	return m
}

// admit makes the member one that broadcasts reach.
func (r *room) admit(m *membership) {
	session := m.socket.client.session
	r.members[m.at].session, r.members[m.at].worker = session, session.Worker()
}

func (r *room) remove(m *membership) {
	last := len(r.members) - 1
	moved := r.members[last]
	r.members[m.at], moved.at = moved, m.at
	r.members[last] = member{}
	r.members = r.members[:last]
	if cap(r.members) > 64 && last < cap(r.members)/4 {
		r.members = append(make([]member, 0, cap(r.members)/2), r.members...)
	}
}

// add makes s a member of the namespace, and has it told so first: no broadcast comes before CONNECT, and every one that
// begins when the client has seen it reaches the client.
func (h *hub) add(s *Socket, tell func(*Socket)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle()
	tell(s)
	if s.pid == "" {
		h.unmarked++
	} else {
		h.record.enter(s.ns)
		s.joined = h.record.position()
	}
	h.admit(s)
}

// admit lets s hear and be told. h.mu must be held.
func (h *hub) admit(s *Socket) {
	s.connect()
	h.sockets[s.id] = s
	s.presence = h.everyone.add(s)
	h.everyone.admit(s.presence)
	for _, m := range s.rooms {
		m.room.admit(m)
	}
}

// remove takes s out of everything. It can join nothing afterwards.
func (h *hub) remove(s *Socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expel(s)
}

// expel is remove for those that hold h.mu. A socket that may come back becomes a lost session in the same moment: whatever is
// emitted was meant for the one or the other.
func (h *hub) expel(s *Socket) {
	h.settle()
	s.gone = true
	if s.presence != nil {
		h.part(s)
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
		h.enter(s, name, h.record.position())
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

// enter makes s a member of the room of that name. h.mu must be held.
func (h *hub) enter(s *Socket, name string, since uint64) {
	r := h.rooms[name]
	if r == nil {
		r = &room{name: name}
		h.rooms[name] = r
	}
	m := r.add(s)
	m.since = since
	s.rooms = append(s.rooms, m)
}

func (h *hub) leave(s *Socket, names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle()
	for _, name := range names {
		if i := s.membershipOf(name); i >= 0 {
			s.sent, s.left = max(s.sent, s.rooms[i].sent()), h.record.position()
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

// reached appends the sockets that a broadcast reaches.
func (h *hub) reached(all []*Socket, b *Broadcast) []*Socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle() // sockets may have to be marked
	t := h.newTask(b)
	defer h.keep(t)
	t.reach.each(anyWorker, func(m *member) { all = append(all, m.socket) })
	return all
}
