package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/crier/crier/bench/attack"
	"github.com/crier/crier/bench/host"
	"github.com/crier/crier/bench/load"
)

// times is how much longer the p99 of the innocent may be than when it is calm: it stays under it.
const times = 3

// A verdict is the medians of one attack, in milliseconds.
type verdict struct {
	calm, storm float64
	failed      uint64 // connections and answers that the innocent lost, in all rounds
	asked       uint64 // the median
}

func (v verdict) ratio() float64 { return v.storm / v.calm }

func (v verdict) kept() bool { return v.failed == 0 && v.ratio() < times }

func (c *campaign) judge(a attack.Attack) verdict {
	var v verdict
	var calm, storm []float64
	var asked []uint64
	for _, s := range c.seen[a.Name] {
		calm, storm, asked = append(calm, p99(s.calm)), append(storm, p99(s.storm)), append(asked, s.asked)
		v.failed += s.failed()
	}
	v.calm, v.storm, v.asked = middle(calm), middle(storm), middle(asked)
	return v
}

// p99 is in milliseconds; of nothing it is 0.
func p99(r *load.Result) float64 {
	if r == nil || r.Latency == nil {
		return 0
	}
	return r.Latency.P99.Seconds() * 1e3
}

// middle returns the median; of two middles, the greater.
func middle[N float64 | uint64](values []N) N {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// report writes attack.md and prints its table.
func (c *campaign) report() error {
	var table strings.Builder
	table.WriteString("| attack | calm, ms | under attack, ms | times | lost | asked | |\n" +
		"|---|---|---|---|---|---|---|\n")
	for _, a := range c.attacks {
		v := c.judge(a)
		mark := "kept"
		if !v.kept() {
			mark = "**missed**"
		}
		fmt.Fprintf(&table, "| %s | %.1f | %.1f | %.1f | %d | %d | %s |\n",
			a.Name, v.calm, v.storm, v.ratio(), v.failed, v.asked, mark)
	}
	fmt.Print(table.String())
	if err := os.MkdirAll(c.path("report"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(c.path("report", "attack.md"), []byte(c.head()+table.String()+c.explanation()), 0o644)
}

func (c *campaign) head() string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	version := host.Says(ctx, c.root, "git", "describe", "--tags", "--always", "--dirty")
	return fmt.Sprintf(`# Crier under attack

%s. %s.
Crier %s; %s. Rounds: %d; other processes used %.0f %% of the machine meanwhile.

What innocent clients notice while one address does its worst: the p99 of their acknowledged messages stays under %d
times its calm value.

`, c.began.UTC().Format("2 January 2006"), c.machine, version, runtime.Version(), c.rounds, 100*c.others, times)
}

func (c *campaign) explanation() string {
	var md strings.Builder
	fmt.Fprintf(&md, `
- Medians of the rounds. Lost are the innocent's connections and answers in all rounds: there may be none. Asked is
  how often the attacker sent something.
- The server has core %d and its default settings, with the feed on the disk; the attacker and the innocent have core
  %d, on which the innocent go first. Each attack meets a fresh server.
- %d innocent clients with an address each say %d messages a second together. A message is late from the moment for
  which it was intended.

`, serverCore, otherCore, innocents, messages)
	for _, a := range c.attacks {
		fmt.Fprintf(&md, "- **%s**: %s\n", a.Name, a.What)
	}
	return md.String()
}
