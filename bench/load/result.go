package load

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// The works.
const (
	Fanout    = "fanout"    // one publisher with InFlight broadcasts on their way to Clients
	Rate      = "rate"      // PerSecond broadcasts a second to Clients, and how late each delivery is
	Handshake = "handshake" // Clients at a time go straight to WebSocket, join the main namespace and leave
	Upgrade   = "upgrade"   // the same from polling on, with the upgrade and one event with an ack
	Ack       = "ack"       // each of Clients has one event on its way that is to be acknowledged
	Polling   = "polling"   // broadcasts to Clients on long-polling, each when all have heard the last
	// PerSecond broadcasts a second to Clients on long-polling whose requests have few headers
	PollingRate = "polling-rate"
	AckRate     = "ack-rate"     // PerSecond events a second of Clients in turn, and how long each is not acknowledged
	Idle        = "idle"         // memory for each of Clients that are connected and registered, over WebSocket
	IdlePolling = "idle-polling" // memory for each of Clients on long-polling that do not poll at the moment
	Hold        = "hold"         // processor time for Clients that do nothing but answer the heartbeat
)

// Options say what to do, and to whom.
type Options struct {
	Work      string
	Addr      netip.AddrPort // IPv4
	PID       int            // the server's process; 0 if it is not on this machine
	Clients   int
	InFlight  int           // for Fanout
	PerSecond int           // for Rate, PollingRate and AckRate
	Folder    string        // for AckRate, if not "": where a bare write and fdatasync is measured beside each event
	Warmup    time.Duration // before the measurement, with the same work
	Duration  time.Duration // of the measurement; for Idle and IdlePolling how long memory has to settle
	Limit     time.Duration // for connecting; default 60 s
}

// A Result is what one run has shown.
type Result struct {
	Work    string `json:"work"`
	Clients int    `json:"clients"`

	Ops       uint64        `json:"ops"`        // deliveries, handshakes or acks within the measurement
	Seconds   float64       `json:"seconds"`    // that the measurement took
	ServerCPU time.Duration `json:"server_cpu"` // user + system
	LoadCPU   time.Duration `json:"load_cpu"`   // the generator's own, user + system

	Counts         // over the whole run
	Lost    int    `json:"lost"`   // connections that ended unasked
	Stalls  int    `json:"stalls"` // times nothing came for a second and the publisher went on
	Failure string `json:"failure,omitempty"`

	Latency *Latency `json:"latency,omitempty"`
	Bare    *Latency `json:"bare,omitempty"`  // of a bare write and fdatasync
	Bytes   float64  `json:"bytes,omitempty"` // resident memory for each connection
}

// PerOp is the server's processor time for one operation.
func (r *Result) PerOp() time.Duration {
	if r.Ops == 0 {
		return 0
	}
	return r.ServerCPU / time.Duration(r.Ops)
}

// PerSecond is how many operations there were in a second.
func (r *Result) PerSecond() float64 { return float64(r.Ops) / r.Seconds }

// Latency is how late deliveries or acknowledgements were, from the moment for which the message was intended: a
// publisher that is itself held up does not hide it.
type Latency struct {
	P50  time.Duration `json:"p50"`
	P99  time.Duration `json:"p99"`
	P999 time.Duration `json:"p999"`
	Max  time.Duration `json:"max"`
}

// summarize sorts samples.
func summarize(samples []time.Duration) *Latency {
	if len(samples) == 0 {
		return nil
	}
	slices.Sort(samples)
	// The smallest sample that at least a share of all are not above.
	at := func(share float64) time.Duration {
		return samples[min(len(samples)-1, int(share*float64(len(samples))))]
	}
	return &Latency{P50: at(0.50), P99: at(0.99), P999: at(0.999), Max: samples[len(samples)-1]}
}

// Run does a work. The Result is as complete as it could be made when there is an error.
func Run(o Options) (*Result, error) {
	run, ok := works[o.Work]
	if !ok {
		return nil, fmt.Errorf("there is no work %q", o.Work)
	}
	if o.Clients < 1 || !o.Addr.Addr().Is4() || o.Duration <= 0 {
		return nil, errors.New("a work needs clients, a duration and an IPv4 address")
	}
	if o.Limit <= 0 {
		o.Limit = 60 * time.Second
	}
	l, err := newLoop()
	if err != nil {
		return nil, err
	}
	defer l.close()
	r := &Result{Work: o.Work, Clients: o.Clients}
	if err = run(newCrowd(l, o), r); err != nil {
		r.Failure = err.Error()
	}
	return r, err
}

var works = map[string]func(*crowd, *Result) error{
	Fanout:      runFanout,
	Rate:        runRate,
	Handshake:   runHandshake,
	Upgrade:     runUpgrade,
	Ack:         runAck,
	Polling:     runPolling,
	PollingRate: runPollingRate,
	AckRate:     runAckRate,
	Idle:        runIdle,
	IdlePolling: runIdlePolling,
	Hold:        runHold,
}
