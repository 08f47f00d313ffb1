package handlers

import "time"

// A pace is how much a speaker may spend a second, lasting, and at once. A negative rate is none.
type pace struct{ perSecond, burst int }

// paces are those of each speaker.
type paces struct{ messages, bytes, answers pace }

func (o Options) paces() *paces {
	return &paces{
		messages: pace{o.MaxMessageRate, o.MessageBurst},
		bytes:    pace{o.MaxMessageByteRate, o.MessageByteBurst},
		answers:  pace{o.MaxReadRate, o.ReadBurst},
	}
}

// Pace puts the rates and bursts of o in force, and nothing else of it. What speakers have spent counts on.
func (c *Core) Pace(o Options) { c.paces.Store(o.withDefaults().paces()) }

// A bucket is what one speaker has spent of a pace. The zero bucket is full. It is used by one goroutine at a time.
//
// It looks at the clock only when more than a burst was spent since it did so last, so most calls are one addition; a
// speaker that was quiet may for that spend a burst and what was left of the one before.
type bucket struct {
	spent float64 // since then, and what was owed then
	since time.Time
}

// take spends n, and returns how long to wait before doing what it was spent for.
func (b *bucket) take(n int, p pace) (wait time.Duration) {
	switch {
	case p.perSecond <= 0:
		return 0
	case b.since.IsZero():
		b.since = time.Now()
	}
	if b.spent+float64(n) > float64(p.burst) {
		now := time.Now()
		b.spent = max(0, b.spent-now.Sub(b.since).Seconds()*float64(p.perSecond))
		b.since = now
	}
	b.spent += float64(n)
	debt := b.spent - float64(p.burst)
	return max(0, time.Duration(debt/float64(p.perSecond)*float64(time.Second)))
}

// takeLarge is take for what may be more than a burst: it waits for what was spent before alone, and what follows waits
// for it.
func (b *bucket) takeLarge(n int, p pace) (wait time.Duration) {
	wait = b.take(min(n, p.burst), p)
	b.spent += float64(max(0, n-p.burst))
	return wait
}

// spending is what a speaker has spent of each pace.
type spending struct{ messages, bytes, answers bucket }

// spent returns the speaker's buckets.
func (sp *speaker) spent() *spending {
	if sp.spending == nil {
		sp.spending = new(spending)
	}
	return sp.spending
}

// pause waits, unless the client leaves: what it asked for before was read already, so that is bounded. If waited is
// set, it is told for how long.
func pause(wait time.Duration, at listener, waited func(time.Duration)) {
	if wait <= 0 {
		return
	}
	if waited != nil {
		began := time.Now()
		defer func() { waited(time.Since(began)) }()
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
	b, p := c.by.spent(), c.core.paces.Load()
	pause(max(b.messages.take(1, p.messages), b.bytes.takeLarge(size, p.bytes)), c.at, c.core.opts.SpeakerWaited)
}

// afford has a client wait for its next large answer until it has taken the last one, and paid for it. One that has
// left does not wait: what it asked for before is done, and that was read already, so it is bounded.
func (c Call) afford() {
	sp := c.by
	if sp.owes {
		_ = c.at.Flushed(noLimit)
		sp.owes = false
	}
	answers := c.core.paces.Load().answers
	burst := int64(answers.burst)
	n := sp.unpaid + int(min(sp.toldBytes.Swap(0), burst)) // a catch-up has limits of its own
	sp.unpaid = 0
	if n > 0 {
		pause(sp.spent().answers.take(n, answers), c.at, c.core.opts.ReaderWaited)
	}
}

// charge counts an answer of so many bytes.
func (c Call) charge(size int) {
	c.by.unpaid += size
	c.by.owes = true
}
