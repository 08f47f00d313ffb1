package socketio

import "sync"

// OnCreateRoom registers what is told of each room of this node that gets its first socket, with the room's name. Each
// socket has a room of its own id too.
//
// The hooks of rooms are called one at a time, in the order in which the rooms of the namespace changed, with no lock
// held: mostly in the goroutine that made the change, before its Join or Leave returns, or else in that of another
// change which is being told at the time. They may join and leave themselves; that is told when they have returned.
// They must not block: changes wait meanwhile, in memory, and from 65,536 on they are not told, but logged as an error.
func (ns *Namespace) OnCreateRoom(f func(room string)) {
	ns.hub.hookRooms(func(h *roomHooks) { h.create = added(h.create, f) })
}

// OnDeleteRoom registers what is told of each room of this node that its last socket has left: see OnCreateRoom.
func (ns *Namespace) OnDeleteRoom(f func(room string)) {
	ns.hub.hookRooms(func(h *roomHooks) { h.remove = added(h.remove, f) })
}

// OnJoinRoom registers what is told of each socket that comes into a room, with the socket's id: see OnCreateRoom.
func (ns *Namespace) OnJoinRoom(f func(room, id string)) {
	ns.hub.hookRooms(func(h *roomHooks) { h.join = added(h.join, f) })
}

// OnLeaveRoom registers what is told of each socket that goes out of a room, also because it has ended: see
// OnCreateRoom.
func (ns *Namespace) OnLeaveRoom(f func(room, id string)) {
	ns.hub.hookRooms(func(h *roomHooks) { h.leave = added(h.leave, f) })
}

// maxRoomChanges is how many changes wait to be told: 4 MB.
const maxRoomChanges = 1 << 16

// A roomChange is a socket's joining or leaving.
type roomChange struct {
	room, id string
	joins    bool
	alone    bool // it is the first one, or was the last
}

// roomHooks are what is told of changes. Their lock may be taken while the hub's is held.
type roomHooks struct {
	mu sync.Mutex // guards the following

	create, remove []func(room string)
	join, leave    []func(room, id string)
	changes        []roomChange // not yet told
	missed         int          // how many more there were
	telling        bool         // somebody tells them
}

// hookRooms changes the hooks, of which there are none at first.
func (h *hub) hookRooms(change func(*roomHooks)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	hooks := h.roomHooks.Load()
	if hooks == nil {
		hooks = new(roomHooks)
		h.roomHooks.Store(hooks)
	}
	hooks.mu.Lock()
	defer hooks.mu.Unlock()
	change(hooks)
}

// changed notes that a socket has joined the room of that name, or left it, which may be that of its own id. It counts
// the socket of that id and those that joined the name as one room. h.mu must be held; tell must follow when no lock
// is.
func (h *hub) changed(name, id string, joins bool) {
	hooks := h.roomHooks.Load()
	if hooks == nil {
		return
	}
	members := 0
	if r := h.rooms[name]; r != nil {
		members = len(r.members)
	}
	if h.sockets[name] != nil {
		members++
	}
	c := roomChange{name, id, joins, members == 0 || joins && members == 1}
	hooks.mu.Lock()
	defer hooks.mu.Unlock()
	if len(hooks.changes) == maxRoomChanges {
		hooks.missed++
		return
	}
	hooks.changes = append(hooks.changes, c)
}

// tell tells what has changed. No lock may be held.
func (h *hub) tell() {
	hooks := h.roomHooks.Load()
	if hooks == nil {
		return
	}
	for {
		changes, missed := hooks.take()
		if len(changes) == 0 {
			return
		}
		for i := range changes {
			h.core.tellRooms(hooks, &changes[i])
		}
		if missed > 0 {
			h.core.opts.Logger.Error("the hooks of rooms are too slow: changes were not told", "changes", missed)
		}
		hooks.mu.Lock()
		hooks.telling = false
		hooks.mu.Unlock()
	}
}

// take returns what is to be told; nothing, if another goroutine is at it.
func (h *roomHooks) take() (changes []roomChange, missed int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.telling || len(h.changes) == 0 {
		return nil, 0
	}
	h.telling = true
	changes, missed = h.changes, h.missed
	h.changes, h.missed = nil, 0
	return changes, missed
}

// tellRooms calls the hooks that a change concerns.
func (k *core) tellRooms(h *roomHooks, c *roomChange) {
	h.mu.Lock()
	create, remove, each := h.create, h.remove, h.join // never changed in place: see added
	if !c.joins {
		each = h.leave
	}
	h.mu.Unlock()
	if c.joins && c.alone {
		for _, f := range create {
			k.guardHook("rooms", func() { f(c.room) })
		}
	}
	for _, f := range each {
		k.guardHook("rooms", func() { f(c.room, c.id) })
	}
	if !c.joins && c.alone {
		for _, f := range remove {
			k.guardHook("rooms", func() { f(c.room) })
		}
	}
}
