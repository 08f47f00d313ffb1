package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/crier/crier/bench/attack"
	"github.com/crier/crier/bench/host"
	"github.com/crier/crier/bench/load"
)

// The cores of the two sides.
const (
	serverCore = 0
	otherCore  = 1
)

// The innocent clients, and how many messages a second they say together: 20 each, which is what a chat's limits
// allow.
const (
	innocents = 5
	messages  = 100
)

// start is how long the attack has to get going before anything is measured.
const start = 500 * time.Millisecond

// A sight is what innocent clients saw in one round.
type sight struct {
	calm, storm *load.Result
	asked       uint64 // by the attacker
}

// String is the line that is printed while the campaign goes on.
func (s sight) String() string {
	line := fmt.Sprintf("calm %s, under attack %s", late(s.calm), late(s.storm))
	if failed := s.failed(); failed > 0 {
		line += fmt.Sprintf(", %d connections or answers lost", failed)
	}
	return line + fmt.Sprintf("; asked %d times", s.asked)
}

func late(r *load.Result) string {
	if r == nil || r.Latency == nil {
		return "no answer"
	}
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms", r.Latency.P50.Seconds()*1e3, r.Latency.P99.Seconds()*1e3)
}

// failed is how many connections and answers the innocent lost.
func (s sight) failed() uint64 {
	if s.storm == nil || s.storm.Latency == nil {
		return innocents
	}
	return uint64(s.storm.Lost) + s.storm.Missing
}

func (c *campaign) build(ctx context.Context) error {
	for _, one := range []struct{ folder, target, name string }{
		{"", ".", "crier"}, {"bench", "./cmd/load", "load"}, {"bench", "./cmd/attack", "attacker"},
	} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", c.path(".build", one.name), one.target)
		cmd.Dir, cmd.Stderr = filepath.Join(c.root, one.folder), os.Stderr
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("building %s: %w", one.name, err)
		}
	}
	return nil
}

// one measures one attack once, with a fresh server.
func (c *campaign) one(ctx context.Context, a attack.Attack) (s sight, err error) {
	addr, err := host.FreeAddr()
	if err != nil {
		return s, err
	}
	data := c.path(".build", "attacked")
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	if err := os.RemoveAll(data); err != nil {
		return s, err
	}
	server, err := host.Start(host.Command{
		Path: c.path(".build", "crier"), Core: serverCore, Log: c.path(".build", "attacked.log"),
		Env: []string{"CRIER_ADDR=" + addr, "CRIER_DATA=" + data, "CRIER_LOG_LEVEL=warn"},
	}, nil)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, server.Stop(time.Second)) }()
	soon, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := server.Listening(soon, addr); err != nil {
		return s, err
	}
	if s.calm, err = c.innocent(ctx, addr, server.PID(), c.calm, time.Second); err != nil {
		return s, fmt.Errorf("before the attack: %w", err)
	}
	return s, c.attack(ctx, a, addr, server.PID(), &s)
}

// attack runs the attacker, and the innocent beside it.
func (c *campaign) attack(ctx context.Context, a attack.Attack, addr string, server int, s *sight) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	lasts := c.storm + 10*time.Second // it is stopped; this is longer than the innocent need
	attacker, err := host.Start(host.Command{
		Path: c.path(".build", "attacker"), Core: otherCore, Log: c.path(".build", "attacker.log"),
		Args: []string{"-run", a.Name, "-addr", addr, "-for", lasts.String()},
	}, w)
	_ = w.Close() // the child has its own
	if err != nil {
		return err
	}
	said := bufio.NewReader(r)
	if _, err := said.ReadString('\n'); err != nil { // it is prepared, and attacks
		return errors.Join(fmt.Errorf("the attacker: %w", err), attacker.Stop(0))
	}
	time.Sleep(start)
	s.storm, err = c.innocent(ctx, addr, server, c.storm, start)
	var failed *failure
	if errors.As(err, &failed) {
		err = nil // that the innocent fail is what is to be seen
	}
	if asked := attacker.Ask(); !errors.Is(asked, os.ErrProcessDone) {
		err = errors.Join(err, asked)
	}
	count, _ := io.ReadAll(said) // what it says at its end
	s.asked, _ = strconv.ParseUint(strings.TrimSpace(string(count)), 10, 64)
	return errors.Join(err, attacker.Stop(5*time.Second))
}

// A failure is what the innocent could not do.
type failure struct{ error }

// innocent runs the innocent clients.
func (c *campaign) innocent(
	ctx context.Context, addr string, server int, d, warmup time.Duration,
) (*load.Result, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	clients, err := host.Start(host.Command{
		Path: c.path(".build", "load"), Core: otherCore, Urgent: true, Log: c.path(".build", "innocent.log"),
		Args: []string{
			"-work", load.AckRate, "-addr", addr, "-pid", strconv.Itoa(server), "-clients", strconv.Itoa(innocents),
			"-rate", strconv.Itoa(messages), "-warmup", warmup.String(), "-duration", d.String(), "-limit", "10s",
		},
	}, w)
	_ = w.Close() // the child has its own
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, d+warmup+30*time.Second)
	defer cancel()
	failed := clients.Wait(limited)
	out, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var result *load.Result
	if len(out) > 0 {
		err = json.Unmarshal(out, &result)
	}
	if failed != nil && err == nil {
		err = &failure{failed}
	}
	return result, err
}
