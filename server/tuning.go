package server

import (
	"context"
	"net/http"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// What the house does for the sake of Go's runtime, and would be left out if it managed as well by itself. Each part
// has a benchmark or a test beside it that shows what it is worth.

// deepStack gives the goroutine of a connection the 8 KiB of stack that our handlers need before it calls them. Left to
// itself the runtime moves the stack some twenty calls further in, and adjusts each of them: see BenchmarkDeepStack.
func deepStack(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		deepen(0)
		next.ServeHTTP(w, r)
	})
}

//go:noinline
func deepen(i int) byte {
	var room [4 << 10]byte
	return room[i]
}

const memoryEvery = time.Second // how often the use of memory is looked at

// mindMemory adjusts to the number of clients how memory is used; it ends with ctx.
func (s *Server) mindMemory(ctx context.Context) {
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	g := newGrowth()
	defer g.reset()
	w := wave{}
	for {
		g.adjust()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if w.over(s.io.Sessions() + s.plain.plain.Len()) {
				debug.FreeOSMemory()
			}
		}
	}
}

// How often a small heap is collected.
const (
	smallHeap    = 32 << 20 // bytes up to which a heap may grow, if fastGrowth allows, without being collected
	usualGrowth  = 100      // percent, Go's default
	fastGrowth   = 400      // percent; by then collections are a hundredth of a handshake's cost
	growthSteps  = 50       // percent; setting it anew stops all goroutines for a moment
	liveHeapName = "/gc/heap/live:bytes"
)

// A growth sets by how much the heap may grow before the next collection: by as much as is in use, which is Go's
// default, and by more while it is small. A handshake leaves 15 KiB of garbage, most of it buffers that net/http does
// not use again after an upgrade; with a few dozen clients Go collects after every 250 of them, which is 6 % of what
// they cost. A GOGC in the environment is obeyed.
type growth struct {
	percent, before int
	live            []metrics.Sample
}

func newGrowth() *growth {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	g := &growth{percent: usualGrowth, live: []metrics.Sample{{Name: liveHeapName}}}
	g.before = debug.SetGCPercent(g.percent)
	return g
}

func (g *growth) adjust() {
	if g == nil {
		return
	}
	metrics.Read(g.live)
	if percent := growthOf(g.live[0].Value.Uint64()); percent != g.percent {
		g.percent = percent
		debug.SetGCPercent(percent)
	}
}

func (g *growth) reset() {
	if g != nil {
		debug.SetGCPercent(g.before)
	}
}

// growthOf returns the percentage for a heap of which so many bytes were in use after the last collection.
func growthOf(live uint64) int {
	if live >= smallHeap/2 {
		return usualGrowth
	}
	percent := min((smallHeap-live)*100/max(live, 1), fastGrowth) // within 64 bits, and then within any int
	return int(percent) / growthSteps * growthSteps
}

// releaseFrom is how many clients more or fewer there must be since memory was given back; below, there is too little
// to gain.
const releaseFrom = 500

// A wave watches the number of clients. When many have come or gone and it is calm again, memory is given back to the
// machine.
//
// Go keeps what the handshakes of a wave used, half as much again as the clients themselves need: 2.4 KiB for each of
// 10,000 that came in one go. It would give it back over minutes, if more were allocated meanwhile; idle clients
// allocate nothing.
type wave struct {
	last     int // seen the last time
	released int // when memory was given back
}

// over says whether the number has changed by a quarter since the last time it said so, and is steady now.
func (w *wave) over(clients int) bool {
	steady := distance(clients, w.last) <= clients/100
	w.last = clients
	if changed := distance(clients, w.released); !steady || changed < releaseFrom || changed < w.released/4 {
		return false
	}
	w.released = clients
	return true
}

func distance(a, b int) int { return max(a-b, b-a) }
