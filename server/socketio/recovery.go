package socketio

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/socketio/wire"
)

// Recovery configures connection state recovery: a client of Socket.IO 4.6 or newer whose transport was lost, and that comes
// back in time, goes on where it was. Its socket has the id, the rooms and the data that it had, and what was emitted to it
// meanwhile comes first, in order and once. If any of that is missing, the client is told that it is new.
//
// A client that comes back before the server has noticed that its transport is lost is recovered as well: its
// socket ends at that moment.
//
// Events to clients on Engine.IO 4 have an offset for it as one more argument, a string, as those of the reference server. Not
// recovered are acknowledgements, either way, and events that ask for one.
//
// The zero value of each field means its default.
type Recovery struct {
	// Disabled turns recovery off, and with it the additional argument.
	Disabled bool

	// MaxAge is how long after its end a session can come back. Zero value means 2 minutes, as in the reference server.
	MaxAge time.Duration

	// MaxPackets is how many events are held for those that may come back, in all namespaces together. Zero value means
	// 10,000.
	MaxPackets int

	// MaxBytes is how much those events hold, in bytes, and how much the sessions' rooms do. Zero value means 16 MiB.
	MaxBytes int

	// MaxSessions is how many lost sessions are kept; past it, the oldest cannot come back. Zero value means 10,000.
	MaxSessions int

	// AskMiddleware has the namespace's middleware asked about sessions that come back too. It has let them in before, so by
	// default it is not asked again, as in the reference server.
	AskMiddleware bool
}

func (r *Recovery) setDefaults() error {
	if r.MaxAge == 0 {
		r.MaxAge = 2 * time.Minute
	}
	if r.MaxAge < time.Millisecond {
		return fmt.Errorf("socketio: Recovery.MaxAge is %v: it must be at least 1 ms", r.MaxAge)
	}
	return setCounts([]count{
		{"Recovery.MaxPackets", &r.MaxPackets, 10_000},
		{"Recovery.MaxBytes", &r.MaxBytes, 16 << 20},
		{"Recovery.MaxSessions", &r.MaxSessions, 10_000},
	})
}

// recoverable says whether a socket that ended for this reason may be recovered: when neither side wanted it to end. After
// ReasonServerShutdown, after which the reference server keeps it too, there is nobody to come back to.
func (r Reason) recoverable() bool {
	switch r {
	case ReasonTransportClose, ReasonTransportError, ReasonPingTimeout, ReasonForcedClose, ReasonSlowConsumer:
		return true
	}
	return false
}

// Recovered says whether the socket goes on where an earlier one with the same id was: it has its rooms and its Data
// already, and its client gets what it has missed. Handlers have to be registered anew. OnConnect runs when the last
// handler of the earlier socket has returned.
func (s *Socket) Recovered() bool { return s.recovered }

// A pid is what a client shows to have its socket back: the socket's id, which others may know, and a secret of the same
// length. Each is 144 random bits.
const (
	idBytes = 18
	idText  = idBytes / 3 * 4
	pidText = 2 * idText
)

func newPID() string {
	var b [2 * idBytes]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, since Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// identify gives a new socket its id and, if it can be recovered, its pid.
func (s *Socket) identify() {
	switch {
	case s.client.session.Version() == 3:
		s.id = oldSocketID(s.client.session, s.ns.name)
	case s.ns.io.opts.Recovery.Disabled:
		s.id = newPID()[:idText]
	default:
		s.pid = newPID()
		s.id = s.pid[:idText]
	}
}

// connectAnswer is what the CONNECT packet to the client says.
func (s *Socket) connectAnswer() (data []byte) {
	if s.client.session.Version() == 3 {
		return nil
	}
	data = append(append(data, `{"sid":"`...), s.id...)
	if s.pid != "" {
		data = append(append(data, `","pid":"`...), s.pid...)
	}
	return append(data, `"}`...)
}

// A wish is what a client that wants its socket back sends with its auth.
type wish struct {
	PID    string  `json:"pid"`
	Offset *string `json:"offset"` // none: it has had no event
}

// wishIn finds a client's wish. One that cannot be read is none.
func (c *client) wishIn(auth json.RawMessage) (w wish, ok bool) {
	if c.session.Version() == 3 || c.io.opts.Recovery.Disabled || !bytes.Contains(auth, []byte(`"pid"`)) {
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
	defer func() {
		if done {
			c.io.record.recovered.Add(1)
		} else {
			c.io.record.renewed.Add(1)
		}
	}()
	l := ns.takeOver(w.PID)
	if l == nil {
		return false
	}
	s := l.revive(c, auth)
	if c.io.opts.Recovery.AskMiddleware {
		if err := s.askMiddleware(); err != nil {
			c.turnAway(s, err)
			return true
		}
	}
	if c.admit(s, func() bool { return ns.hub.restore(s, l, w.Offset) }) {
		return true
	}
	ns.hub.remove(s) // from rooms that a middleware put it into
	return false
}

// takeOver finds the lost session of that pid. A socket that is still connected ends first, and its client's session with
// it: its client is here. Without this, a phone that has changed its network would be new until its old connection is
// given up, 45 s later.
func (ns *Namespace) takeOver(pid string) *lost {
	for {
		old := ns.hub.holder(pid)
		if old == nil {
			return ns.io.record.find(ns, pid)
		}
		old.end(ReasonTransportClose)
		old.client.session.Abandon()
	}
}

// holder returns the connected socket of that pid. One whose end has begun elsewhere is none, and has left when holder
// returns.
func (h *hub) holder(pid string) *Socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sockets[pid[:idText]]
	if s == nil || !samePID(s.pid, pid) {
		return nil
	}
	if s.Connected() {
		return s
	}
	h.expel(s)
	return nil
}

// revive makes the socket with which a lost session goes on.
func (l *lost) revive(c *client, auth json.RawMessage) *Socket {
	s := &Socket{id: l.id, pid: l.pid, ns: l.ns, client: c, auth: auth, data: l.data, recovered: true, after: l.over}
	s.room.L = &s.mu
	return s
}

// restore makes s a member of the namespace and of the rooms that it was in, and has its client told so and sent what it
// has missed: no broadcast comes between. Not ok: that is not possible any more.
func (h *hub) restore(s *Socket, l *lost, offset *string) (ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle()
	r := h.record
	r.enter(s.ns) // before the lost session is none any more: somebody is there all the time
	answer := engineio.Message{Data: wire.AppendConnect(nil, s.ns.name, s.connectAnswer())}
	v, ok := r.claim(l, offset, s.client.session.Spare()-wireSize(answer))
	if !ok {
		r.leave(s.ns)
		return false
	}
	_ = s.client.session.Send(append([]engineio.Message{answer}, v.missed...)...) // in one piece; a session that is ending does not take it
	s.joined, s.sent, s.left = v.from, v.sent, l.left
	h.admit(s)
	for _, stay := range l.rooms {
		if i := s.membershipOf(stay.room); i >= 0 {
			s.rooms[i].since = stay.since // a middleware was quicker
		} else {
			h.enter(s, stay.room, stay.since)
		}
	}
	return true
}

// part keeps what is needed to recover a socket that is being removed. h.mu must be held.
func (h *hub) part(s *Socket) {
	switch {
	case s.pid == "":
		h.unmarked--
	case s.endReason().recoverable():
		h.record.keep(h.lose(s))
	default:
		h.record.leave(s.ns)
	}
}

// endReason is why the socket has ended; empty while it has not.
func (s *Socket) endReason() Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}
