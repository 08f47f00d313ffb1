package engineio

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/internal/outbound"
)

// A Session is one client's connection to the server, over whatever transport carries it at the time. It owns the
// outbound queue, the heartbeat and the upgrade, so order and content survive a change of transport.
//
// All methods may be called concurrently.
//
// Order of locks: Session.mu, then that of the registry, of a heart, or of the Outbox.
type Session struct {
	id      string
	core    *core
	request Request
	handler Handler
	account Account // nil if nobody counts
	out     outbound.Outbox
	beats   beats        // guarded by the lock of the session's heart
	aside   *direct      // the first of those that a sequence has for this session alone; used in tasks of its worker
	charged atomic.Int64 // bytes: see Charge

	handling atomic.Bool // Handler.Message is under way
	version  uint8
	base64   bool       // the client takes no binary bodies: it said so when it opened the session
	script   bool       // it polls by JSONP
	ancient  bool       // a client before 1.4: see oldclients.go
	repair   textRepair // what the client's text needs; used by one receiver at a time

	mu sync.Mutex // guards the following

	state    state
	released bool // nothing has held it once, and its place is given away
	begun    bool // handler is there
	doomed   bool // it is to end as soon as it has begun
	peerLeft bool // the client has said good-bye

	ignored  int32 // bytes of what came when nobody listened any more
	holders  int32 // the session as long as it is open, readers, polls: what holds memory or a connection
	received uint64
	meter    limit.Meter // packets
	carrier  transport
	probe    *socket // the WebSocket that the client is trying out
	parting  Reason  // the server's own reason, once it has said good-bye, or why it is doomed
	pulse    pulse
}

type state uint8

const (
	opening state = iota
	open
	closing // the server has said good-bye, and waits for the client to hear it
	closed
)

// newSession returns a session that takes no packets yet: see start.
func newSession(c *core, r *http.Request, q *query, address string) *Session {
	version := q.version()
	s := &Session{id: newID(), version: uint8(version), core: c, request: newRequest(r, address), holders: 1}
	s.base64, s.script = q.b64 != "", q.jsonp
	s.ancient = version == 3 && readsBinaryPayloadsOnly(q.t)
	if c.opts.Account != nil {
		s.account = c.opts.Account(s.request.RemoteAddr)
	}
	s.out.Init(c.flusher, (*outboxOwner)(s), &c.queues)
	s.Charge(s.request.held())
	return s
}

// closeAccount is called once, when nobody sends to the session any more.
func (s *Session) closeAccount() {
	if form(s.out.Form())&formRecoded != 0 {
		s.core.uncommon.Add(-1)
	}
	s.Charge(-s.request.held())
	if s.account != nil {
		s.account.Left(s)
	}
}

// giveUpPlace is for a session that nobody got to know.
func (s *Session) giveUpPlace() {
	s.core.registry.unreserve(s.request.RemoteAddr)
	s.closeAccount()
}

// ID returns the session's id. Whoever knows it can speak for the client: do not show it to others.
func (s *Session) ID() string { return s.id }

// PublicID returns an id of the session that others may see: 16 characters, the same for as long as it lasts. It is
// made of a hash of ID, which can't be had from it.
func (s *Session) PublicID() string {
	sum := sha256.Sum256([]byte("crier public id of " + s.id))
	return base64.RawURLEncoding.EncodeToString(sum[:publicBytes])
}

// publicBytes are 96 bits: no two sessions have the same id.
const publicBytes = 12

// Version returns the protocol revision, 3 or 4.
func (s *Session) Version() int { return int(s.version) }

// Request returns what the client sent when it opened the session.
func (s *Session) Request() *Request { return &s.request }

// Transport returns the name of the transport in use: Polling or WebSocket.
func (s *Session) Transport() string { return s.transport().name() }

func (s *Session) transport() transport {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.carrier
}

// Held returns how many bytes the session holds: what is queued, what is on its way to the client, and what was
// charged.
func (s *Session) Held() int { return s.out.Size() + int(s.charged.Load()) }

// Charge counts delta bytes more that are held for the client, or fewer if it is negative: what has arrived of a POST
// or of a WebSocket message, and what layers above hold. All of it must be given back; the session may have ended by
// then. Whoever changes often what it holds does so in steps of some KiB.
func (s *Session) Charge(delta int) {
	s.charged.Add(int64(delta))
	s.hold(delta)
}

// hold tells the account.
func (s *Session) hold(delta int) {
	if s.account != nil {
		s.account.Hold(delta)
	}
}

// Ready says whether what is sent now would leave at once. Volatile messages are those that one drops when it would
// not.
func (s *Session) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.carrier.ready()
}

