package limit

import (
	"sync/atomic"
	"time"
)

// Waits count how often somebody had to wait for its turn, and for how long in all. All methods may be called
// concurrently.
type Waits struct {
	count atomic.Uint64
	nanos atomic.Int64
}

// Add counts one wait. One of no length is none.
func (w *Waits) Add(d time.Duration) {
	if d > 0 {
		w.count.Add(1)
		w.nanos.Add(int64(d))
	}
}

// Sum returns how many waits there were, and how long they took in all.
func (w *Waits) Sum() (count uint64, all time.Duration) {
	return w.count.Load(), time.Duration(w.nanos.Load())
}
