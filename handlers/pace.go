package handlers

import "time"

// A pace is how much a speaker may spend a second, lasting, and at once. A negative rate is none.
type pace struct{ perSecond, burst int }

// A bucket is what one speaker has spent of a pace: the instant at which it will be full again (the generic cell rate algorithm of
// ATM, ITU-T I.371). The zero bucket is full. It is used by one goroutine at a time.
type bucket struct{ full time.Time }

// take spends n, and returns how long to wait before doing what it was spent for. What is more than the burst waits for a full bucket
// and leaves a debt.
func (b *bucket) take(n int, p pace, now time.Time) (wait time.Duration) {
	if p.perSecond <= 0 {
		return 0
	}
	if b.full.Before(now) {
		b.full = now
	}
	wait = b.full.Sub(now) + p.cost(min(n, p.burst)) - p.cost(p.burst)
	b.full = b.full.Add(p.cost(n))
	return max(wait, 0)
}

// cost is the time in which n may be spent.
func (p pace) cost(n int) time.Duration {
	return time.Duration(float64(n) / float64(p.perSecond) * float64(time.Second))
}

// pause waits, unless the client leaves: what it asked for before was read already, so that is bounded.
func pause(wait time.Duration, at listener) {
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-at.Done():
	}
}

// slow has a speaker that says too much wait.
func (c Call) slow(size int) {
	now := time.Now()
	wait := max(c.by.messages.take(1, c.core.messages, now), c.by.bytes.take(size, c.core.bytes, now))
	pause(wait, c.at)
}

// afford has a client wait for its next large answer until it has taken the last one, and paid for it. One that has left does not
// wait: what it asked for before is done, and that was read already, so it is bounded.
func (c Call) afford() {
	sp := c.by
	if sp.owes {
		_ = c.at.Flushed(noLimit)
		sp.owes = false
	}
	burst := int64(c.core.answers.burst)
	n := sp.unpaid + int(min(sp.toldBytes.Swap(0), burst)) // a catch-up has limits of its own
	sp.unpaid = 0
	pause(sp.answers.take(n, c.core.answers, time.Now()), c.at)
}

// charge counts an answer of so many bytes.
func (c Call) charge(size int) {
	c.by.unpaid += size
	c.by.owes = true
}