// Flushed returns a channel that is closed when everything sent before has been handed to the transport (on
// long-polling: to the connection of a poll), or never will be because the session has ended.
func (s *Session) Flushed() <-chan struct{} {
	s.out.Settle()
	return s.out.Flushed()
}

// Spare returns how many bytes of messages may still be queued, 12 counted for each beside its own.
func (s *Session) Spare() int {
	s.out.Settle()
	return s.core.opts.MaxQueue - s.out.Size()
}

// sendOpen queues the OPEN packet.
func (s *Session) sendOpen(transport string) {
	data := append(append(make([]byte, 0, 256), `{"sid":"`...), s.id...)
	data = append(data, s.core.offers[transport]...)
	f := form(s.out.Form())
	frames := s.core.arena.Put(appendPacket(make([]byte, 0, 512), packetOpen.digit(), data, f))
	_ = s.push(f, frames, nil) // an empty queue takes it
}

// start lets packets in, unless the session came to its end while the handler was made: then it is doomed.
// read says that a reader holds the session too.
func (s *Session) start(read bool) (doomed bool, reason Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = true
	if read {
		s.holders++
	}
	if s.state == opening {
		s.state = open
		s.pulse.start(s)
	}
	return s.doomed, s.parting
}

// receive handles one packet from the client. Calls come one at a time. What comes after the server's good-bye is
// ignored.
func (s *Session) receive(p packet) error {
	heard, err := s.hear(p.kind, len(p.data))
	if !heard {
		return err
	}
	switch p.kind {
	case packetMessage:
		return s.handle(p.binary, p.data)
	case packetPing, packetPong:
		return s.pulse.hear(s, p.kind)
	case packetClose:
		return errPeerClosed
	}
	return nil // OPEN, UPGRADE and NOOP mean nothing here, and the reference server ignores them too
}

// handle gives the handler a message. A panic ends the session.
func (s *Session) handle(binary bool, data []byte) (err error) {
	if !s.guard("Message", func() { err = s.handler.Message(binary, data) }) {
		err = errPanicked
	}
	s.handling.Store(false)
	return err
}

// guard calls f, which calls the handler's method; false if it panicked.
func (s *Session) guard(method string, f func()) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			s.core.logPanic(method, s.request.RemoteAddr, p)
			ok = false
		}
	}()
	f()
	return true
}

// mostIgnored is how many bytes are read from a client after the server's good-bye: it may have sent them before it
// heard of it. Past it nothing is read any more.
const mostIgnored = 1 << 20

// hear is told of each packet and says whether the session still listens. An error says that it must not be read any
// more.
func (s *Session) hear(kind packetType, size int) (heard bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.spend(); err != nil {
		return false, err
	}
	if s.state != open {
		if s.ignored += int32(min(size, mostIgnored)); s.ignored > mostIgnored {
			return false, errIgnored
		}
		return false, nil
	}
	s.received++
	s.handling.Store(kind == packetMessage)
	s.pulse.excuse(s, kind)
	return true, nil
}

// control is told of each frame of a WebSocket that carries no packet: pings and pongs.
func (s *Session) control() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spend()
}

// spend counts one packet or control frame. s.mu must be held.
func (s *Session) spend() error {
	rate := int(s.core.packetRate.Load())
	if rate > 0 && s.meter.Spend(1, limit.Rate{PerSecond: rate}) != limit.Fine {
		return errPacketRate
	}
	return nil
}

// release ends what counting up holders began, and gives the session's place away when nothing holds it any more.
func (s *Session) release() {
	s.mu.Lock()
	s.holders--
	free := s.holders == 0 && !s.released // a poll may come when nothing held it any more
	s.released = s.released || free
	s.mu.Unlock()
	if !free {
		return
	}
	var last Stats
	s.addTo(&last)
	s.core.registry.remove(s, s.request.RemoteAddr, last)
	s.closeAccount()
}

// addTo adds what a session has counted.
func (s *Session) addTo(st *Stats) {
	s.mu.Lock()
	switch {
	case s.state == closed:
	case s.carrier.name() == Polling:
		st.Polling++
	default:
		st.WebSocket++
	}
	st.Received += s.received
	s.mu.Unlock()
	st.Queued += s.out.Size()
	st.Sent += s.out.Pushed()
}

// logger returns where the session's steps are told, or nil if nobody wants to know: what is made for a line that is
// not written was a tenth of a handshake's allocations.
func (s *Session) logger() *slog.Logger {
	if l := s.core.opts.Logger; l.Enabled(context.Background(), slog.LevelDebug) {
		return l.With("address", s.request.RemoteAddr)
	}
	return nil
}
