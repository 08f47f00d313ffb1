package engineio_test

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/internal/outbound"
)

// A poller polls without end over a connection of its own, with the few headers of a client that is no browser.
type poller struct {
	conn net.Conn
	in   *bufio.Reader
	ask  []byte
}

// once makes one poll and reads the answer.
func (p *poller) once() error {
	if _, err := p.conn.Write(p.ask); err != nil {
		return err
	}
	length := 0
	for {
		line, err := p.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
	}
	_, err := p.in.Discard(length)
	return err
}

// BenchmarkPollingFanOut tells 200 clients on long-polling one message at a time, each of which polls again for the
// next. It reports the processor time of the process, clients included, for each delivery.
func BenchmarkPollingFanOut(b *testing.B) {
	const clients = 200
	for _, version := range []int{3, 4} {
		b.Run(fmt.Sprintf("EIO%d", version), func(b *testing.B) {
			many, err := limit.NewAddresses(limit.AddressLimits{MaxOpen: 2 * clients, MaxRate: 2 * clients})
			if err != nil {
				b.Fatal(err)
			}
			h := open(b, engineio.Options{Addresses: many, PingInterval: time.Hour}, nil)
			pollers, sessions := make([]*poller, clients), make([]*engineio.Session, clients)
			for i := range pollers {
				pollers[i], sessions[i] = h.poller(version)
			}
			hello := engineio.Message{Data: []byte(`2["message",{"text":"` + strings.Repeat("hello ", 10) + `"}]`)}
			var batch outbound.Batch
			began := processorTime()
			for b.Loop() {
				var answered sync.WaitGroup
				for _, p := range pollers {
					answered.Go(func() {
						if err := p.once(); err != nil {
							b.Error(err)
						}
					})
				}
				for _, s := range sessions {
					for !s.Ready() {
						time.Sleep(time.Millisecond)
					}
				}
				prepared := h.sv.Prepare(hello)
				for _, s := range sessions {
					if err := s.SendInBatch(&prepared, &batch); err != nil {
						b.Fatal(err)
					}
				}
				batch.Flush()
				answered.Wait()
			}
			b.ReportMetric(float64((processorTime()-began).Nanoseconds())/float64(b.N)/clients, "cpu-ns/delivery")
			for _, p := range pollers {
				p.conn.Close()
			}
		})
	}
}

// poller opens a session and returns a client that polls for it.
func (h *house) poller(version int) (*poller, *engineio.Session) {
	conn, err := h.line.Dial(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	query := fmt.Sprintf("/engine.io/?EIO=%d&transport=polling", version)
	p := &poller{conn: conn, in: bufio.NewReader(conn)}
	p.ask = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: engine.test\r\n\r\n", query)
	if err := p.once(); err != nil {
		h.t.Fatal(err)
	}
	s := h.peer().Session
	p.ask = fmt.Appendf(nil, "GET %s&sid=%s HTTP/1.1\r\nHost: engine.test\r\n\r\n", query, s.ID())
	return p, s
}

// processorTime is what the process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
