package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/crier/crier/bench/chart"
	"github.com/crier/crier/bench/host"
	"github.com/crier/crier/bench/load"
)

// report writes report.md and the charts.
func (b *bench) report() error {
	var md strings.Builder
	for _, part := range []func(*strings.Builder){
		b.head, b.promises, b.table, b.latencies, b.faults, b.generator, b.charts, b.method, b.trouble,
	} {
		part(&md)
	}
	if err := os.WriteFile(b.path("report", "report.md"), []byte(md.String()), 0o644); err != nil {
		return err
	}
	for name, c := range b.drawings() {
		if err := os.WriteFile(b.path("report", name), c.SVG(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) head(md *strings.Builder) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Fprintf(md, "# Crier and its peers\n\n%s. %s.\n\n", b.began.UTC().Format("2 January 2006"), b.machine)
	fmt.Fprintf(md, "Command: `%s`; rounds: %d; time: %s.\n", b.commandLine(), b.rounds,
		time.Since(b.began).Round(time.Second))
	fmt.Fprintf(md, "Versions: Crier %s; %s; Node %s.\n\n", host.Says(ctx, b.root, "git", "describe", "--tags",
		"--always", "--dirty"), runtime.Version(), host.Says(ctx, b.root, "node", "--version"))
	fmt.Fprintf(md, "Other processes used %.0f %% of the machine meanwhile; above a few per cent the figures are "+
		"noisy.\n\n", 100*b.others)
	if b.quick {
		md.WriteString("This was a quick run: one round, and too short for Node's compiler to be warm, which flatters all " +
			"others. Judge by a full one.\n\n")
	}
	for _, p := range b.peers {
		fmt.Fprintf(md, "- **%s**: %s\n", p.name, p.what)
	}
	md.WriteString("\n")
}

// commandLine is what to type to repeat this.
func (b *bench) commandLine() string {
	line := "make bench"
	if b.quick {
		line += " QUICK=1"
	}
	var flags []string
	flag.Visit(func(f *flag.Flag) {
		if f.Name != "quick" && f.Name != "root" {
			flags = append(flags, "-"+f.Name+" "+f.Value.String())
		}
	})
	if flags != nil {
		line += fmt.Sprintf(" FLAGS=%q", strings.Join(flags, " "))
	}
	return line
}

func (b *bench) promises(md *strings.Builder) {
	md.WriteString("## What Crier promises\n\n| work | promise | measured | |\n|---|---|---|---|\n")
	for _, v := range b.verdicts() {
		mark := "kept"
		if !v.kept() {
			mark = "**missed**"
		}
		fmt.Fprintf(md, "| %s | %s | %s | %s |\n", v.what, v.promise(), number(v.got), mark)
	}
	md.WriteString("\n")
}

// table is the medians, each with its ratio to the reference.
func (b *bench) table(md *strings.Builder) {
	md.WriteString("## Medians\n\nProcessor time of the server (user + system) for one delivery, handshake or event, " +
		"unless the work says otherwise; in brackets " +
		"the ratio to " + reference + ".\n\n| work |")
	for _, p := range b.peers {
		md.WriteString(" " + p.name + " |")
	}
	md.WriteString("\n|---|" + strings.Repeat("---|", len(b.peers)) + "\n")
	for i := range b.works {
		if w := &b.works[i]; len(b.results[w.key]) > 0 {
			fmt.Fprintf(md, "| %s, %s |", w.title, w.unit.name)
			for _, p := range b.peers {
				md.WriteString(" " + b.cell(w, p.name) + " |")
			}
			md.WriteString("\n")
		}
	}
	md.WriteString("\n")
}

func (b *bench) cell(w *work, peer string) string {
	value, ok := b.of(w, peer)
	if !ok {
		return "-"
	}
	base, ok := b.of(w, reference)
	if !ok || base == 0 {
		return number(value)
	}
	return fmt.Sprintf("%s (%s)", number(value), number(value/base))
}

func (b *bench) latencies(md *strings.Builder) {
	md.WriteString("## Latency at 20 messages a second\n\nFrom the moment for which each message was intended until a " +
		"client has it, all clients; ms, p50 / p99 / p99.9.\n\n| clients |")
	for _, p := range b.peers {
		md.WriteString(" " + p.name + " |")
	}
	md.WriteString("\n|---|" + strings.Repeat("---|", len(b.peers)) + "\n")
	for _, w := range b.series(load.Rate) {
		fmt.Fprintf(md, "| %d |", w.options.Clients)
		for _, p := range b.peers {
			md.WriteString(" " + b.lateCell(w, p.name) + " |")
		}
		md.WriteString("\n")
	}
	md.WriteString("\n")
}

func (b *bench) lateCell(w *work, peer string) string {
	var words []string
	for _, p := range percentiles {
		if value, ok := b.late(w, peer, p.of); ok {
			words = append(words, number(value))
		}
	}
	if words == nil {
		return "-"
	}
	return strings.Join(words, " / ")
}

// faults is what was lost or muddled, in all runs of a peer.
func (b *bench) faults(md *strings.Builder) {
	md.WriteString("## What arrived\n\nEach message is numbered, and each client counts. Over all runs:\n\n" +
		"| peer | counted | missing | doubled | swapped | damaged | connections lost |\n|---|---|---|---|---|---|---|\n")
	for _, p := range b.peers {
		var c load.Counts
		var ops uint64
		lost := 0
		for _, byPeer := range b.results {
			for _, r := range byPeer[p.name] {
				ops += r.Ops
				lost += r.Lost
				c.Missing, c.Doubled = c.Missing+r.Missing, c.Doubled+r.Doubled
				c.Swapped, c.Damaged = c.Swapped+r.Swapped, c.Damaged+r.Damaged
			}
		}
		fmt.Fprintf(md, "| %s | %d | %d | %d | %d | %d | %d |\n", p.name, ops, c.Missing, c.Doubled, c.Swapped, c.Damaged,
			lost)
	}
	md.WriteString("\n")
}

// generator is how much of its core the generator used: near 100 % it may have been what limited the speed.
func (b *bench) generator(md *strings.Builder) {
	md.WriteString("## The generator's own share of its core, %\n\n| work |")
	for _, p := range b.peers {
		md.WriteString(" " + p.name + " |")
	}
	md.WriteString("\n|---|" + strings.Repeat("---|", len(b.peers)) + "\n")
	share := func(r *load.Result) float64 { return 100 * r.LoadCPU.Seconds() / r.Seconds }
	for i := range b.works {
		w := &b.works[i]
		if len(b.results[w.key]) == 0 {
			continue
		}
		fmt.Fprintf(md, "| %s |", w.title)
		for _, p := range b.peers {
			if value, ok := median(b.results[w.key][p.name], share); ok {
				fmt.Fprintf(md, " %.0f |", value)
			} else {
				md.WriteString(" - |")
			}
		}
		md.WriteString("\n")
	}
	md.WriteString("\n")
}

func (b *bench) charts(md *strings.Builder) {
	md.WriteString("## Charts\n\n")
	for _, name := range []string{cpuChart, p50Chart, p99Chart} {
		if c, ok := b.drawings()[name]; ok {
			fmt.Fprintf(md, "![%s](%s)\n\n", c.Title, name)
		}
	}
}

// The charts' files.
const (
	cpuChart = "cpu-per-delivery.svg"
	p50Chart = "latency-p50.svg"
	p99Chart = "latency-p99.svg"
)

func (b *bench) drawings() map[string]*chart.Chart {
	all := make(map[string]*chart.Chart)
	b.draw(all, cpuChart, "Processor time per delivery, W=4", "µs", load.Fanout, b.of)
	for _, p := range percentiles[:2] {
		name := map[string]string{"p50": p50Chart, "p99": p99Chart}[p.name]
		b.draw(all, name, "Latency at 20 messages a second, "+p.name, "ms", load.Rate,
			func(w *work, peer string) (float64, bool) {
				return b.late(w, peer, p.of)
			})
	}
	return all
}

// draw makes a chart over the number of clients; none if nobody has two points.
func (b *bench) draw(all map[string]*chart.Chart, file, title, unit, kind string,
	of func(*work, string) (float64, bool)) {
	c := &chart.Chart{Title: title, X: "clients", Y: unit}
	enough := false
	for _, p := range b.peers {
		s := chart.Series{Name: p.name, Bold: p.name == "crier"}
		for _, w := range b.series(kind) {
			if value, ok := of(w, p.name); ok {
				s.Points = append(s.Points, chart.Point{X: float64(w.options.Clients), Y: value})
			}
		}
		enough = enough || len(s.Points) > 1
		c.Series = append(c.Series, s)
	}
	if enough {
		all[file] = c
	}
}

// series returns the measured works of one kind that differ in the number of clients only, fewest first.
func (b *bench) series(kind string) (some []*work) {
	for i := range b.works {
		w := &b.works[i]
		if w.options.Work == kind && len(b.results[w.key]) > 0 && (kind != load.Fanout || w.options.InFlight == 4) {
			some = append(some, w)
		}
	}
	slices.SortFunc(some, func(a, b *work) int { return a.options.Clients - b.options.Clients })
	return some
}

func (b *bench) method(md *strings.Builder) {
	fmt.Fprintf(md, `## How it was measured

- Server on core %d, generator on core %d, loopback, a fresh server for each run, peers in turn within each round,
  medians of the rounds.
- Messages have %d bytes of data. A client that speaks is a member of the room and hears itself.
- Processor time is user + system of /proc/PID/stat, from the first message of the measurement until the last has
  arrived.
- W: how many broadcasts one publisher has on their way; the next is said when its own news of an earlier one has come
  back.
- Handshakes: %d at a time; with upgrade, %d, and each shows with an event and its ack that the upgrade was done.
  Acks: %d clients, one event each on its way, to a room that is empty.
- Long-polling fan-out: the next message is said when all have heard the last and poll again, so each delivery is one
  poll. At 10 messages a second the server has nothing else to do between two; the requests have the headers Host and
  Connection alone.
- Beside a bare write: raw needs one write for each delivery, and %d messages on their way may share one, so that what
  raw needs for a delivery, divided by as many, is what a write for all of them would cost each.
- Feed on disk: each message is synced before its answer, on the disk that has the repository. The bare write and
  fdatasync is %d bytes at the end of a file on that disk, by the generator, in the middle between two messages.
- Usual limits: the same work with Crier's default limits, right behind the one without them.
- Memory: what the server's resident size grew by, settled for some seconds, for each connection; all are registered.
- %s
- Crier keeps what is said in memory (`+"`"+`CRIER_DATA=`+"`"+`), as the peers, which keep nothing, could at best,
  unless the work says otherwise.
- The 50,000 idle connections are held by as many server processes as the limit on open files demands, all on the one
  core.

`, serverCore, loadCore, load.MessageSize, handshakes, upgrades, asking, inFlight, load.EntrySize, b.limitsText())
}

func (b *bench) limitsText() string {
	words := "Crier has no limits that count by address or by session"
	if slices.Equal(b.limits, raised) {
		words = "Crier's limits that count by address or by session are raised"
	}
	return words + ", since all clients have few addresses and one publisher says everything: `" + strings.Join(b.limits,
		"`, `") +
		"`. Those of the whole process are on."
}

func (b *bench) trouble(md *strings.Builder) {
	for _, part := range []struct {
		title string
		lines []string
	}{{"## What failed", b.notes}, {"## What there was no time for", b.skipped}} {
		if len(part.lines) == 0 {
			continue
		}
		md.WriteString(part.title + "\n\n")
		for _, line := range part.lines {
			md.WriteString("- " + strings.ReplaceAll(line, "\n", " ") + "\n")
		}
		md.WriteString("\n")
	}
}

// number writes three digits that count.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.1 || v == 0:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.3f", v)
	}
}
