package main

import (
	"time"

	"github.com/crier/crier/bench/load"
)

// A work is one thing that peers are measured at.
type work struct {
	key     string
	title   string
	options load.Options
	unit    unit
	atMost  float64 // of the reference's, or, for a unit that is judged by itself, in that unit; 0 is no promise
	atLeast float64 // the same for a unit of which more is better, always judged by itself
	latency bool    // and its p99 must not be above the reference's
	bare    float64 // at most, of a bare write divided by the messages that are on their way; 0 is no promise
	beside  string  // the key of a work of which Crier may need at most 1.05 here; "" is none
	polling bool    // only for peers that have long-polling
	usual   bool    // Crier has its usual limits, not those for networks where every client is one's own
	disk    bool    // Crier keeps what is said on the disk
	env     []string
	only    []string
	quick   []string // the peers that a quick bench has time for; nil is none
	once    bool     // in the first round only: it takes long
}

// A unit is what a result is given in.
type unit struct {
	name     string
	of       func(*load.Result) float64
	absolute bool
}

var (
	perOp     = unit{name: "µs", of: func(r *load.Result) float64 { return float64(r.PerOp().Nanoseconds()) / 1e3 }}
	kib       = unit{name: "KiB", of: func(r *load.Result) float64 { return r.Bytes / 1024 }, absolute: true}
	perSecond = unit{name: "a second", of: (*load.Result).PerSecond, absolute: true}
	ofBare    = unit{name: "times a bare write and fdatasync", of: bareRatio, absolute: true}
	percent   = unit{name: "% of a core", of: share, absolute: true}
)

// share is the processor time of the server in each second, in per cent of a core.
func share(r *load.Result) float64 { return 100 * r.ServerCPU.Seconds() / r.Seconds }

// bareRatio is the p50 of an acknowledgement, divided by that of a bare write and fdatasync in the same run.
func bareRatio(r *load.Result) float64 {
	if r.Latency == nil || r.Bare == nil {
		return 0
	}
	return float64(r.Latency.P50) / float64(r.Bare.P50)
}

var (
	onlyCrier = []string{"crier"}
	everybody = []string{"crier", "npm", "zishang520-v2", "zishang520-v3", "gws", "raw"}
	protocol  = []string{"crier", "npm"}
	floored   = []string{"crier", "npm", "gws"}
)

// How many handshakes, or events, are under way at a time.
const (
	handshakes = 32
	upgrades   = 64
	asking     = 64
	inFlight   = 4 // in the work that is held against a bare write
)

func fanout(clients, inFlight int) load.Options {
	return load.Options{Work: load.Fanout, Clients: clients, InFlight: inFlight}
}

func rate(clients int) load.Options {
	return load.Options{Work: load.Rate, Clients: clients, PerSecond: 20}
}

// onDisk is 100 clients that each wait for the answer, on one core, in a Go runtime that knows of one processor or
// of two: Go sets the first in a container that may use one.
func onDisk(processors string) work {
	return work{
		key: "disk-ack-" + processors, title: "one event with ack, feed on disk, GOMAXPROCS=" + processors, unit: perSecond,
		atLeast: 40_000,
		options: load.Options{Work: load.Ack, Clients: 100}, disk: true, only: onlyCrier, quick: onlyCrier,
		env: []string{"GOMAXPROCS=" + processors},
	}
}

// quietDisk is the same with 10 events a second.
func quietDisk(processors string) work {
	return work{
		key: "disk-quiet-" + processors, title: "one event with ack at 10 a second, feed on disk, p50, " +
			"GOMAXPROCS=" + processors, unit: ofBare, atMost: 2,
		options: load.Options{Work: load.AckRate, Clients: 1, PerSecond: 10}, disk: true, only: onlyCrier, quick: onlyCrier,
		env: []string{"GOMAXPROCS=" + processors},
	}
}

