package engineio

import (
	"context"
	"net/http"
	"time"
)

// Long-polling: what the server says is the answer to a GET that waits for it (poll), what the client says is the
// body of a POST (post.go).

// A polling is the transport of a session on long-polling. The lock of the session guards its fields.
type polling struct {
	session *Session

	poll      *poll         // the GET that waits for something to send; it is &one
	one       poll          // its memory: there is one at a time
	answering bool          // the answer to the last one is on its way
	carrying  bool          // and holds messages
	posting   bool          // a POST is being read
	proved    bool          // the client has been told that the WebSocket which it tries out works
	switched  bool          // and has said that it goes on there
	over      bool          // another transport carries the session, or it has ended
	rest      [][]byte      // what was queued when the session ended: for the poll that waited then
	parting   chan struct{} // the client has said good-bye; closed when it polls
	quiet     chan struct{} // closed when neither a POST is read nor messages are on their way
	lastPoll  *time.Timer   // after the server's good-bye: how long a last poll is awaited
	cutoff    time.Time     // when what is read and written ends; zero: its own deadlines count alone

	reading http.ResponseWriter // of the POST whose body is being read; nil: none is
	writing http.ResponseWriter // of the answer that is being written; nil: none is

	body int // bytes that are charged of the body of a POST; its reader's
}

// A poll is a GET that waits.
type poll struct {
	wake    chan struct{} // holds one: there may be something to do
	release bool          // answer at once, even with nothing
	late    bool          // it came when the client had been told that its WebSocket works
}

const (
	// lastPollTimeout is how long a closing session waits for a last poll, as in the reference server (closeTimeout of
	// transports/polling.ts).
	lastPollTimeout = 30 * time.Second

	// releaseDelay is how long a poll may wait once the client has been told that its WebSocket works. It frees a
	// client that polled once more before it stopped (100 ms, as in the reference server's _maybeUpgrade).
	releaseDelay = 100 * time.Millisecond

	// partingDelay is how long the answer to a good-bye waits for the poll that the client made before it: the two
	// come over two connections. In the reference server, with its one thread, the poll is always first.
	partingDelay = 250 * time.Millisecond
)

func newPolling(s *Session) *polling {
	s.core.uncommon.Add(1)
	return &polling{session: s, one: poll{wake: make(chan struct{}, 1)}}
}

// serveGet waits for something to send and sends it.
func (p *polling) serveGet(w http.ResponseWriter, r *http.Request, q *query) {
	s := p.session
	waiting, err := p.begin()
	if err != nil {
		p.fail(err)
		s.core.refuse(w, r, refuseRequest)
		return
	}
	defer s.release()
	a, err := p.awaitOnLine(r, waiting)
	if a.refused {
		s.core.refuse(w, r, refuseRequest)
		return
	}
	if err == nil {
		err = p.write(w, r, q, a)
	}
	if err != nil && len(a.messages) > 0 {
		s.fail(err) // what was taken for this poll is lost, and with it the session, whatever carries it by now
	} else if err != nil {
		p.fail(err)
	}
	if !a.empty() {
		p.end(a, err)
	}
}

// begin makes a request the poll that waits. It holds the session from then on.
func (p *polling) begin() (*poll, error) {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case p.over && s.state != closed, p.switched:
		return nil, errUpgraded
	case p.poll != nil:
		return nil, errPollOverlap
	}
	s.holders++ // until serveGet returns
	s.pulse.polled = true
	select {
	case <-p.one.wake: // meant for the last one
	default:
	}
	p.one.release, p.one.late, p.poll = false, p.proved, &p.one
	if p.parting != nil {
		close(p.parting)
		p.parting = nil
	}
	return p.poll, nil
}

// fail is Session.fail for what goes wrong with a request. It does not harm a session that has left long-polling
// meanwhile: a client may drop its last poll then.
func (p *polling) fail(err error) {
	p.session.mu.Lock()
	left := p.switched || p.over
	p.session.mu.Unlock()
	if !left {
		p.session.fail(err)
	}
}

