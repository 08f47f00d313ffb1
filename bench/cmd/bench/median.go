package main

import (
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
	results := slices.DeleteFunc(slices.Clone(b.results[w.key][peer]), func(r *load.Result) bool { return r.Latency == nil })
	return median(results, of)
}

// A verdict is whether Crier keeps a promise.
type verdict struct {
	work   *work
	what   string
	got    float64
	atMost float64
	unit   string
}

func (v verdict) kept() bool { return v.got <= v.atMost }

// verdicts judges all works that promise something and were measured.
func (b *bench) verdicts() (all []verdict) {
	for i := range b.works {
		w := &b.works[i]
		crier, ok := b.of(w, "crier")
		if !ok || w.atMost == 0 {
			continue
		}
		if w.unit.absolute {
			all = append(all, verdict{w, w.title, crier, w.atMost, w.unit.name})
			continue
		}
		if npm, ok := b.of(w, reference); ok {
			all = append(all, verdict{w, w.title, crier / npm, w.atMost, "of npm's"})
		}
		ours, ok1 := b.late(w, "crier", p99)
		theirs, ok2 := b.late(w, reference, p99)
		if w.latency && ok1 && ok2 {
			all = append(all, verdict{w, w.title + ": p99 latency", ours, theirs, "ms"})
		}
	}
	return all
}
