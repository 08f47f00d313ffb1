package server

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/crier/crier/config"
)

// The tests below attack a server that has its default settings, from an address of its own, and look at what that
// does to a client of another address. It answers pings only when it is asked whether it is harmed, so it has its time.
func unhurried(c *config.Config) { c.PingTimeout = 10 * time.Minute }

// attackers is the address of those who attack; guests have 127.0.0.1.
const attackers = "127.0.0.2"

// heap returns how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// peak calls f and returns the most that measure returned meanwhile.
func peak(measure func() int64, f func()) (most int64) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { // ends with f
		defer close(done)
		for {
			most = max(most, measure())
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	f()
	close(stop)
	<-done
	return most
}

func TestRepeatedIDsStartNoGoroutines(t *testing.T) {
	r := start(t, unhurried)
	near := r.guest("near")
	guests := make([]*guest, 300)
	inParallel(len(guests), func(i int) {
		g, err := r.tryGuestFrom(attackers, fmt.Sprint("speaker ", i))
		if err != nil {
			t.Error(err)
			return
		}
		guests[i] = g
		t.Cleanup(func() { g.conn.Close() })
	})
	if t.Failed() {
		return
	}
	own := int64(runtime.NumGoroutine())
	again := []byte(strings.Repeat(string(clientText(`421["message","again",{"id":"same"}]`)), 200))
	most := peak(func() int64 { return int64(runtime.NumGoroutine()) }, func() {
		inParallel(len(guests), func(i int) {
			guests[i].conn.SetWriteDeadline(time.Now().Add(patience))
			_, _ = guests[i].conn.Write(again)
		})
		near.expectUnharmed()
	})
	if t.Logf("%d goroutines beyond %d", most-own, own); most-own > 1000 {
		t.Errorf("%d goroutines beyond the %d that were there", most-own, own)
	}
}

func TestPacketsThatAreHalfSentEndInTime(t *testing.T) {
	r := start(t, func(c *config.Config) { c.MessageTimeout = 5 * time.Second })
	near := r.guest("near")
	attachment := clientFrame(ws.NewBinaryFrame(make([]byte, 500_000)))
	guests := make([]*guest, 40)
	for i := range guests {
		g, err := r.tryGuestFrom(attackers, "")
		if err != nil {
			t.Fatal(err)
		}
		guests[i] = g
		defer g.conn.Close()
	}
	for _, g := range guests {
		g.send(`452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
		_, _ = g.conn.Write(attachment)
	}
	held := func() int64 { return r.server.shares.Stats().Held }
	r.untilPatiently("they are counted", func() bool { return held() > 40*400_000 })
	for _, g := range guests {
		if err := g.await("an end"); err == nil || !strings.Contains(err.Error(), "closed") {
			t.Fatal("it ends with", err)
		}
	}
	r.untilPatiently("nothing is held", func() bool { return held() == 0 })
	near.expectUnharmed()
}

func TestTheLossesOfOneAddressDoNotPushOutAnothers(t *testing.T) {
	r := start(t, nil)
	g, answer, err := r.connect("127.0.0.1", "")
	if err != nil {
		t.Fatal(err)
	}
	_, pid, _ := strings.Cut(answer, `"pid":"`)
	pid, _, _ = strings.Cut(pid, `"`)
	g.conn.Close()
	r.untilPatiently("the loss is noticed", func() bool { return r.metric("crier_sockets") == "0" })
	inParallel(1501, func(i int) {
		for range 20 { // an address may open so many in a second
			if a, err := r.tryGuestFrom(attackers, fmt.Sprint("a", i)); err == nil {
				a.conn.Close()
				return
			}
			time.Sleep(time.Second)
		}
		t.Error("number", i, "was never let in")
	})
	again, answer, err := r.connect("127.0.0.1", fmt.Sprintf(`{"pid":%q}`, pid))
	if err != nil || pid == "" || !strings.Contains(answer, pid) {
		t.Fatalf("the lost session is not recovered: %s, %v", answer, err)
	}
	again.conn.Close()
}

// Messages that are never whole, through each door that takes WebSockets.
func TestWhatOneAddressHasHeldForItsWebSocketsIsBounded(t *testing.T) {
	r := start(t, unhurried)
	near := r.guest("near")
	half := clientFrame(ws.NewBinaryFrame(make([]byte, 990_000)))[:900_000]
	for _, path := range []string{"/socket.io/?EIO=4&transport=websocket", "/ws/echo", "/ws/news"} {
		shed := r.server.shares.Stats().ShedShare
		var open []net.Conn
		held := peak(func() int64 { return r.server.shares.Stats().Held }, func() {
			for range 240 {
				dialer := ws.Dialer{NetDial: from(t, attackers).DialContext}
				conn, _, _, err := dialer.Dial(t.Context(), "ws://"+r.addr()+path)
				if err != nil {
					t.Fatal(err)
				}
				open = append(open, conn)
				conn.SetWriteDeadline(time.Now().Add(patience))
				_, _ = conn.Write(half)
			}
			r.untilPatiently("some are shed", func() bool { return r.server.shares.Stats().ShedShare > shed })
		})
		near.expectUnharmed()
		for _, conn := range open {
			conn.Close()
		}
		r.untilPatiently("nothing is held", func() bool { return r.server.shares.Stats().Held == 0 })
		if t.Logf("%s: %d KiB were held", path, held>>10); held > 100<<20 {
			t.Errorf("%s: %d bytes were held", path, held)
		}
	}
}

// At their own rates one client's messages, however they are cut, leave everybody connected who can take 2 Mbit/s.
func TestOneClientCannotCutOffReadersOfTwoMegabits(t *testing.T) {
	for name, c := range map[string]struct{ size, count int }{"large": {990_000, 20}, "short": {10, 20_000}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, nil)
			slow := r.guest("slow")
			var heard atomic.Int64
			over := make(chan error, 1)
			go func() { // ends with the connection
				_ = slow.conn.(*net.TCPConn).SetReadBuffer(64 << 10)
				slow.in.Reset(&slowReader{conn: slow.conn, perSecond: 250_000})
				for {
					text, err := slow.receive()
					if err != nil {
						over <- err
						return
					}
					heard.Add(int64(len(text)))
				}
			}()
			a, err := r.tryGuestFrom(attackers, "loud")
			if err != nil {
				t.Fatal(err)
			}
			defer a.conn.Close()
			var all sync.WaitGroup
			all.Go(func() { // ends with the connection
				for i := range c.count {
					a.send(fmt.Sprintf(`42%d["message","%s"]`, i, strings.Repeat("x", c.size)))
				}
			})
			all.Go(func() { // ends with the connection
				_, _ = io.Copy(io.Discard, a.conn)
			})
			select {
			case err := <-over:
				t.Errorf("after %d bytes the slow reader was cut off: %v", heard.Load(), err)
			case <-time.After(8 * time.Second): // far longer than a queue of 4 MiB lasts at what a loopback carries
			}
			for end := time.Now().Add(patience); heard.Load() == 0; time.Sleep(time.Millisecond) { // a large one takes 4 s
				if time.Now().After(end) {
					t.Fatal("the slow reader heard nothing")
				}
			}
			a.conn.Close()
			all.Wait()
		})
	}
}

