package socketio

import "crypto/subtle"

// keep takes a lost session in. Its namespace stays as long as it does: what is said there meanwhile would
// otherwise not be said in it.
func (r *record) keep(l *lost) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		r.uncount(l.hub)
		return
	}
	l.at = r.now()
	r.lost.add(l)
	l.hub.lost.Add(1)
	l.hub.hold()
	for s := r.lost.surplus(r.limits.MaxBytes); s != nil; s = r.lost.surplus(r.limits.MaxBytes) {
		r.drop(s)
	}
	r.arm()
}

func (r *record) find(h *hub, pid string) *lost {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.lost.byID[pid[:idText]]; l != nil && l.hub == h && samePID(l.pid, pid) {
		return l
	}
	return nil
}

// samePID takes the same time wherever the two differ: a pid is a secret.
func samePID(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// gatherAtOnce is how many events are copied while the record's lock is held: emitting waits meanwhile.
const gatherAtOnce = 32

// begin does most of the work of a recovery while broadcasts go on: with 10,000 events it takes some milliseconds.
func (r *record) begin(l *lost, text *string, spare int) (v *revival, ok bool) {
	from, ok := r.reached(l, text)
	if !ok || r.now()-l.at > r.limits.MaxAge || !l.unrecorded.passed(from) {
		return nil, false
	}
	start, ok := l.start(from.number)
	if !ok {
		return nil, false
	}
	v = &revival{lost: l, from: from.number, sent: l.sent, next: start, spare: spare}
	return v, r.gather(v, r.position())
}

// finish gathers the rest. The hub's lock must be held until what was missed is queued.
func (r *record) finish(v *revival) bool {
	whole := r.gather(v, r.position())
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost.byID[v.lost.id] != v.lost {
		return false
	}
	r.drop(v.lost)
	return whole && r.now()-v.lost.at <= r.limits.MaxAge
}

// gather finds the events behind v.next up to that number that were meant for v.lost. Not ok: some of them are
// not held any more, or they are more than its client can be sent.
func (r *record) gather(v *revival, upTo uint64) bool {
	hears := v.lost.listener()
	var some [gatherAtOnce]recorded
	for {
		n, ok := r.after(v.next, some[:])
		if !ok {
			return false
		}
		for i := range some[:n] {
			v.next++
			if !hears(&some[i], v.next) {
				continue
			}
			all := messages(some[i].flags, some[i].text, some[i].attachments)
			for _, m := range all {
				v.spare -= wireSize(m)
			}
			if v.spare < 0 {
				return false
			}
			v.missed = append(v.missed, all...)
			v.sent = v.next
		}
		if n < len(some) || v.next >= upTo {
			return true
		}
	}
}

// reached is the offset up to which the client of a lost session has had its events. A client keeps the offset
// that it saw last even when it is told that it is new: one from before it was, or from another life of a server,
// means that it has had no event since. One that it cannot have seen is nobody's.
func (r *record) reached(l *lost, text *string) (from offset, ok bool) {
	joined := offset{number: l.joined}
	if text == nil {
		return joined, true
	}
	from, own, ok := r.epoch.parse(*text)
	switch {
	case !ok || own && (from.number > l.ended || from.serial > r.serial.Load()):
		return offset{}, false
	case !own || from.number < l.joined:
		return joined, true
	}
	return from, true
}
