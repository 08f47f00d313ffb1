package engineio

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/internal/outbound"
)

// BenchmarkHeartExpect measures what each heartbeat of a session costs, on all processors at once: with one heart for all
// sessions, and with one for each worker.
func BenchmarkHeartExpect(b *testing.B) {
	for _, n := range []int{1, runtime.GOMAXPROCS(0)} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o := &Options{PingInterval: time.Hour, PingTimeout: time.Hour}
			hearts := newHearts(o, n, func(*Session, *outbound.Batch) {})
			var next atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				h := &hearts[int(next.Add(1))%n]
				sessions := make([]Session, 1000)
				for i := 0; pb.Next(); i++ {
					h.expect(&sessions[i%len(sessions)], ownPing+wait(i/len(sessions)%2))
				}
				for i := range sessions {
					h.expect(&sessions[i], nothing)
				}
			})
		})
	}
}

// BenchmarkRegistryFind measures how a request finds its session, on all processors at once.
func BenchmarkRegistryFind(b *testing.B) {
	addresses, err := limit.NewAddresses(limit.AddressLimits{})
	if err != nil {
		b.Fatal(err)
	}
	var r registry
	r.init(addresses, 10_000)
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = newID()
		r.add(&Session{id: ids[i]}, nil)
	}
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if r.find(ids[i%len(ids)]) == nil {
				b.Fatal("not found")
			}
		}
	})
}