// await returns what answers the poll, when there is something.
func (p *polling) await(ctx context.Context, waiting *poll) (answer, error) {
	for {
		a, delay, ok := p.collect(waiting)
		if ok && ctx.Err() != nil {
			return a, errLost
		}
		if ok {
			return a, nil
		}
		var release <-chan time.Time
		if delay > 0 {
			release = time.After(delay)
		}
		select {
		case <-waiting.wake:
		case <-release:
			p.release(waiting)
		case <-ctx.Done():
			p.drop(waiting)
			return answer{}, errLost
		}
	}
}

// collect ends the poll if there is something to answer it with. If there is nothing, it says how long that may last,
// 0 meaning as long as it takes. While the last answer is on its way nothing is taken for the next: a client that asks
// and asks, and never reads, holds one answer and its queue.
func (p *polling) collect(waiting *poll) (a answer, delay time.Duration, ok bool) {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == closed && !p.over:
		return a, 0, false // close follows, and wakes it
	case p.switched && waiting.late:
		a.refused = true // the client has stopped to poll before it said so, if it follows the protocol
	case p.switched:
		a.control = packetNoop // what waits belongs to the WebSocket
	case len(p.rest) > 0:
		a.messages, p.rest = p.rest, nil
	case s.state == closed && s.peerLeft:
		a.control = packetNoop // as the reference server answers a client that has said good-bye itself
	case s.state == closed:
		a.control = packetClose
	case !p.answering:
		a = p.take()
	}
	if a.empty() && waiting.release {
		a.control = packetNoop
	}
	if !a.empty() {
		a.form = p.form()
		p.poll, p.answering, p.carrying = nil, !a.refused, len(a.messages) > 0
		return a, 0, true
	}
	if p.proved {
		delay = releaseDelay
	}
	return a, delay, false
}

// take takes messages from the queue, or what is said when there are none and will be none. The session's lock must
// be held.
func (p *polling) take() (a answer) {
	s := p.session
	f := p.form()
	a.messages = s.out.TakeUpTo(mostInAnswer, f.boundary)
	switch {
	case len(a.messages) > 0:
		if s.pulse.unasked && holdsPing(f, a.messages) {
			s.pulse.unasked = false
		}
	case s.state == closing: // in a payload of its own: clients handle it before the messages beside it
		a.control = packetClose
		p.lastPollIsHere()
	}
	return a
}

func holdsPing(f form, pieces [][]byte) bool {
	for p := range f.packets(pieces) {
		if len(p.data) == 1 && p.data[0] == packetPing.digit() && !p.binary {
			return true
		}
	}
	return false
}

// lastPollIsHere ends the session, without its lock, which must be held.
func (p *polling) lastPollIsHere() {
	if p.lastPoll == nil {
		p.awaitLastPoll()
	}
	p.lastPoll.Reset(0)
}

// awaitLastPoll gives the client of a closing session its time to hear of it. The session's lock must be held.
func (p *polling) awaitLastPoll() {
	s := p.session
	p.lastPoll = time.AfterFunc(lastPollTimeout, func() { s.end(s.parting, ending{}) })
}

// end is told that an answer has left, or never will.
func (p *polling) end(a answer, err error) {
	s := p.session
	s.out.Landed(a.size())
	s.mu.Lock()
	if err == nil { // otherwise nothing is taken for the next
		p.answering = false
	}
	p.carrying = false
	p.wake()
	s.mu.Unlock()
}

func (p *polling) release(waiting *poll) {
	p.session.mu.Lock()
	defer p.session.mu.Unlock()
	waiting.release = true
}

// drop forgets a poll whose client has hung up.
func (p *polling) drop(waiting *poll) {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.poll != waiting {
		return
	}
	p.poll = nil
	s.out.Landed(sizeOf(p.rest))
	p.rest = nil
}

// name is the transport's.
func (p *polling) name() string { return Polling }

