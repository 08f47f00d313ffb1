package socketio

import "github.com/crier/crier/server/engineio"

// A recovery holds what clients need that lose their transport and come back: the events of late, and the
// sessions that were lost. The record of this process is one.
//
// Its methods may be called concurrently. The hub's lock is held for all but begin, find, now, recoveredOne and
// what the server itself calls; none of them waits for a client or a disk.
type recovery interface {
	// position is the number of the newest event. While the hub's lock is held no event of its namespace is numbered.
	position() uint64

	// add numbers an event, writes its offset behind its arguments and holds it. The text that it returns, in
	// which e.text has gone on, is the caller's. The number is 0 when nothing is held any more.
	add(e recorded) (text []byte, number uint64)

	// stamp writes the offset of what was sent before behind a text whose last argument would be taken for one.
	stamp(text []byte) []byte

	// pass writes an offset behind an event to one socket that is not held. The mark tells later whether its
	// client has had it.
	pass(text []byte) ([]byte, mark)

	// watch counts a socket of the hub that could come back, and unwatch counts it out.
	watch(h *hub)
	unwatch(h *hub)

	// keep takes a lost session in, in the place of the socket that it was.
	keep(l *lost)

	// find returns the lost session of that pid; nil if there is none.
	find(h *hub, pid string) *lost

	// begin gathers what a lost session has missed, without the hub's lock, for a client that has had all up to
	// offset; nil means that it has had none. spare is how many bytes the client can be sent. Not ok: it cannot
	// go on.
	begin(l *lost, offset *string, spare int) (v *revival, ok bool)

	// finish gathers what has come since begin, and takes the lost session back. Not ok: it cannot go on, and is
	// gone.
	finish(v *revival) (ok bool)

	// now is the time since the recovery began.
	now() recoveryTime

	// count counts a client that asked for its socket, by whether it got it.
	count(recovered bool)

	stats() RecoveryStats
	close()
}

// A revival is a lost session that is about to go on.
type revival struct {
	lost   *lost
	missed []engineio.Message // what its client has to be sent, in order
	from   uint64             // the position that its client has reached
	sent   uint64             // no event with a greater number was meant for it
	next   uint64             // the position up to which events have been gathered
	spare  int                // how many bytes more its client can be sent
}

// order decides an event's place among those of the namespace. If anybody could come back for it, it gets its
// offset and is recorded. h.mu must be held until the event is queued for all whom it reaches, so that what an
// offset stands behind has been queued before it. to is the socket of an event to one.
func (h *hub) order(o *outgoing, a audience, to *seat) {
	if o.asks || h.watched.Load() == 0 {
		return
	}
	switch {
	case o.flags.volatile:
		if endsInText(o.text) { // it would be taken for an offset, so there has to be one: that of what was sent before
			o.text = h.recovery.stamp(o.fork(h.unmarked > 0))
		}
	case o.flags.unrecorded && to != nil:
		o.text, to.unrecorded = h.recovery.pass(o.fork(false))
	default:
		var number uint64
		o.text, number = h.recovery.add(recorded{
			hub: h, to: a, text: o.fork(h.unmarked > 0), attachments: o.attachments, flags: o.flags,
		})
		if number > 0 {
			h.note(number, &a)
		}
	}
}

// note remembers whom an event was meant for. h.mu must be held.
func (h *hub) note(number uint64, to *audience) {
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
