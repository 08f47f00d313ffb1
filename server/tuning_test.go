package server

import (
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
)

func TestMemoryIsGivenBackOnceAfterEachWaveOfClients(t *testing.T) {
	var w wave
	for i, step := range []struct {
		clients int
		over    bool
	}{
		{0, false}, {300, false}, {300, false}, // too few to matter
		{4000, false}, {10000, false}, {10050, true}, {10060, false}, // they came, and it is calm
		{11000, false}, {11000, false}, // a tenth more is no wave
		{6000, false}, {100, false}, {100, true}, {100, false}, // they went
		{0, false}, {0, false},
	} {
		if over := w.over(step.clients); over != step.over {
			t.Errorf("step %d, %d clients: over is %v", i, step.clients, over)
		}
	}
}

func TestASmallHeapMayGrowByMore(t *testing.T) {
	for live, percent := range map[uint64]int{
		0: 400, 1: 400, 4 << 20: 400, 8 << 20: 300, 12 << 20: 150, 15 << 20: 100, 16 << 20: 100, 1 << 30: 100, 1 << 63: 100,
	} {
		if g := growthOf(live); g != percent {
			t.Errorf("%d bytes: %d %%, want %d", live, g, percent)
		}
	}
}

// More growth than that would be memory for nothing, and a negative one would end collections for good.
func TestASmallHeapStaysSmall(t *testing.T) {
	for live := uint64(0); live < smallHeap; live += 64 << 10 {
		g := growthOf(live)
		if g < usualGrowth || g > fastGrowth {
			t.Fatalf("%d bytes: %d %%", live, g)
		}
		if peak := live + live*uint64(g)/100; peak > max(smallHeap, 2*live) {
			t.Fatalf("%d bytes may become %d", live, peak)
		}
	}
}

// A collection for each few handshakes is what the growth of a small heap spares.
func TestASmallHeapThatMayGrowIsCollectedLessOften(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(usualGrowth))
	held := make([][]byte, 0, 8)
	for range 8 {
		held = append(held, make([]byte, 1<<20))
	}
	usual := collections(usualGrowth)
	fast := collections(growthOf(uint64(len(held)) << 20))
	if runtime.KeepAlive(held); 2*fast > usual {
		t.Errorf("%d collections for what is usually %d", fast, usual)
	}
}

// garbage is where collections allocates to, so that it is not spared.
var garbage []byte

// collections returns how many there are while the garbage of 10,000 handshakes is made.
func collections(percent int) uint32 {
	debug.SetGCPercent(percent)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10_000 {
		garbage = make([]byte, 15<<10)
	}
	runtime.ReadMemStats(&after)
	return after.NumGC - before.NumGC
}

// callDeep calls itself so often, and then needs more stack than a goroutine of net/http has by then.
//
//go:noinline
func callDeep(calls int) byte {
	var some [64]byte
	some[calls%len(some)] = 1
	if calls == 0 {
		return deepen(0)
	}
	return callDeep(calls-1) + some[0]
}

// BenchmarkDeepStack measures new goroutines that need 8 KiB of stack with twenty calls on it, and have it made early
// or not.
func BenchmarkDeepStack(b *testing.B) {
	for name, early := range map[string]bool{"early": true, "late": false} {
		b.Run(name, func(b *testing.B) {
			var done sync.WaitGroup
			for b.Loop() {
				done.Go(func() {
					if early {
						deepen(0)
					}
					callDeep(20)
				})
				done.Wait()
			}
		})
	}
}

func TestASettingOfGoIsObeyed(t *testing.T) {
	t.Setenv("GOGC", "200")
	g := newGrowth()
	if g != nil {
		t.Fatal("the heap's growth would be set although GOGC is")
	}
	g.adjust()
	g.reset()
}

func TestTheGrowthIsSetAndTakenBack(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(150)
	defer debug.SetGCPercent(before)
	g := newGrowth()
	g.adjust()
	if percent := debug.SetGCPercent(g.percent); percent != g.percent {
		t.Errorf("the runtime's is %d %%, %d was set", percent, g.percent)
	}
	if g.reset(); debug.SetGCPercent(150) != 150 {
		t.Error("what was set before has not come back")
	}
}
