package socketio

import (
	"slices"
	"sync"

	"github.com/crier/crier/server/engineio"
)

// An outgoing event is encoded, and about to be queued for those whom it is meant for.
type outgoing struct {
	buf         []byte // the memory that the text and its other form lie in
	text        []byte
	old         []byte // for clients without recovery, if it is another
	attachments [][]byte
	flags       sendFlags
	asks        bool // for an acknowledgement
}

// outgoings are used again, with the memory in which packets are encoded before they are copied into frames.
var outgoings = sync.Pool{New: func() any { return new(outgoing) }}

// maxPooled is the size from which that memory is left to the garbage collector.
const maxPooled = 64 << 10

// release keeps o for the next packet. Nobody may hold it any more.
func (o *outgoing) release() {
	if cap(o.buf) > maxPooled {
		return
	}
	*o = outgoing{buf: o.buf}
	outgoings.Put(o)
}

func (o *outgoing) messages() []engineio.Message {
	all := messages(o.flags, o.text, o.attachments)
	all[0].Old = o.old
	return all
}

// order decides an event's place among those of the namespace. If anybody could come back for it, it gets its offset and goes
// into the record. The lock of ns.hub must be held until the event is queued for all whom it reaches, so that what an
// offset stands behind has been queued before it.
func (ns *Namespace) order(o *outgoing, to audience) {
	if o.asks || ns.watched.Load() == 0 {
		return
	}
	r := ns.io.record
	if o.flags.volatile {
		if endsInText(o.text) { // it would be taken for an offset, so there has to be one: that of what was sent before
			o.text = r.epoch.appendTo(o.fork(ns), r.position())
		}
		return
	}
	var number uint64
	o.text, number = r.add(recorded{ns: ns, to: to, text: o.fork(ns), attachments: o.attachments, flags: o.flags})
	if number > 0 {
		ns.hub.note(number, to)
	}
}

// fork returns the text to write an offset to. The text as it is stays in o.old if any client of the namespace gets it so.
func (o *outgoing) fork(ns *Namespace) []byte {
	n := len(o.text)
	if ns.hub.unmarked == 0 {
		o.buf = slices.Grow(o.text, offsetRoom)
		return o.buf
	}
	o.old = o.text
	o.buf = append(slices.Grow(o.text, n+offsetRoom), o.text...)
	return o.buf[n:]
}

// A latest tells of the newest event that a room was sent. It is noted for each room and not for each member, because a
// broadcast has no time to write to every socket.
type latest struct {
	number uint64
	but    string // the id of the socket that was left out of it
	other  uint64 // the newest event that left out another, or nobody
}

func (l *latest) note(number uint64, but string) {
	if but != l.but {
		l.but, l.other = but, l.number
	}
	l.number = number
}

// to is the newest event that may have been meant for the socket of that id.
func (l *latest) to(id string) uint64 {
	if l.but == id {
		return l.other
	}
	return l.number
}

// sent is the newest event that may have been meant for the member through its room; 0 if there was none since it came.
func (m *membership) sent() uint64 {
	if number := m.room.newest.to(m.socket.id); number > m.since {
		return number
	}
	return 0
}

// note remembers whom an event was meant for. h.mu must be held.
func (h *hub) note(number uint64, to audience) {
	switch {
	case to.only != "":
		h.noteOwn(to.only, number)
	case len(to.rooms) == 0:
		h.everyone.newest.note(number, to.but)
	}
	for _, name := range to.rooms {
		h.noteOwn(name, number)
		if r := h.rooms[name]; r != nil {
			r.newest.note(number, to.but)
		}
	}
}

// noteOwn is note for the socket of that id, if it is one.
func (h *hub) noteOwn(id string, number uint64) {
	if s := h.sockets[id]; s != nil {
		s.sent = number
	}
}
