package server

import (
	"context"
	"runtime/debug"
	"time"
)

// How memory is given back.
const (
	releaseEvery = time.Second
	releaseFrom  = 500 // clients more or fewer since the last time; below, there is too little to gain
)

// giveBack returns memory to the machine when a wave of clients has come or gone and it is calm again; it ends with ctx.
//
// Go keeps what the handshakes of a wave used, half as much again as the clients themselves need: 2.4 KiB for each of
// 10,000 that came in one go. It would give it back over minutes, if more were allocated meanwhile; idle clients
// allocate nothing.
func (s *Server) giveBack(ctx context.Context) {
	tick := time.NewTicker(releaseEvery)
	defer tick.Stop()
	w := wave{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if w.over(s.io.Sessions() + s.plain.plain.Len()) {
				debug.FreeOSMemory()
			}
		}
	}
}

// A wave watches the number of clients.
type wave struct {
	last     int // seen the last time
	released int // when memory was given back
}

// over says whether the number has changed by a quarter since the last time it said so, and is steady now.
func (w *wave) over(clients int) bool {
	steady := distance(clients, w.last) <= clients/100
	w.last = clients
	if changed := distance(clients, w.released); !steady || changed < releaseFrom || changed < w.released/4 {
		return false
	}
	w.released = clients
	return true
}

func distance(a, b int) int { return max(a-b, b-a) }