// A slowReader takes so many bytes a second.
type slowReader struct {
	conn      net.Conn
	perSecond int
}

func (s *slowReader) Read(b []byte) (int, error) {
	n, err := s.conn.Read(b[:min(len(b), s.perSecond/50)])
	time.Sleep(time.Duration(n) * time.Second / time.Duration(s.perSecond))
	return n, err
}

func TestThreeHundredSpeakersBehindAProxyWithoutANameChatAsUsual(t *testing.T) {
	r := start(t, nil)
	guests := make([]*guest, 300)
	inParallel(len(guests), func(i int) {
		g, err := r.tryGuestFrom("127.0.0.4", fmt.Sprint("speaker ", i), fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", i%250))
		if err != nil {
			t.Error("one is refused:", err)
			return
		}
		guests[i] = g
		t.Cleanup(func() { g.conn.Close() })
	})
	if t.Failed() {
		return
	}
	var slowest atomic.Int64
	inParallel(len(guests), func(i int) {
		for n := range 3 {
			began := time.Now()
			guests[i].send(fmt.Sprintf(`42%d["message","hello %d"]`, n, n))
			if err := guests[i].await(fmt.Sprintf("43%d[{", n)); err != nil {
				t.Error("one is not answered:", err)
				return
			}
			slowest.Store(max(slowest.Load(), int64(time.Since(began))))
		}
	})
	t.Logf("the slowest answer took %v", time.Duration(slowest.Load()))
	r.expectMetric(`crier_rate_waits_total{who="speaker"}`, "0")
	for _, l := range []string{"max_address_sessions", "max_address_rate"} {
		r.expectMetric(`crier_limit_hits_total{limit="`+l+`",part="engineio"}`, "0")
	}
	r.expectMetric(`crier_limit_hits_total{limit="max_held_bytes",part="http"}`, "0")
	if n := strings.Count(r.log.String(), "trusted_proxies"); n != 1 {
		t.Errorf("%d lines name trusted_proxies, want one:\n%s", n, r.log)
	}
}
