// Load does one work with one server and prints what it showed as JSON. The bench command runs it in a process of its
// own, on a core of its own.
//
//	load -work fanout -addr 127.0.0.1:3000 -pid 4711 -clients 500 -inflight 4
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/crier/crier/bench/load"
)

func main() {
	var o load.Options
	flag.StringVar(&o.Work, "work", load.Fanout, "fanout, rate, handshake, upgrade, ack, ack-rate, polling, "+
		"polling-rate, idle, idle-polling or hold")
	flag.TextVar(&o.Addr, "addr", netip.MustParseAddrPort("127.0.0.1:3000"), "the server's address")
	flag.IntVar(&o.PID, "pid", 0, "the server's process id, to see its processor time and memory")
	flag.IntVar(&o.Clients, "clients", 500, "how many clients")
	flag.IntVar(&o.InFlight, "inflight", 4, "for fanout: how many broadcasts are on their way at a time")
	flag.IntVar(&o.PerSecond, "rate", 20, "for rate, polling-rate and ack-rate: how many a second")
	flag.StringVar(&o.Folder, "folder", "", "for ack-rate: where a bare write and fdatasync is measured")
	flag.DurationVar(&o.Warmup, "warmup", time.Second, "how long to do the work before measuring")
	flag.DurationVar(&o.Duration, "duration", 3*time.Second, "how long to measure")
	flag.DurationVar(&o.Limit, "limit", time.Minute, "how long connecting may take")
	flag.Parse()

	result, err := load.Run(o)
	if result != nil {
		_ = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
