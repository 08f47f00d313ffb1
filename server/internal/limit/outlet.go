package limit

import (
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// An Outlet lets a line into the log now and then, for what a client can bring about as often as it likes: ten lines
// at once, and one a second lasting, which is 100 kB of log in an hour. All methods may be called concurrently.
type Outlet struct {
	rate *rate.Limiter
	held atomic.Uint64
}

// NewOutlet returns an outlet.
func NewOutlet() *Outlet { return &Outlet{rate: rate.NewLimiter(rate.Every(time.Second), 10)} }

// Next says whether the next line may be written, and how many were held back since the last one that was.
func (o *Outlet) Next() (held uint64, ok bool) {
	if !o.rate.Allow() {
		o.held.Add(1)
		return 0, false
	}
	return o.held.Swap(0), true
}
