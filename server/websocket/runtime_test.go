package websocket

import (
	"sync"
	"testing"
)

// useStack calls itself so often, and then needs more stack than a new goroutine has.
//
//go:noinline
func useStack(calls int) byte {
	var some [64]byte
	some[calls%len(some)] = 1
	if calls == 0 {
		return deepen(0)
	}
	return useStack(calls-1) + some[0]
}

// BenchmarkDeepen measures new goroutines that need 4 KiB of stack with a dozen calls on it, and have it made early
// or not.
func BenchmarkDeepen(b *testing.B) {
	for name, early := range map[string]bool{"early": true, "late": false} {
		b.Run(name, func(b *testing.B) {
			var done sync.WaitGroup
			for b.Loop() {
				done.Go(func() {
					if early {
						deepen(0)
					}
					useStack(12)
				})
				done.Wait()
			}
		})
	}
}
