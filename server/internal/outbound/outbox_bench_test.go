package outbound

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crier/crier/server/websocket"
)

// A sink is a connection that takes everything at once.
type sink struct{ taken *atomic.Int64 }

func (s sink) TryWrite(bufs [][]byte) (int64, error) {
	n := int64(total(bufs))
	s.taken.Add(n)
	return n, nil
}

func (s sink) Write(bufs [][]byte, _ time.Time) (int64, error) { return s.TryWrite(bufs) }
func (s sink) Close() error                                    { return nil }

// A silentOwner is told things and does nothing.
type silentOwner struct{}

func (silentOwner) FramesWaiting()    {}
func (silentOwner) WriteFailed(error) {}
func (silentOwner) HeldBytes(int)     {}

// audience returns n outboxes, and where their bytes are counted.
func audience(tb testing.TB, n int) ([]Outbox, *atomic.Int64) {
	f := NewFlusher()
	tb.Cleanup(f.Close)
	taken := new(atomic.Int64)
	all := make([]Outbox, n)
	for i := range all {
		all[i].Init(f, silentOwner{}, &OutboxLimits{MaxBytes: 1 << 30, WriteTimeout: patience})
		all[i].Attach(sink{taken})
	}
	return all, taken
}

// broadcast sends a frame to all and waits until it has left.
func broadcast(all []Outbox, taken *atomic.Int64, a *Arena, b *Batch, frame []byte) {
	want := taken.Load() + int64(len(all)*len(frame))
	frames := a.Put(frame)
	for i := range all {
		all[i].PushBatch(frames, b)
	}
	b.Flush()
	for taken.Load() < want {
		runtime.Gosched()
	}
}

func TestAFrameBehindTheLastOneCostsNoAllocation(t *testing.T) {
	f := NewFlusher()
	defer f.Close()
	var o Outbox
	o.Init(f, silentOwner{}, &OutboxLimits{MaxBytes: 1 << 30, WriteTimeout: patience})
	var a Arena
	frame := websocket.AppendFrame(nil, websocket.OpText, smallMessage)
	noAllocations(t, func() { o.Push(a.Put(frame)) })
}

func TestABroadcastAllocatesTheSameForTenAndForThousand(t *testing.T) {
	frame := websocket.AppendFrame(nil, websocket.OpText, smallMessage)
	for _, n := range []int{10, 1000} {
		all, taken := audience(t, n)
		var a Arena
		var b Batch
		noAllocations(t, func() { broadcast(all, taken, &a, &b, frame) })
	}
}

// BenchmarkPush measures what one session costs a broadcast when its frames lie side by side.
func BenchmarkPush(b *testing.B) {
	f := NewFlusher()
	b.Cleanup(f.Close)
	var o Outbox
	o.Init(f, silentOwner{}, &OutboxLimits{MaxBytes: 1 << 30, WriteTimeout: patience})
	var a Arena
	frame := websocket.AppendFrame(nil, websocket.OpText, smallMessage)
	b.ReportAllocs()
	for b.Loop() {
		o.Push(a.Put(frame))
		if o.Size() > chunkSize {
			o.Take()
		}
	}
}

// BenchmarkBroadcastFlush measures one frame's way to a thousand connections, without the kernel's part.
func BenchmarkBroadcastFlush(b *testing.B) {
	all, taken := audience(b, 1000)
	var a Arena
	var batch Batch
	frame := websocket.AppendFrame(nil, websocket.OpText, smallMessage)
	b.ReportAllocs()
	for b.Loop() {
		broadcast(all, taken, &a, &batch, frame)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(all)), "ns/delivery")
}

// BenchmarkPut measures an arena that all processors put frames into at once: go test -bench Put -cpu 1,2,4.
func BenchmarkPut(b *testing.B) {
	for _, size := range []int{60, 1000, 8000} {
		b.Run(fmt.Sprint("bytes=", size), func(b *testing.B) {
			var a Arena
			frame := noise(size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					a.Put(frame)
				}
			})
		})
	}
}
