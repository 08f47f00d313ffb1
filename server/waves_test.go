package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/crier/crier/config"
)

// wavesEnv makes waves larger: how many connections each has. Both ends are in the test's process, which may open twice as many files.
const wavesEnv = "CRIER_TEST_WAVE"

func waveSize(t *testing.T) int {
	text := os.Getenv(wavesEnv)
	if text == "" {
		return 600
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q: it must be a number of connections", wavesEnv, text)
	}
	return n
}

// A stay is a client of one kind for as long as a wave lasts.
type stay struct {
	conn net.Conn
	sid  string // on long-polling
}

// kinds are the ways in which clients come.
var kinds = []func(r *running, i int) (*stay, error){
	func(r *running, i int) (*stay, error) {
		g, err := r.tryGuest(fmt.Sprint("guest ", i))
		if err != nil {
			return nil, err
		}
		return &stay{conn: g.conn}, nil
	},
	func(r *running, _ int) (*stay, error) { return r.stayOn("/socket.io/?EIO=3&transport=websocket") },
	func(r *running, _ int) (*stay, error) { return r.stayOn("/ws/echo") },
	(*running).stayOnPolling,
	func(r *running, i int) (*stay, error) {
		s, err := r.stayOnPolling(i)
		if err != nil {
			return nil, err
		}
		up, err := r.stayOn("/socket.io/?EIO=4&transport=websocket&sid=" + s.sid)
		if err != nil {
			return nil, err
		}
		if _, err := up.conn.Write(clientText("2probe")); err != nil {
			return nil, err
		}
		if _, err := http.ReadResponse(bufio.NewReaderSize(s.conn, 512), nil); err != nil { // to the poll that waited
			return nil, err
		}
		s.conn.Close()
		_, err = up.conn.Write(clientText("5"))
		return up, err
	},
}

func (r *running) stayOn(target string) (*stay, error) {
	dialer := ws.Dialer{ReadBufferSize: 512, WriteBufferSize: 512, Timeout: patience}
	conn, early, _, err := dialer.Dial(context.Background(), "ws://"+r.addr()+target)
	if err != nil {
		return nil, err
	}
	if early != nil {
		ws.PutReader(early)
	}
	return &stay{conn: conn}, nil
}

// stayOnPolling opens a session whose poll waits.
func (r *running) stayOnPolling(int) (*stay, error) {
	conn, err := net.Dial("tcp", r.addr())
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: crier\r\n\r\n"); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 512), nil)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	var hello struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(body), "0")), &hello); err != nil {
		return nil, fmt.Errorf("%q: %w", body, err)
	}
	_, err = io.WriteString(conn, "GET /socket.io/?EIO=4&transport=polling&sid="+hello.SID+" HTTP/1.1\r\nHost: crier\r\n\r\n")
	return &stay{conn, hello.SID}, err
}

// leave ends the stay in one of the ways in which clients go.
func (s *stay) leave(r *running, way int) {
	switch tcp := s.conn.(*net.TCPConn); {
	case way%4 == 0:
		_ = tcp.SetLinger(0) // the server finds the connection reset
	case way%4 == 1:
		_ = tcp.CloseWrite()
		_, _ = io.Copy(io.Discard, tcp)
	case way%4 == 2 && s.sid == "":
		_, _ = s.conn.Write(ws.MustCompileFrame(ws.MaskFrameInPlace(ws.NewCloseFrame(nil))))
		_, _ = io.Copy(io.Discard, tcp)
	case way%4 == 2:
		if conn, err := net.Dial("tcp", r.addr()); err == nil {
			_, _ = io.WriteString(conn, "POST /socket.io/?EIO=4&transport=polling&sid="+s.sid+" HTTP/1.1\r\nHost: crier\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1")
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
	}
	s.conn.Close()
}

// inParallel calls f for each number below n, from a few goroutines.
func inParallel(n int, f func(i int)) {
	var workers sync.WaitGroup
	for w := range 16 {
		workers.Go(func() {
			for i := w; i < n; i += 16 {
				f(i)
			}
		})
	}
	workers.Wait()
}

// A footprint is what a process has in use.
type footprint struct{ goroutines, files, heap int }

func measure() footprint {
	runtime.GC()
	runtime.GC() // what pools held goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, _ := os.ReadDir("/proc/self/fd") // on Linux; elsewhere there is nothing to count
	return footprint{runtime.NumGoroutine(), len(files), int(m.HeapAlloc)}
}

// Clients of every kind come at once, stay, and go in every way there is. Afterwards the server has in use what it had before.
func TestAfterWavesOfConnectionsNothingIsLeft(t *testing.T) {
	const waves = 3
	size := waveSize(t)
	r := start(t, func(c *config.Config) {
		c.MaxPlain, c.MaxAddressSessions, c.MaxAddressRate = size, 2*size, 1_000_000
	})
	g := r.guest("first") // what is made once, is made now
	g.expectUnharmed()
	g.conn.Close()
	r.client.CloseIdleConnections()
	r.until("it is empty", func() bool { return r.server.io.Sessions() == 0 })
	before := measure()
	for wave := range waves {
		stays := make([]*stay, size)
		inParallel(size, func(i int) {
			s, err := kinds[i%len(kinds)](r, i)
			if err != nil {
				t.Error("a client is not let in:", err)
				return
			}
			stays[i] = s
		})
		if t.Failed() {
			t.FailNow()
		}
		r.untilPatiently("all are there", func() bool { return r.server.io.Sessions()+r.server.plain.plain.Len() == size })
		full := measure()
		inParallel(size, func(i int) { stays[i].leave(r, i/len(kinds)) })
		stays = nil
		r.untilPatiently("all are gone", func() bool { return r.server.io.Sessions()+r.server.plain.plain.Len() == 0 })
		var after footprint
		r.untilPatiently(fmt.Sprintf("goroutines and files are as few as before, %+v", before), func() bool {
			after = measure()
			return after.goroutines <= before.goroutines+72 && after.files <= before.files+8 // 64 of the crew may rest
		})
		t.Logf("wave %d of %d: %+v before, %+v with all, %+v after", wave+1, size, before, full, after)
		// Timers that were stopped stay in Go's heaps of timers, with what they are about, until they are a quarter of them.
		if spare := 2<<20 + (full.heap-before.heap)/3; after.heap > before.heap+spare {
			t.Errorf("wave %d: %d bytes more are in use than before", wave+1, after.heap-before.heap)
		}
	}
}

// untilPatiently is until for what takes long on a machine that has other things to do.
func (r *running) untilPatiently(what string, holds func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("waited %v until %s; now it is %+v", patience, what, measure())
		}
	}
}
