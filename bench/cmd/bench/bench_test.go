package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crier/crier/bench/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func took(each time.Duration) *load.Result {
	return &load.Result{Ops: 1000, Seconds: 1, ServerCPU: 1000 * each}
}

func timed(ack, bare time.Duration) *load.Result {
	return &load.Result{Ops: 10, Seconds: 1, Latency: &load.Latency{P50: ack}, Bare: &load.Latency{P50: bare}}
}

// measured is a bench with results for two works.
func measured(t *testing.T) *bench {
	t.Helper()
	late := func(r *load.Result, p99 time.Duration) *load.Result {
		r.Latency = &load.Latency{P50: p99 / 2, P99: p99, P999: p99}
		return r
	}
	return &bench{
		root: t.TempDir(), rounds: 3, began: time.Now(), peers: peers, works: works,
		results: map[string]map[string][]*load.Result{
			"fanout-500-4": {
				"crier":         {took(1 * time.Microsecond), took(9 * time.Microsecond), took(2 * time.Microsecond)},
				"npm":           {took(8 * time.Microsecond), took(7 * time.Microsecond), took(8 * time.Microsecond)},
				"raw":           {took(6 * time.Microsecond)},
				"zishang520-v2": {{Ops: 10, Seconds: 1, Counts: load.Counts{Missing: 4242, Swapped: 7}, Lost: 3}},
			},
			"fanout-2000-4": {"crier": {took(1 * time.Microsecond)}, "npm": {took(10 * time.Microsecond)}},
			"rate-1000": {
				"crier": {late(took(8*time.Microsecond), 12*time.Millisecond)},
				"npm":   {late(took(10*time.Microsecond), 11*time.Millisecond)},
			},
			"usual-rate-1000": {"crier": {took(9 * time.Microsecond)}}, // 9 of 8 µs
			"idle":            {"crier": {{Bytes: 7 * 1024, Seconds: 1}}},
			"disk-ack-1":      {"crier": {{Ops: 39_999, Seconds: 1}}},
			"disk-ack-2":      {"crier": {{Ops: 80_000, Seconds: 2}}},
			"disk-quiet-1":    {"crier": {timed(300*time.Microsecond, 200*time.Microsecond)}},
			"disk-quiet-2":    {"crier": {timed(300*time.Microsecond, 100*time.Microsecond)}},
		},
	}
}

func TestPromisesAreJudgedByMedians(t *testing.T) {
	want := map[string]bool{
		"fan-out, 500 clients, W=4":                                          false, // 2 of 8 µs
		"fan-out, 500 clients, W=4: beside a bare write":                     false, // 2 of 6/4 µs
		"fan-out, 2,000 clients, W=4":                                        true,
		"fan-out at 20 msg/s, 1,000 clients, usual limits":                   false,
		"one event with ack, feed on disk, GOMAXPROCS=1":                     false,
		"one event with ack, feed on disk, GOMAXPROCS=2":                     true,
		"one event with ack at 10 a second, feed on disk, p50, GOMAXPROCS=1": true,
		"one event with ack at 10 a second, feed on disk, p50, GOMAXPROCS=2": false,
		"fan-out at 20 msg/s, 1,000 clients":                                 true,
		"fan-out at 20 msg/s, 1,000 clients: p99 latency":                    false,
		"idle WebSocket, RSS per connection at 10,000":                       true,
	}
	all := measured(t).verdicts()
	for _, v := range all {
		if kept, ok := want[v.what]; !ok || v.kept() != kept {
			t.Errorf("%s: %v, at most %v: kept is %v", v.what, v.got, v.bound, v.kept())
		}
	}
	if len(all) != len(want) {
		t.Errorf("%d promises are judged, want %d", len(all), len(want))
	}
}

func TestTheReportTellsWhatMatters(t *testing.T) {
	b := measured(t)
	if err := os.MkdirAll(b.path("report"), 0o755); err != nil {
		t.Fatal(err)
	}
	b.notes = []string{"it fell\nover"}
	if err := b.report(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(b.path("report", "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| fan-out, 500 clients, W=4 | at most 0.20 of npm's | 0.25 | **missed** |",
		"| fan-out, 500 clients, W=4, µs | 2.00 (0.25) | 8.00 (1.00) |",
		"| 1000 | 6.00 / 12.0 / 12.0 | 5.50 / 11.0 / 11.0 |",
		"| zishang520-v2 | 10 | 4242 | 0 | 7 | 0 | 3 |",
		"| fan-out, 500 clients, W=4: beside a bare write | at most 1.20 of a bare write divided by 4 | 1.33 | **missed** |",
		"| one event with ack, feed on disk, GOMAXPROCS=2 | at least 40000 a second | 40000 | kept |",
		"it fell over", "(cpu-per-delivery.svg)",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if _, err := os.Stat(filepath.Join(b.path("report"), cpuChart)); err != nil {
		t.Error(err)
	}
}

func TestTheOrderOfPeersTurns(t *testing.T) {
	b := &bench{peers: peers}
	w := &work{}
	for round := range 3 {
		turn := b.turn(w, round)
		if len(turn) != len(peers) || turn[0].name != peers[round].name {
			t.Errorf("round %d begins with %s and has %d peers", round, turn[0].name, len(turn))
		}
	}
	if turn := b.turn(&work{once: true}, 1); turn != nil {
		t.Errorf("a work that is done once is done again by %d peers", len(turn))
	}
	for _, p := range b.turn(&work{polling: true}, 0) {
		if !p.polling {
			t.Errorf("%s has no long-polling, and is to do it", p.name)
		}
	}
}

func TestPartsAddUp(t *testing.T) {
	got := sum([]*load.Result{{Clients: 10, Ops: 10, Lost: 1, ServerCPU: 3, Bytes: 100}, nil,
		{Clients: 30, Ops: 30, ServerCPU: 4, Bytes: 200}})
	if got.Clients != 40 || got.Ops != 40 || got.Lost != 1 || got.ServerCPU != 7 || got.Bytes != 175 {
		t.Errorf("got %+v", got)
	}
	if sum([]*load.Result{nil}) != nil {
		t.Error("nothing adds up to something")
	}
}

func TestKeysAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range append(append([]work{}, works...), curves...) {
		if seen[w.key] || w.key == "" {
			t.Errorf("the key %q stands twice", w.key)
		}
		seen[w.key] = true
	}
}
