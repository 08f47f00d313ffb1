package socketio_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crier/crier/server/socketio"
)

// benchServer lets queues grow as far as a benchmark fills them.
func benchServer(b *testing.B) (*socketio.Server, string) {
	o := socketio.Options{}
	o.Engine.MaxQueue = 1 << 30
	return serve(b, o)
}

// sink connects a client that reads bytes and does not look at them.
func sink(b *testing.B, url string, read *atomic.Int64) *peer {
	p := open(b, url, socket4)
	p.send(`0`)
	if _, err := p.readFrame(); err != nil {
		b.Fatal(err)
	}
	go func() { // ends with the connection
		buf := make([]byte, 64<<10)
		for {
			n, err := p.from.Read(buf)
			if err != nil {
				return
			}
			read.Add(int64(n))
		}
	}()
	return p
}

func waitFor(b *testing.B, read *atomic.Int64, bytes int64) {
	for read.Load() < bytes {
		time.Sleep(100 * time.Microsecond)
	}
}

func BenchmarkEmit(b *testing.B) {
	io, url := benchServer(b)
	connected := make(chan *socketio.Socket, 1)
	io.OnConnect(func(s *socketio.Socket) { connected <- s })
	var read atomic.Int64
	sink(b, url, &read)
	s := <-connected
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Emit("news", "hello, world", 42); err != nil {
			b.Fatal(err)
		}
	}
	waitFor(b, &read, int64(b.N*len(`xx42["news","hello, world",42,"12345678901234"]`)))
}

// The time is that of a broadcast until all have it, clients included: they run on the same processors.
func BenchmarkBroadcast(b *testing.B) {
	for _, sockets := range []int{10, 1000} {
		b.Run(fmt.Sprint("sockets=", sockets), func(b *testing.B) {
			io, url := benchServer(b)
			var read atomic.Int64
			for range sockets {
				sink(b, url, &read)
			}
			for io.Len() < sockets {
				time.Sleep(time.Millisecond)
			}
			read.Store(0)
			b.ReportAllocs()
			for b.Loop() {
				if err := io.Emit("news", "hello, world", 42); err != nil {
					b.Fatal(err)
				}
			}
			waitFor(b, &read, int64(b.N*sockets*len(`xx42["news","hello, world",42,"12345678901234"]`)))
			b.ReportMetric(float64(b.N*sockets)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// What a broadcast costs whoever calls it, with nobody there to flush to.
func BenchmarkBroadcastQueueing(b *testing.B) {
	for _, sockets := range []int{10, 1000} {
		b.Run(fmt.Sprint("sockets=", sockets), func(b *testing.B) {
			io := idleCrowd(b, sockets)
			b.ReportAllocs()
			for b.Loop() {
				if err := io.Emit("news", "hello, world", 42); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEventWithAck(b *testing.B) {
	server, url := benchServer(b)
	server.OnConnect(func(s *socketio.Socket) {
		s.On("f", func(e *socketio.Event) error {
			var name string
			if err := e.Bind(&name); err != nil {
				return err
			}
			return e.Ack(name)
		})
	})
	p := open(b, url, socket4)
	p.send(`0`)
	if _, err := p.readFrame(); err != nil {
		b.Fatal(err)
	}
	frame := engineMessage{data: []byte(`420["f","Ann"]`)}.frame(4)
	answer := make([]byte, len(`xx430["Ann"]`))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.conn.Write(frame); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(p.from, answer); err != nil {
			b.Fatal(err)
		}
	}
}

// idleCrowd connects sockets on long-polling that poll once, for CONNECT, and never again.
func idleCrowd(t testing.TB, sockets int) *socketio.Server {
	o := socketio.Options{}
	o.Engine.MaxQueue = 1 << 30
	server, err := socketio.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nobody will come for what is queued
		_ = server.Close(ctx)
	})
	serve := func(method, query, body string) string {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequest(method, "/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body)))
		return w.Body.String()
	}
	for range sockets {
		_, rest, _ := strings.Cut(serve("GET", "", ""), `"sid":"`)
		sid, _, _ := strings.Cut(rest, `"`)
		if got := serve("POST", "&sid="+sid, "40"); got != "ok" {
			t.Fatal(got)
		}
		serve("GET", "&sid="+sid, "")
	}
	return server
}

func TestABroadcastAllocatesTheSameForTenAndAThousand(t *testing.T) {
	allocs := func(sockets int) float64 {
		server := idleCrowd(t, sockets)
		rooms := server.To("room").Except("nowhere")
		server.SocketsJoin("room")
		return testing.AllocsPerRun(100, func() { // few enough for one piece of memory
			if server.Emit("news", "hello") != nil || rooms.Emit("news", "hello") != nil {
				t.Error("Emit failed")
			}
		})
	}
	few, many := allocs(10), allocs(1000)
	if math.Abs(few-many) > 5 { // one for each socket would make 10; under the race detector pools forget now and then
		t.Errorf("two broadcasts allocate %v times with 10 sockets, %v times with 1,000", few, many)
	}
}
