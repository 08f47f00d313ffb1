package server

import (
	"runtime/debug"
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
