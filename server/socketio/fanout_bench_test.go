package socketio_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/socketio"
)

// The benchmarks here measure the server alone: its clients are connections in memory that throw away what they
// get, at once. Compare -cpu 1 with -cpu 2.

// A witness counts what has come to the last connection of one of the flusher's workers, which each broadcast
// reaches last. To count on every connection would make two processors wait for each other, and to ask all the
// time would take one of them.
type witness struct {
	bytes atomic.Int64
	news  chan<- struct{} // holds one: there is something new
}

// An arena is a server with sockets whose clients are voids.
type arena struct {
	*socketio.Server
	sockets   []*socketio.Socket
	connected chan *socketio.Socket
	witnesses []*witness
	news      chan struct{}
}

// openArena opens an arena of n sockets.
func openArena(b *testing.B, n int) *arena {
	b.Helper()
	addresses, err := limit.NewAddresses(limit.AddressLimits{MaxOpen: 1 << 30, MaxRate: 1 << 30}) // they all come from one
	if err != nil {
		b.Fatal(err)
	}
	o := socketio.Options{Logger: slog.New(slog.DiscardHandler)}
	o.Engine.Addresses = addresses
	server, err := socketio.New(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // voids do not answer
		_ = server.Close(ctx)
	})
	h := &arena{Server: server, connected: make(chan *socketio.Socket, 1), news: make(chan struct{}, 1)}
	server.OnConnect(func(s *socketio.Socket) { h.connected <- s })
	last := make(map[int]*void) // of each worker's
	for range n {
		s, v := h.connect(b)
		h.sockets = append(h.sockets, s)
		last[socketio.WorkerOf(s)] = v
	}
	for _, v := range last {
		w := &witness{news: h.news}
		h.witnesses = append(h.witnesses, w)
		v.taken.Store(w)
	}
	return h
}

func (h *arena) connect(b *testing.B) (*socketio.Socket, *void) {
	v := connectVoid(h.Server)
	return receive(b, h.connected, "OnConnect"), v
}

// await waits until every witness has heard so many bytes.
func (h *arena) await(bytes int64) {
	for _, w := range h.witnesses {
		for w.bytes.Load() < bytes {
			<-h.news
		}
	}
}

// begin tells a first thing, and forgets what has been heard by then.
func (h *arena) begin(b *testing.B) {
	if err := h.Emit("news", saying); err != nil {
		b.Fatal(err)
	}
	for _, w := range h.witnesses {
		for w.bytes.Load() < newsSize {
			<-h.news
		}
	}
	time.Sleep(10 * time.Millisecond) // CONNECT may have come with it, or before
	for _, w := range h.witnesses {
		w.bytes.Store(0)
	}
}

// BenchmarkFanOut tells everybody, with at most so many broadcasts on their way. cpu-ns is processor time, also
// of the part that waits for nothing but its turn: on a machine that has other work it says more than the time
// that passes.
func BenchmarkFanOut(b *testing.B) {
	for _, sockets := range []int{10, 1000, 10_000} {
		for _, inFlight := range []int{1, 4, 64} {
			b.Run(fmt.Sprintf("sockets=%d/W=%d", sockets, inFlight), func(b *testing.B) {
				h := openArena(b, sockets)
				h.begin(b)
				b.ReportAllocs()
				began := processorTime()
				b.ResetTimer()
				for n := range b.N {
					if err := h.Emit("news", saying); err != nil {
						b.Fatal(err)
					}
					h.await(int64(n+1-inFlight) * newsSize)
				}
				h.await(int64(b.N) * newsSize)
				each := 1 / float64(b.N) / float64(sockets)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())*each, "ns/delivery")
				b.ReportMetric(float64((processorTime()-began).Nanoseconds())*each, "cpu-ns/delivery")
			})
		}
	}
}

var saying = strings.Repeat("news", 32)

// newsSize is what a witness hears of it, with the frame's header.
var newsSize = int64(len(`xxxx42["news","`) + len(saying) + len(`","epoch.number14"]`))
