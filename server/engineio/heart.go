package engineio

import (
	"sync"
	"time"

	"github.com/crier/crier/server/internal/outbound"
)

// A heart beats for the sessions of one worker of the flusher, with one timer.
//
// Since a wait lasts the same for every session, whoever begins one last is due last: a wait is a queue, to begin one
// is to step to its end, and only the heads have to be looked at. Against a time.Timer in each session this takes 135
// bytes less of a session, and of 50,000 idle ones a fifth less processor time: a heap of timers is rearranged at
// every ping and pong, and each that fires starts a goroutine.
//
// Its lock comes after that of a session.
type heart struct {
	opts  *Options
	began time.Time                       // what due and fires count from
	due   func(*Session, *outbound.Batch) // what is done for a session whose wait is over
	_     [64]byte                        // keeps two hearts apart: their locks are taken on different processors

	mu sync.Mutex // guards the following, and Session.beats

	queues  [waits]beatQueue
	waiting int           // sessions in all queues
	timer   *time.Timer   // nil before the first session
	fires   time.Duration // when the timer does; 0 if it is not set
	beating bool          // it has fired, and is seen to
}

func newHearts(o *Options, n int, due func(*Session, *outbound.Batch)) []heart {
	hearts := make([]heart, n)
	for i := range hearts {
		hearts[i].opts, hearts[i].began, hearts[i].due = o, time.Now(), due
	}
	return hearts
}

// A beatQueue links the sessions of one wait, those that are due first in front.
type beatQueue struct{ head, tail *Session }

// A beats is a session's place in a heart.
type beats struct {
	in         wait
	late       bool // the last wait was over for long when the heart looked
	due        time.Duration
	prev, next *Session
}

// early is the part of PingInterval by which a ping may come before its time: so many sessions are pinged at one go,
// and the timer fires 128 times in an interval at most. Timeouts are never early.
const early = 128

// expect makes the session wait for something, and for nothing else. Its lock must be held.
func (h *heart) expect(s *Session, w wait) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leave(s)
	if w == nothing {
		return
	}
	s.beats.in, s.beats.due = w, time.Since(h.began)+h.opts.lasting(w)
	h.waiting++
	q := &h.queues[w]
	if q.tail == nil {
		q.head, q.tail = s, s
		h.set()
		return
	}
	q.tail.beats.next, s.beats.prev = s, q.tail
	q.tail = s
}

// isAwaiting says whether the session waits for something.
func (h *heart) isAwaiting(s *Session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return s.beats.in != nothing
}

// isLate reports whether the heart saw late that the session's last wait was over: the process had stood still, and
// what the client has sent meanwhile may not have been read.
func (h *heart) isLate(s *Session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return s.beats.late
}

// leave takes a session out of its queue. h.mu must be held.
func (h *heart) leave(s *Session) {
	b := &s.beats
	if b.in == nothing {
		return
	}
	q := &h.queues[b.in]
	if b.prev == nil {
		q.head = b.next
	} else {
		b.prev.beats.next = b.next
	}
	if b.next == nil {
		q.tail = b.prev
	} else {
		b.next.beats.prev = b.prev
	}
	*b = beats{late: b.late}
	if h.waiting--; h.waiting == 0 && h.timer != nil {
		h.timer.Stop() // a server that nobody uses any more can be collected
		h.fires = 0
	}
}

// set sets the timer for the session that is due first. h.mu must be held.
func (h *heart) set() {
	var first time.Duration // never 0: no wait is over when it begins
	for i := range h.queues {
		if s := h.queues[i].head; s != nil && (first == 0 || s.beats.due < first) {
			first = s.beats.due
		}
	}
	if h.beating || first == 0 || h.fires != 0 && h.fires <= first {
		return
	}
	h.fires = first
	if h.timer == nil {
		h.timer = time.AfterFunc(first-time.Since(h.began), h.beat)
		return
	}
	h.timer.Reset(first - time.Since(h.began))
}

// beat sees to all sessions that are due. It runs when the timer fires.
func (h *heart) beat() {
	h.mu.Lock()
	if h.beating { // the timer was set anew just when it fired
		h.mu.Unlock()
		return
	}
	h.beating = true
	h.mu.Unlock()

	var pings outbound.Batch
	var due [64]*Session
	for n := len(due); n == len(due); pings.Flush() {
		n = h.take(due[:])
		for _, s := range due[:n] {
			h.due(s, &pings)
		}
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	h.beating, h.fires = false, 0
	h.set()
}

// take fills due with sessions whose wait is over, and returns how many there are. They wait for nothing then.
func (h *heart) take(due []*Session) (n int) {
	now := time.Since(h.began)
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.queues {
		over := now
		if wait(w) == ownPing {
			over = now + h.opts.PingInterval/early
		}
		for s := h.queues[w].head; s != nil && n < len(due) && s.beats.due <= over; s = h.queues[w].head {
			s.beats.late = now-s.beats.due > h.opts.PingTimeout/64
			h.leave(s)
			due[n] = s
			n++
		}
	}
	return n
}

// The waits of a session. Each lasts the same for all sessions of a server.
type wait uint8

const (
	nothing        wait = iota
	ownPing             // until the client is to be pinged
	clientPong          // for the answer
	clientPing          // EIO 3: until the client's ping is late
	lateClientPing      // and until the client is given up
	standstill          // until it is looked again whether Handler.Message has returned
	unread              // until what came while the process stood still is read
	waits
)

func (o *Options) lasting(w wait) time.Duration {
	half := o.PingTimeout / 2
	return [waits]time.Duration{
		0, o.PingInterval, o.PingTimeout, o.PingInterval + half, o.PingTimeout - half, half, o.PingTimeout / 16,
	}[w]
}
