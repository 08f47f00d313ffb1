package server

import "testing"

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
