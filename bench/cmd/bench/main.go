// Bench builds Crier and its peers, has them do the same works in turn, and writes report/report.md with its charts.
//
//	make bench            all works, 3 rounds: about three quarters of an hour
//	make bench QUICK=1    the works that matter most, once: under two minutes
//
// Servers have one core and the generator the other; each run starts a fresh server. In each round every work is done
// by all peers one after the other, in an order that turns, so that a change of the machine's mood meets all of them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/crier/crier/bench/host"
	"github.com/crier/crier/bench/load"
)

// quickLimit ends a quick bench with what it has: it promises two minutes.
const quickLimit = 110 * time.Second

// A bench is one run of this command.
type bench struct {
	root    string // of the repository
	quick   bool
	rounds  int
	limit   time.Duration
	peers   []peer
	works   []work
	limits  []string // Crier's settings for its limits, but for works with the usual ones
	machine host.Machine
	began   time.Time
	others  float64 // the share of the machine that others used meanwhile, 0 to 1

	results map[string]map[string][]*load.Result // by work and peer, one for each round
	notes   []string                             // what went wrong
	skipped []string                             // what there was no time for
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	b, err := configure()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	if err := b.build(ctx); err != nil {
		return err
	}
	before := host.Now()
	b.measure(ctx)
	b.others = host.Now().Others(before)
	return errors.Join(b.save(), b.report(), b.finish(ctx))
}

func configure() (*bench, error) {
	b := &bench{began: time.Now(), results: make(map[string]map[string][]*load.Result)}
	var onlyWorks, onlyPeers string
	flag.StringVar(&b.root, "root", "..", "the repository's folder")
	flag.BoolVar(&b.quick, "quick", false, "one short round of the works that matter most")
	flag.IntVar(&b.rounds, "rounds", 3, "how often everything is done")
	flag.DurationVar(&b.limit, "limit", 2*time.Hour, "when to end with what there is")
	flag.StringVar(&onlyWorks, "works", "", "only works whose key has one of these beginnings, such as fanout,ack")
	flag.StringVar(&onlyPeers, "peers", "", "only these peers, such as crier,npm")
	flag.Parse()
	if b.quick {
		b.rounds, b.limit = 1, quickLimit
	}
	var err error
	if b.root, err = filepath.Abs(b.root); err != nil {
		return nil, err
	}
	if runtime.NumCPU() < 2 {
		return nil, errors.New("the bench needs two cores, one for the servers and one for the generator")
	}
	b.machine = host.ThisMachine()
	b.peers = slices.DeleteFunc(slices.Clone(peers), func(p peer) bool { return !listed(onlyPeers, p.name) })
	b.works = slices.DeleteFunc(slices.Concat(works, curves), func(w work) bool { return !listed(onlyWorks, w.key) })
	return b, nil
}

// listed says whether name begins with one of the words of a list; an empty list has all.
func listed(list, name string) bool {
	return list == "" || slices.ContainsFunc(strings.Split(list, ","),
		func(word string) bool { return strings.HasPrefix(name, word) })
}

// path is a path in the bench's folder.
func (b *bench) path(parts ...string) string {
	return filepath.Join(append([]string{b.root, "bench"}, parts...)...)
}

// measure does all works with all peers, as long as there is time.
func (b *bench) measure(ctx context.Context) {
	for round := range b.rounds {
		for i := range b.works {
			w := &b.works[i]
			for _, p := range b.turn(w, round) {
				if ctx.Err() != nil {
					b.skip(w, p, round)
					continue
				}
				b.one(ctx, w, p, round)
			}
		}
	}
}

// skip notes what was not done, or was cut short.
func (b *bench) skip(w *work, p peer, round int) {
	b.skipped = append(b.skipped, fmt.Sprintf("%s with %s, round %d", w.title, p.name, round+1))
}

// turn returns the peers that do a work in a round, in that round's order.
func (b *bench) turn(w *work, round int) []peer {
	if w.once && round > 0 {
		return nil
	}
	some := slices.DeleteFunc(slices.Clone(b.peers), func(p peer) bool {
		return w.polling && !p.polling || w.only != nil && !slices.Contains(w.only, p.name) ||
			b.quick && !slices.Contains(w.quick, p.name)
	})
	if len(some) == 0 {
		return nil
	}
	first := round % len(some)
	return slices.Concat(some[first:], some[:first])
}

func (b *bench) one(ctx context.Context, w *work, p peer, round int) {
	result, err := b.run(ctx, p, w)
	line := fmt.Sprintf("round %d  %-50s %-14s ", round+1, w.title, p.name)
	if ctx.Err() != nil {
		b.skip(w, p, round)
		return
	}
	if err != nil {
		b.notes = append(b.notes, fmt.Sprintf("%s with %s, round %d: %v", w.title, p.name, round+1, err))
		fmt.Fprintln(os.Stderr, line, "FAILED:", err)
		return
	}
	if b.results[w.key] == nil {
		b.results[w.key] = make(map[string][]*load.Result)
	}
	b.results[w.key][p.name] = append(b.results[w.key][p.name], result)
	line += fmt.Sprintf("%9.3f %s", w.unit.of(result), w.unit.name)
	if !result.Faultless() || result.Lost > 0 {
		line += fmt.Sprintf("  missing %d, doubled %d, swapped %d, damaged %d, connections lost %d",
			result.Missing, result.Doubled, result.Swapped, result.Damaged, result.Lost)
	}
	fmt.Fprintln(os.Stderr, line)
}

// save keeps every result as it was measured.
func (b *bench) save() error {
	all, err := json.MarshalIndent(b.results, "", "\t")
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(b.path("report"), 0o755), os.WriteFile(b.path("report", "runs.json"),
		append(all, '\n'), 0o644))
}

// finish says whether the bench was let finish: an interrupt is an error, the end of the time is not.
func (b *bench) finish(ctx context.Context) error {
	fmt.Fprintf(os.Stderr, "%s written in %s\n", b.path("report", "report.md"), time.Since(b.began).Round(time.Second))
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return nil
}
