package main

import (
	"fmt"
	"slices"

	"github.com/crier/crier/bench/load"
)

// median returns the middle of what of makes of results; of two middles, their mean. Not ok means that there are none.
func median(results []*load.Result, of func(*load.Result) float64) (value float64, ok bool) {
	if len(results) == 0 {
		return 0, false
	}
	values := make([]float64, len(results))
	for i, r := range results {
		values[i] = of(r)
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle], true
	}
	return (values[middle-1] + values[middle]) / 2, true
}

// of returns a peer's median at a work.
func (b *bench) of(w *work, peer string) (float64, bool) {
	return median(b.results[w.key][peer], w.unit.of)
}

// The percentiles that are reported, in milliseconds.
var percentiles = []struct {
	name string
	of   func(*load.Result) float64
}{
	{"p50", func(r *load.Result) float64 { return r.Latency.P50.Seconds() * 1e3 }},
	{"p99", p99},
	{"p99.9", func(r *load.Result) float64 { return r.Latency.P999.Seconds() * 1e3 }},
}

func p99(r *load.Result) float64 { return r.Latency.P99.Seconds() * 1e3 }

// late returns a peer's median of a percentile.
func (b *bench) late(w *work, peer string, of func(*load.Result) float64) (float64, bool) {
	results := slices.DeleteFunc(slices.Clone(b.results[w.key][peer]),
		func(r *load.Result) bool { return r.Latency == nil })
	return median(results, of)
}

// A verdict is whether Crier keeps a promise.
type verdict struct {
	what  string
	got   float64
	bound float64
	unit  string
	least bool // the bound is the least that may be got, not the most
}

func (v verdict) kept() bool {
	if v.least {
		return v.got >= v.bound
	}
	return v.got <= v.bound
}

// promise says what was promised.
func (v verdict) promise() string {
	if v.least {
		return fmt.Sprintf("at least %s %s", number(v.bound), v.unit)
	}
	return fmt.Sprintf("at most %s %s", number(v.bound), v.unit)
}

// besides is what Crier may need at most of what it needs in the work that one is compared with.
const besides = 1.05

// verdicts judges all works that promise something and were measured.
func (b *bench) verdicts() (all []verdict) {
	for i := range b.works {
		w := &b.works[i]
		crier, ok := b.of(w, "crier")
		if !ok {
			continue
		}
		switch {
		case w.atLeast > 0:
			all = append(all, verdict{what: w.title, got: crier, bound: w.atLeast, unit: w.unit.name, least: true})
		case w.atMost > 0 && w.unit.absolute:
			all = append(all, verdict{what: w.title, got: crier, bound: w.atMost, unit: w.unit.name})
		}
		all = append(all, b.comparisons(w, crier)...)
	}
	return all
}

// comparisons judges what Crier promises beside others, or beside itself in another work.
func (b *bench) comparisons(w *work, crier float64) (all []verdict) {
	if npm, ok := b.of(w, reference); ok && w.atMost > 0 && !w.unit.absolute {
		all = append(all, verdict{what: w.title, got: crier / npm, bound: w.atMost, unit: "of npm's"})
	}
	if raw, ok := b.of(w, "raw"); ok && w.bare > 0 {
		share := raw / float64(w.options.InFlight)
		unit := fmt.Sprintf("of a bare write divided by %d", w.options.InFlight)
		all = append(all, verdict{what: w.title + ": beside a bare write", got: crier / share, bound: w.bare, unit: unit})
	}
	ours, ok1 := b.late(w, "crier", p99)
	theirs, ok2 := b.late(w, reference, p99)
	if w.latency && ok1 && ok2 {
		all = append(all, verdict{what: w.title + ": p99 latency", got: ours, bound: theirs, unit: "ms"})
	}
	if other, ok := median(b.results[w.beside]["crier"], w.unit.of); ok && w.beside != "" {
		all = append(all, verdict{what: w.title, got: crier / other, bound: besides, unit: "of the cost without them"})
	}
	return all
}
