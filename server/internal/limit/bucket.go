package limit

import "time"

// A Bucket is a token bucket that tells how long to wait. It has no timer: the caller waits. A Bucket is full when it
// is made; it is used by one goroutine at a time.
//
// It holds one instant in place of a number of tokens: the one at which it will be full again (the generic cell rate
// algorithm of ATM, ITU-T I.371). Times must carry Go's monotonic clock, as those of time.Now do.
type Bucket struct {
	PerSecond int64 // the sustained allowance; 0 means that there is no limit
	Burst     int64 // what can be taken at once from a full bucket; less than 1 counts as 1

	full time.Time
}

// longestDebt bounds what one Take can cost.
const longestDebt = 24 * time.Hour

// Take takes n out of the bucket and returns how long the caller must wait before it does what it has taken for; 0
// means not at all. What is more than Burst waits for a full bucket and leaves a debt, so that the largest message is
// taken once, and what comes next pays for it.
func (b *Bucket) Take(n int, now time.Time) (wait time.Duration) {
	if b.PerSecond <= 0 {
		return 0
	}
	wait = b.due(n, now)
	b.take(n, now)
	return wait
}

// Allow takes n out of the bucket if there is nothing to wait for, and reports whether it did.
func (b *Bucket) Allow(n int, now time.Time) bool {
	if b.PerSecond <= 0 {
		return true
	}
	if b.due(n, now) > 0 {
		return false
	}
	b.take(n, now)
	return true
}

// due returns how long it takes until the bucket holds n, or is full.
func (b *Bucket) due(n int, now time.Time) time.Duration {
	burst := max(b.Burst, 1)
	missing := max(b.full.Sub(now), 0)
	return max(missing+b.cost(min(int64(n), burst))-b.cost(burst), 0)
}

func (b *Bucket) take(n int, now time.Time) {
	if b.full.Before(now) {
		b.full = now
	}
	b.full = b.full.Add(b.cost(int64(n)))
}

// cost is the time in which n flows into the bucket.
func (b *Bucket) cost(n int64) time.Duration {
	nanos := float64(n) / float64(b.PerSecond) * float64(time.Second)
	return time.Duration(min(nanos, float64(longestDebt)))
}