// form is the transport's.
func (p *polling) form() form {
	f := formPayload
	s := p.session
	if s.version == 3 {
		f |= formOld
	}
	if s.base64 || s.script && s.version == 3 {
		f |= formBase64
	}
	if s.script {
		f |= formScript
	}
	if s.ancient && f&formBase64 == 0 {
		f |= formBytes
	}
	return f
}

// attach is the transport's: the queue needs no way out, a poll takes from it.
func (p *polling) attach() { p.farewell("") }

// ready is the transport's.
func (p *polling) ready() bool { return p.poll != nil && !p.answering && p.session.out.Size() == 0 }

// listens is the transport's.
func (p *polling) listens() bool {
	polled := p.session.pulse.polled || p.poll != nil || p.answering
	p.session.pulse.polled = false
	return polled
}

// wake is the transport's: a poll that waits looks again.
func (p *polling) wake() {
	if p.quiet != nil && (p.session.state == closed || !p.posting && !p.carrying) {
		close(p.quiet)
		p.quiet = nil
	}
	if p.poll == nil {
		return
	}
	select {
	case p.poll.wake <- struct{}{}:
	default:
	}
}

// farewell is the transport's: a poll is answered with the good-bye when the queue is empty.
func (p *polling) farewell(Reason) {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == closing && !p.over && p.lastPoll == nil {
		p.awaitLastPoll()
	}
}

// close is the transport's. What is queued goes to the poll that waits, as in the reference server, where an answer to
// a message leaves before the packet behind the message is read. Without a poll it is dropped: a client whose session
// has ended polls no more.
func (p *polling) close(e *ending) {
	s := p.session
	s.mu.Lock()
	if e.how >= behindRest && p.poll != nil && !p.answering && !p.switched {
		p.rest = s.out.TakeUpTo(mostInAnswer, p.form().boundary)
	}
	p.leave()
	p.wake()
	if e.now {
		p.cutOff()
	}
	s.mu.Unlock()
	s.out.Close()
}

// cutOff ends what is read at once, and what is written soon. The session's lock must be held.
func (p *polling) cutOff() {
	p.cutoff = time.Now().Add(shedTime)
	if p.reading != nil {
		_ = http.NewResponseController(p.reading).SetReadDeadline(time.Now()) // what it has brought is given back
	}
	if p.writing != nil {
		_ = http.NewResponseController(p.writing).SetWriteDeadline(p.cutoff)
	}
}

// readUntil sets until when the body of a POST may stand still. readNoMore must follow.
//
// Not every ResponseWriter has deadlines; the HTTP server's own timeouts hold for those that have none.
func (p *polling) readUntil(w http.ResponseWriter, deadline time.Time) {
	p.session.mu.Lock()
	defer p.session.mu.Unlock()
	p.reading = w
	_ = http.NewResponseController(w).SetReadDeadline(p.cut(deadline))
}

// writeUntil is readUntil for an answer. writeNoMore must follow.
func (p *polling) writeUntil(w http.ResponseWriter, deadline time.Time) {
	p.session.mu.Lock()
	defer p.session.mu.Unlock()
	p.writing = w
	_ = http.NewResponseController(w).SetWriteDeadline(p.cut(deadline))
}

// cut returns a deadline, or the cutoff if that is earlier. The session's lock must be held.
func (p *polling) cut(deadline time.Time) time.Time {
	if !p.cutoff.IsZero() && p.cutoff.Before(deadline) {
		return p.cutoff
	}
	return deadline
}

func (p *polling) readNoMore() {
	p.session.mu.Lock()
	defer p.session.mu.Unlock()
	p.reading = nil
}

func (p *polling) writeNoMore() {
	p.session.mu.Lock()
	defer p.session.mu.Unlock()
	p.writing = nil
}

// leave is for a transport that carries the session no longer. The session's lock must be held.
func (p *polling) leave() {
	if p.over {
		return
	}
	p.over = true
	p.session.core.uncommon.Add(-1)
	if p.lastPoll != nil {
		p.lastPoll.Stop()
	}
}
