package feed_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/disk"
	"github.com/crier/crier/server/feed/internal/feedtest"
)

// BenchmarkWaiters has 100 goroutines that append and wait for each answer, as clients do, on the disk. Run it on one
// core (taskset -c 0) with -cpu 1,2: what waits for the disk must not hold up the rest when there is one processor.
func BenchmarkWaiters(b *testing.B) {
	l := feedtest.NewLog(b, openDisk(b, b.TempDir(), disk.Options{}), feed.Options{})
	roundTrips(b, l, 100, int64(b.N))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "acked/s")
}

// roundTrips has so many goroutines append, one entry after the other.
func roundTrips(t testing.TB, l *feed.Log, waiters int, entries int64) {
	e := feedtest.Said(strings.Repeat("x", 126))
	var given atomic.Int64
	var all sync.WaitGroup
	for range waiters {
		all.Go(func() {
			told := make(chan error, 1)
			done := func(_ feed.Result, err error) { told <- err }
			for given.Add(1) <= entries {
				if err := l.Append("", e, done); err != nil {
					t.Error(err)
					return
				}
				if err := <-told; err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}