// works are those of the table. What they may cost at most is what Crier promises.
var works = []work{
	{key: "fanout-500-4", title: "fan-out, 500 clients, W=4", options: fanout(500, inFlight), unit: perOp, atMost: 0.20,
		bare: 1.2, quick: everybody},
	{key: "fanout-2000-4", title: "fan-out, 2,000 clients, W=4", options: fanout(2000, 4), unit: perOp, atMost: 0.20,
		quick: protocol},
	{key: "fanout-500-64", title: "fan-out, 500 clients, W=64", options: fanout(500, 64), unit: perOp, atMost: 0.04,
		quick: protocol},
	{key: "rate-1000", title: "fan-out at 20 msg/s, 1,000 clients", options: rate(1000), unit: perOp, atMost: 0.85,
		latency: true, quick: protocol},
	{key: "usual-rate-1000", title: "fan-out at 20 msg/s, 1,000 clients, usual limits", options: rate(1000), unit: perOp,
		beside: "rate-1000",
		usual:  true, only: onlyCrier, quick: onlyCrier},
	{key: "handshake", title: "handshake straight to WebSocket", unit: perOp, atMost: 0.30, quick: floored,
		options: load.Options{Work: load.Handshake, Clients: handshakes}},
	{key: "upgrade", title: "polling then upgrade", unit: perOp, atMost: 0.35, polling: true, quick: protocol,
		options: load.Options{Work: load.Upgrade, Clients: upgrades}},
	{key: "ack", title: "one event with ack", unit: perOp, atMost: 0.40, quick: floored,
		options: load.Options{Work: load.Ack, Clients: asking}},
	{key: "polling-200", title: "long-polling fan-out, 200 clients", unit: perOp, atMost: 0.75, polling: true,
		quick:   protocol,
		options: load.Options{Work: load.Polling, Clients: 200}},
	{key: "quiet-polling-200", title: "long-polling fan-out at 10 msg/s, 200 clients, few headers", unit: perOp,
		atMost: 0.75, polling: true, quick: protocol,
		options: load.Options{Work: load.PollingRate, Clients: 200, PerSecond: 10}},
	onDisk("1"), onDisk("2"), quietDisk("1"), quietDisk("2"),
	{key: "idle", title: "idle WebSocket, RSS per connection at 10,000", unit: kib, atMost: 8, quick: protocol,
		options: load.Options{Work: load.Idle, Clients: 10_000}},
	{key: "idle-polling", title: "idle polling session between polls, RSS at 10,000", unit: kib, atMost: 6, polling: true,
		options: load.Options{Work: load.IdlePolling, Clients: 10_000}},
	{key: "hold", title: "50,000 idle connections, heartbeats every 25 s", unit: percent, atMost: 5,
		only: []string{"crier", "npm", "raw"}, once: true,
		options: load.Options{Work: load.Hold, Clients: 50_000}},
}

// curves are the further points of the charts; those that the table has are not measured twice.
var curves = []work{
	{key: "fanout-50-4", title: "fan-out, 50 clients, W=4", options: fanout(50, 4), unit: perOp},
	{key: "fanout-100-4", title: "fan-out, 100 clients, W=4", options: fanout(100, 4), unit: perOp},
	{key: "fanout-200-4", title: "fan-out, 200 clients, W=4", options: fanout(200, 4), unit: perOp},
	{key: "fanout-1000-4", title: "fan-out, 1,000 clients, W=4", options: fanout(1000, 4), unit: perOp},
	{key: "rate-100", title: "fan-out at 20 msg/s, 100 clients", options: rate(100), unit: perOp},
	{key: "rate-250", title: "fan-out at 20 msg/s, 250 clients", options: rate(250), unit: perOp, quick: protocol},
	{key: "rate-500", title: "fan-out at 20 msg/s, 500 clients", options: rate(500), unit: perOp},
	{key: "rate-2000", title: "fan-out at 20 msg/s, 2,000 clients", options: rate(2000), unit: perOp},
}

// timed returns the work's options with how long everything takes.
func (w *work) timed(quick bool) load.Options {
	o := w.options
	o.Warmup, o.Duration = 2*time.Second, 3*time.Second // Node's compiler takes more than a second to warm up
	switch {
	case o.Work == load.Rate || o.Work == load.AckRate:
		o.Duration = 6 * time.Second
	case o.Work == load.PollingRate:
		o.Warmup, o.Duration = 8*time.Second, 10*time.Second
	case o.Work == load.Idle || o.Work == load.IdlePolling:
		o.Warmup = 0
		o.Duration = 4 * time.Second
	case o.Work == load.Hold:
		o.Duration = 60 * time.Second // more than two heartbeats of everybody
		o.Limit = 3 * time.Minute
	}
	if quick {
		o.Warmup, o.Duration = o.Warmup/2, o.Duration/3
	}
	return o
}
