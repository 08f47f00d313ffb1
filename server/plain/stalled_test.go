package plain_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/crier/crier/server/plain"
	"github.com/crier/crier/server/websocket"
)

// liveHeap returns how many bytes of memory somebody still holds. What becomes garbage while the collector runs counts
// as held, so the least of a few runs is taken.
func liveHeap() uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	least := uint64(math.MaxUint64)
	for range 3 {
		runtime.GC()
		metrics.Read(live)
		least = min(least, live[0].Value.Uint64())
	}
	return least
}

// What the test sends is many times what may wait for one client, or for all of them together.
func TestClose1013WhenTheClientDoesNotKeepUp(t *testing.T) {
	const stalled, maxQueue, size, texts = 8, 1 << 20, 32 << 10, 1024
	h := open(t, plain.Options{MaxQueue: maxQueue, MaxRate: 1 << 20, WriteTimeout: patience})
	lively := h.enter("/ws/chat")
	var still []*client
	for range stalled {
		still = append(still, h.enter("/ws/chat"))
	}
	said := strings.Repeat("x", size)
	before, most := liveHeap(), uint64(0)
	for i := range texts {
		lively.says(said)
		lively.hears("1说: " + said) // it keeps up, and is served all the while
		if i%16 == 0 {
			most = max(most, liveHeap())
		}
	}
	grown := int64(most) - int64(before)
	t.Logf("%d stalled clients, %d MiB said: the heap grew by %.1f MiB at most; each may hold %d MiB", stalled,
		texts*size>>20, float64(grown)/(1<<20), maxQueue>>20)
	if limit := int64(stalled * maxQueue); grown > limit {
		t.Errorf("the heap grew by %d bytes, more than the %d that %d stalled clients may cost", grown, limit, stalled)
	}
	for i, c := range still {
		heard, end, err := c.read()
		if want := (goodbye{websocket.CloseTryAgainLater, "slow consumer"}); err != nil || end != want {
			t.Fatalf("stalled client %d: after %d texts %v, %v, want %v", i+1, len(heard), end, err, want)
		}
		for n, line := range heard {
			if line != "1说: "+said {
				t.Fatalf("stalled client %d: its text %d is not whole: %d bytes", i+1, n, len(line))
			}
		}
		if len(heard) == 0 || len(heard) == texts {
			t.Errorf("stalled client %d heard %d texts of %d before its end", i+1, len(heard), texts)
		}
		c.write(closing(end.code, ""))
		c.hangsUp()
	}
	waitFor(t, "the stalled clients are forgotten", func() bool { return h.sv.Len() == 1 })
}

// The same from one client's own fault: it asks, and does not read the answers.
func TestClose1013WhenTheClientDoesNotReadItsAnswers(t *testing.T) {
	const maxQueue = 256 << 10
	h := open(t, plain.Options{MaxQueue: maxQueue, MaxRate: 1 << 20, WriteTimeout: patience})
	c := h.join("/ws/echo")
	before, most := liveHeap(), uint64(0)
	said := frame(true, websocket.OpBinary, someBytes(60_000))
	for i := 0; h.sv.Leaving() == 0; i++ {
		c.sends(said)
		if i%16 == 0 {
			most = max(most, liveHeap())
		}
	}
	grown := int64(most) - int64(before)
	t.Logf("the heap grew by %d KiB at most; the queue may hold %d KiB", grown>>10, maxQueue>>10)
	if limit := int64(3 * maxQueue); grown > limit { // the queue, and the messages on their way through
		t.Errorf("the heap grew by %d bytes, more than %d", grown, limit)
	}
	for {
		op, payload, err := c.next()
		switch {
		case err != nil:
			t.Fatal("no close frame:", err)
		case op == websocket.OpClose:
			if payload != "\x03\xf5slow consumer" {
				t.Errorf("closed with %q", payload)
			}
			return
		case len(payload) != 60_000:
			t.Fatalf("an answer of %d bytes", len(payload))
		}
	}
}

// What one client does must not slow the others down: it is cut off, or served by a goroutine of its own.
func TestStalledClientsDoNotHoldUpTheOthers(t *testing.T) {
	h := open(t, plain.Options{MaxRate: 1 << 20})
	lively, still := h.enter("/ws/chat"), h.enter("/ws/chat")
	said := strings.Repeat("x", 100_000)
	for range 100 { // 10 MB: far more than the kernel and the queue hold for the other
		lively.says(said)
		lively.hears("1说: " + said)
	}
	still.conn.Close()
	waitFor(t, "the stalled client is forgotten", func() bool { return h.sv.Len() == 1 })
}

// A client may hang up its own direction behind its close frame and still hear the answer.
func TestCloseIsAnsweredToAClientThatHasHungUpItsDirection(t *testing.T) {
	h := open(t, plain.Options{})
	lost := 0
	for i := range 200 {
		c := h.join("/ws/echo")
		c.sends(append(text("last words"), closing(4000, fmt.Sprint(i))...))
		c.conn.(*net.TCPConn).CloseWrite()
		heard, end, err := c.read()
		if errors.Is(err, io.EOF) {
			lost++
		} else if err != nil || end != (goodbye{4000, fmt.Sprint(i)}) || len(heard) != 1 {
			t.Fatal("ended with", heard, end, err)
		}
	}
	if lost > 0 {
		t.Errorf("%d of 200 close frames were lost", lost)
	}
}
