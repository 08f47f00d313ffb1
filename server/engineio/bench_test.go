package engineio_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/internal/outbound"
)

// BenchmarkPoll measures one poll that finds one message, without net/http's own part.
func BenchmarkPoll(b *testing.B) {
	for _, version := range []int{3, 4} {
		b.Run(fmt.Sprintf("EIO%d", version), func(b *testing.B) {
			h := open(b, engineio.Options{}, nil)
			c, p := h.join(mode{version, "polling"})
			r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, c.address("polling"), nil)
			hello := engineio.Message{Data: []byte(strings.Repeat("hello ", 10))}
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Send(hello); err != nil {
					b.Fatal(err)
				}
				w := httptest.NewRecorder()
				if h.sv.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// BenchmarkSendPrepared measures what one session costs a broadcast: its queue takes one more frame.
func BenchmarkSendPrepared(b *testing.B) {
	h := open(b, engineio.Options{}, nil)
	_, p := h.join(mode{4, "polling"})
	hello := engineio.Message{Data: []byte(strings.Repeat("hello ", 10))}
	var batch outbound.Batch
	b.ReportAllocs()
	for b.Loop() {
		prepared := h.sv.Prepare(hello)
		if err := p.SendInBatch(&prepared, &batch); err != nil {
			b.Fatal(err)
		}
		if p.Held() > 1<<20 {
			b.StopTimer()
			batch.Flush()
			h.within(context.Background(), "GET", "/?EIO=4&transport=polling&sid="+p.ID(), "")
			b.StartTimer()
		}
	}
	batch.Flush()
}
