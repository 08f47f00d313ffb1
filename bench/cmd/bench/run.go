package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/crier/crier/bench/host"
	"github.com/crier/crier/bench/load"
)

// The cores of the two sides. The bench itself sleeps while they run.
const (
	serverCore = 0
	loadCore   = 1
)

// spareFiles is what a process opens beside its clients' connections.
const spareFiles = 500

// run does one work with one peer. Where one process may not open enough files, several of them share the clients: as
// many servers on the one core, as many generators on the other, and their results are added up.
func (b *bench) run(ctx context.Context, p peer, w *work) (*load.Result, error) {
	o := w.timed(b.quick)
	share := int(b.machine.Files) - spareFiles
	processes := (o.Clients + share - 1) / share
	results, errs := make([]*load.Result, processes), make([]error, processes)
	var all sync.WaitGroup
	for i := range processes {
		part := o
		part.Clients = (o.Clients + i) / processes // the parts add up to the whole
		all.Go(func() { results[i], errs[i] = b.pair(ctx, p, w, part, i) })
	}
	all.Wait()
	return sum(results), errors.Join(errs...)
}

// pair runs one server and one generator.
func (b *bench) pair(ctx context.Context, p peer, w *work, o load.Options, number int) (_ *load.Result, err error) {
	addr, err := host.FreeAddr()
	if err != nil {
		return nil, err
	}
	if w.disk {
		o.Folder = b.path(".build", "disk")
		defer func() { err = errors.Join(err, os.RemoveAll(o.Folder)) }()
		if err := errors.Join(os.RemoveAll(o.Folder), os.MkdirAll(o.Folder, 0o755)); err != nil {
			return nil, err
		}
	}
	log := b.path(".build", fmt.Sprintf("%s-%d.log", p.name, number))
	server, err := host.Start(b.command(p, w, addr, log), nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop(time.Second)) }()
	soon, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := server.Listening(soon, addr); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return b.load(ctx, o, addr, server.PID(), log+".load")
}

func (b *bench) command(p peer, w *work, addr, log string) host.Command {
	c := host.Command{
		Core: serverCore,
		Log:  log,
		Env:  slices.Concat([]string{"ADDR=" + addr, "CRIER_ADDR=" + addr, "NODE_ENV=production"}, b.settings(w), w.env),
		Path: b.path(".build", p.name),
	}
	if p.target == "" {
		c.Path, c.Args = "node", []string{b.path("peers", p.name, "server.js")}
	}
	return c
}

// settings are Crier's in a work, as variables, which the other peers do not look at.
func (b *bench) settings(w *work) []string {
	data := "CRIER_DATA=" // in memory: no peer stores anything, and no two runs share a folder
	if w.disk {
		data += b.path(".build", "disk", "data")
	}
	if w.usual {
		return []string{data}
	}
	return append([]string{data}, b.limits...)
}

// load runs the generator and reads its result, which may be there when it fails, too.
func (b *bench) load(ctx context.Context, o load.Options, addr string, pid int, log string) (*load.Result, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	generator, err := host.Start(host.Command{
		Core: loadCore, Log: log, Path: b.path(".build", "load"),
		Args: []string{
			"-work", o.Work, "-addr", addr, "-pid", strconv.Itoa(pid), "-clients", strconv.Itoa(o.Clients),
			"-inflight", strconv.Itoa(o.InFlight), "-rate", strconv.Itoa(o.PerSecond), "-folder", o.Folder,
			"-warmup", o.Warmup.String(), "-duration", o.Duration.String(), "-limit", max(o.Limit, time.Minute).String(),
		},
	}, w)
	_ = w.Close() // the child has its own
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, 2*max(o.Limit, time.Minute)+o.Warmup+o.Duration)
	defer cancel()
	err = generator.Wait(limited)
	out, readErr := io.ReadAll(r)
	if err = errors.Join(err, readErr); err != nil {
		said, _ := os.ReadFile(log) // what it could say of its failure
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(said))
	}
	var result *load.Result
	if len(out) > 0 {
		err = errors.Join(err, json.Unmarshal(out, &result))
	}
	return result, err
}

// sum adds up what several processes have shown.
func sum(parts []*load.Result) *load.Result {
	parts = slices.DeleteFunc(slices.Clone(parts), func(r *load.Result) bool { return r == nil })
	if len(parts) < 2 {
		return append(parts, nil)[0]
	}
	total := *parts[0]
	for _, r := range parts[1:] {
		total.Bytes = (total.Bytes*float64(total.Clients) + r.Bytes*float64(r.Clients)) / float64(total.Clients+r.Clients)
		total.Clients += r.Clients
		total.Ops += r.Ops
		total.ServerCPU += r.ServerCPU
		total.LoadCPU += r.LoadCPU
		total.Lost += r.Lost
		total.Failure += r.Failure
	}
	return &total
}
