package limit

import "time"

// A Verdict is what a Meter says.
type Verdict uint8

// Verdicts, in the order in which a client that does not slow down meets them.
const (
	Fine Verdict = iota
	Warn         // the allowance is used up: to be told once
	Over         // it went on, and the debt is too large
)

// A Rate is how much may be spent in a second, lasting. Twice as much, or Least if that is more, may be spent at
// once. Then there is a warning, and one more second's worth may be owed before it is over.
type Rate struct {
	PerSecond int
	Least     int // what must be possible at once however small the rate is: one message of the largest size
}

func (r Rate) burst() int { return max(2*r.PerSecond, r.Least) }

// A Meter measures what one client spends: a token bucket that may go into debt. The zero Meter is full. It is used by
// one goroutine at a time.
//
// It looks at the clock only when the bucket is empty, so most calls are one subtraction; a client that was quiet may
// for that spend a burst and what was left of the one before.
type Meter struct {
	spent  int           // of the burst; beyond it, the debt
	since  time.Duration // when it was last filled, since the process began; 0: not yet
	warned bool
}

// began is what Meters count their time from: a Duration takes a third of the room of a Time.
var began = time.Now()

// Spend takes n out of the bucket.
func (m *Meter) Spend(n int, r Rate) Verdict {
	if m.since == 0 {
		m.since = time.Since(began)
	}
	m.spent += n
	if m.spent <= r.burst() {
		return Fine
	}
	m.refill(r)
	switch debt := m.spent - r.burst(); {
	case debt <= 0:
		return Fine
	case debt > max(r.PerSecond, r.Least):
		return Over
	case m.warned:
		return Fine
	}
	m.warned = true
	return Warn
}

// refill puts in what the time since the last call has brought. If that is half a bucket, the client has slowed down:
// it will be warned anew.
func (m *Meter) refill(r Rate) {
	now := time.Since(began)
	back := (now - m.since).Seconds() * float64(r.PerSecond)
	if back < 1 {
		return // and the time counts on
	}
	m.warned = m.warned && 2*back < float64(r.burst())
	if back >= float64(m.spent) {
		m.spent, m.since = 0, now
		return
	}
	whole := int(back)
	m.spent -= whole
	m.since += time.Duration(float64(whole) / float64(r.PerSecond) * float64(time.Second))
}
