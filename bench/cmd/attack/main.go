// Attack measures what innocent clients notice while one address does its worst, and writes report/attack.md.
//
//	make bench-attack            all attacks, five rounds: about half an hour
//	make bench-attack QUICK=1    one short round: under three minutes
//
// The server, with its default settings, has one core; the attacker and the innocent clients have the other, on
// which the innocent go first. Each attack meets a fresh server. The innocent say 100 messages a second together,
// each from an address of its own and within every limit, before the attack and during it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/crier/crier/bench/attack"
	"github.com/crier/crier/bench/host"
)

// A campaign is one run of this command.
type campaign struct {
	root    string // of the repository
	rounds  int
	calm    time.Duration // how long is measured before an attack
	storm   time.Duration // and during it
	attacks []attack.Attack
	machine host.Machine
	began   time.Time
	others  float64 // the share of the machine that others used meanwhile, 0 to 1

	seen map[string][]sight // by the attack's name, one for each round
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(1)
	}
}

func run() error {
	c := &campaign{began: time.Now(), seen: make(map[string][]sight)}
	var name, only string
	var addr netip.AddrPort
	var lasts time.Duration
	quick := flag.Bool("quick", false, "one short round")
	flag.StringVar(&c.root, "root", "..", "the repository's folder")
	flag.IntVar(&c.rounds, "rounds", 5, "how often everything is done")
	flag.StringVar(&only, "only", "", "only attacks whose name begins so, such as 'never polls,f floods'")
	flag.StringVar(&name, "run", "", "do this one attack and measure nothing")
	flag.TextVar(&addr, "addr", netip.MustParseAddrPort("127.0.0.1:3000"), "for run: the server, on this machine")
	flag.DurationVar(&lasts, "for", 10*time.Second, "for run: how long")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if name != "" {
		return attackOnly(ctx, name, addr, lasts)
	}
	c.calm, c.storm = 4*time.Second, 8*time.Second
	if *quick {
		c.rounds, c.calm, c.storm = 1, 2*time.Second, 4*time.Second
	}
	return c.run(ctx, only)
}

// attackOnly is what the attacker's process does.
func attackOnly(ctx context.Context, name string, addr netip.AddrPort, d time.Duration) error {
	if !addr.Addr().IsLoopback() {
		return errors.New("only servers on this machine are attacked")
	}
	a, err := attack.Named(name)
	if err != nil {
		return err
	}
	asked := a.Run(ctx, addr, d, func() { fmt.Println("attacking") })
	fmt.Println(asked)
	return nil
}

func (c *campaign) run(ctx context.Context, only string) error {
	if runtime.NumCPU() < 2 {
		return errors.New("it needs two cores, one for the server and one for everybody else")
	}
	var err error
	if c.root, err = filepath.Abs(c.root); err != nil {
		return err
	}
	c.machine = host.ThisMachine()
	words := strings.Split(only, ",") // of nothing it is one empty word, with which every name begins
	c.attacks = slices.DeleteFunc(slices.Clone(attack.Attacks), func(a attack.Attack) bool {
		return !slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(a.Name, word) })
	})
	if err := c.build(ctx); err != nil {
		return err
	}
	before := host.Now()
	for round := range c.rounds {
		for _, a := range c.attacks {
			seen, err := c.one(ctx, a)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				return fmt.Errorf("%s: %w", a.Name, err)
			}
			fmt.Fprintf(os.Stderr, "round %d  %-24s %s\n", round+1, a.Name, seen)
			c.seen[a.Name] = append(c.seen[a.Name], seen)
		}
	}
	c.others = host.Now().Others(before)
	return c.report()
}

// path is a path in the bench's folder.
func (c *campaign) path(parts ...string) string {
	return filepath.Join(append([]string{c.root, "bench"}, parts...)...)
}
