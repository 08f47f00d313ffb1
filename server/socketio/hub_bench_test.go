package socketio_test

import (
	"fmt"
	"testing"

	"github.com/crier/crier/server/socketio"
)

// BenchmarkRooms tells rooms of five in turn: what a delivery costs must not depend on how many rooms there are.
func BenchmarkRooms(b *testing.B) {
	const each = 5
	for _, rooms := range []int{10, 10_000} {
		b.Run(fmt.Sprint("rooms=", rooms), func(b *testing.B) {
			h := openArena(b, 1000)
			all := make([]*socketio.Broadcast, rooms)
			for r := range all {
				name := fmt.Sprint("room", r)
				for i := range each {
					h.sockets[(r*each+i)%len(h.sockets)].Join(name)
				}
				all[r] = h.To(name)
			}
			b.ReportAllocs()
			began, n := processorTime(), 0
			for b.Loop() {
				if err := all[n%rooms].Emit("news", saying); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64((processorTime()-began).Nanoseconds())/float64(n*each), "cpu-ns/delivery")
		})
	}
}

// BenchmarkMembership measures what must cost the same however many sockets there are.
func BenchmarkMembership(b *testing.B) {
	for _, sockets := range []int{50, 50_000} {
		h := openArena(b, sockets)
		h.SocketsJoin("all")
		b.Run(fmt.Sprintf("join and leave/sockets=%d", sockets), func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				s := h.sockets[n%50]
				s.Leave("all")
				s.Join("all")
			}
		})
		b.Run(fmt.Sprintf("disconnect/sockets=%d", sockets), func(b *testing.B) {
			b.ReportAllocs()
			for left := b.N; left > 0; {
				b.StopTimer()
				lot := make([]*socketio.Socket, min(left, 500)) // to stop the clock for each would cost more than a disconnect
				for i := range lot {
					lot[i], _ = h.connect(b)
				}
				b.StartTimer()
				for _, s := range lot {
					s.Disconnect(false)
				}
				left -= len(lot)
			}
		})
	}
}
