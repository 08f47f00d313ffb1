package socketio

import (
	"bytes"
	"encoding/json"
	"time"
)

// A wish is what a client that wants its socket back sends with its auth.
type wish struct {
	PID    string  `json:"pid"`
	Offset *string `json:"offset"` // none: it has had no event
}

// wishIn finds a client's wish. One that cannot be read is none.
func (c *client) wishIn(auth json.RawMessage) (w wish, ok bool) {
	if c.session.Version() == 3 || c.core.opts.Recovery.Disabled || !bytes.Contains(auth, []byte(`"pid"`)) {
		return w, false
	}
	err := json.Unmarshal(auth, &w)
	return w, err == nil && len(w.PID) == pidText
}

// rejoin gives a client its socket back. Not done: it has to come in like a new one.
func (c *client) rejoin(ns *Namespace, auth json.RawMessage) (done bool) {
	w, ok := c.wishIn(auth)
	if !ok {
		return false
	}
	recovery := c.core.recovery
	defer func() { recovery.count(done) }()
	c.pause(ns.recoveredLately(w.PID))
	l := ns.takeOver(w.PID)
	if l == nil {
		return false
	}
	s := l.revive(&c.Conn, ns, auth)
	if c.core.opts.Recovery.AskMiddleware {
		if err := c.askMiddleware(s); err != nil {
			c.turnAway(s, err)
			return true
		}
	}
	v, ok := recovery.begin(l, w.Offset, c.spareFor(answerTo(s)))
	if ok && c.admit(s, func() bool { return ns.hub.restore(&s.seat, v, func() { c.welcome(s, v.missed) }) }) {
		return true
	}
	s.giveUp(ReasonServerDisconnect)
	ns.hub.remove(&s.seat, "") // from rooms that a middleware put it into
	return false
}

// recoveredLately returns how long a client with that pid has to wait; mostly 0. It waits so that an honest client
// whose connection breaks twice in a second is recovered all the same. It waits once, so that of dozens that come at
// once one is recovered and the others have new sockets.
func (ns *Namespace) recoveredLately(pid string) time.Duration {
	k := ns.core
	old, at := ns.hub.holder(pid)
	if old == nil {
		if l := k.recovery.find(&ns.hub, pid); l != nil {
			at = l.recoveredAt
		}
	}
	return k.untilRecoverable(at)
}

// untilRecoverable returns how long a socket that was recovered then can't be recovered again; at is 0 if it was not.
func (k *core) untilRecoverable(at recoveryTime) time.Duration {
	if at == 0 {
		return 0
	}
	return max(0, k.opts.Recovery.Pause-(k.recovery.now()-at))
}

// mustPause says whether a client that wants its socket back has to wait.
func (c *client) mustPause(name string, auth json.RawMessage) bool {
	w, ok := c.wishIn(auth)
	if !ok {
		return false
	}
	ns := c.core.names.find(name)
	return ns != nil && ns.recoveredLately(w.PID) > 0
}

// takeOver finds the lost session of that pid. A socket that is still connected ends first, and its client's session
// with it: its client is here. Without this, a phone that has changed its network would be new until its old connection
// is given up, 45 s later. None is found if another client of that pid was quicker.
func (ns *Namespace) takeOver(pid string) *lost {
	k := ns.core
	for {
		old, recoveredAt := ns.hub.holder(pid)
		switch {
		case old == nil:
			l := k.recovery.find(&ns.hub, pid)
			if l == nil || k.untilRecoverable(l.recoveredAt) > 0 {
				return nil
			}
			return l
		case k.untilRecoverable(recoveredAt) > 0:
			return nil
		case old.Connected():
			old.end(ReasonTransportClose)
			old.conn.session.Abandon()
		default: // its end has begun elsewhere
			ns.hub.remove(&old.seat, old.endReason())
		}
	}
}
