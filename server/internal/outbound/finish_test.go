package outbound

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs body with a clock of its own, an outbox, and a connection in memory.
func inBubble(t *testing.T, body func(t *testing.T, o *Outbox, w *wire, a *Arena)) {
	synctest.Test(t, func(t *testing.T) {
		o, _ := newOutbox(t, OutboxLimits{WriteTimeout: 9 * time.Second})
		w := overPipe(t)
		body(t, o, w, new(Arena))
	})
}

// expectLast checks what the client still reads, and when the connection ends.
func expectLast(t *testing.T, w *wire, want string, began time.Time, after time.Duration) {
	t.Helper()
	got, err := io.ReadAll(w.client)
	if string(got) != want || err != nil {
		t.Errorf("the client read %q, %v; want %q", got, err, want)
	}
	if took := time.Since(began); took != after {
		t.Errorf("the connection ended after %v, want %v", took, after)
	}
}

func TestFinishLetsEverythingGoAndKeepsTheConnectionForItsGrace(t *testing.T) {
	for _, grace := range []time.Duration{0, testGrace} {
		inBubble(t, func(t *testing.T, o *Outbox, w *wire, a *Arena) {
			o.Attach(w.conn)
			push(t, o, a, []byte("queued, "))
			o.Finish(a.Put([]byte("last")), grace)
			if err := o.Push(a.Put([]byte("too late"))); err != ErrOutboxClosed {
				t.Error("Push:", err)
			}
			expectLast(t, w, "queued, last", time.Now(), grace)
		})
	}
}

func TestFinishWaitsForAConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, o *Outbox, w *wire, a *Arena) {
		push(t, o, a, []byte("queued, "))
		o.Finish(a.Put([]byte("last")), testGrace)
		synctest.Wait()
		o.Attach(w.conn)
		expectLast(t, w, "queued, last", time.Now(), testGrace)
	})
}

func TestFinishWithoutALastFrameEndsWhatIsAttachedLater(t *testing.T) {
	inBubble(t, func(t *testing.T, o *Outbox, w *wire, a *Arena) {
		o.Finish(Frames{}, 0)
		synctest.Wait()
		o.Attach(w.conn)
		expectLast(t, w, "", time.Now(), 0)
	})
}

func TestAnAnswerToTheCloseFrameEndsTheConnectionAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, o *Outbox, w *wire, a *Arena) {
		o.Attach(w.conn)
		o.Finish(a.Put([]byte("last")), testGrace)
		go func() {
			time.Sleep(time.Second)
			o.Finish(a.Put([]byte("not this")), 0)
		}()
		expectLast(t, w, "last", time.Now(), time.Second)
	})
	inBubble(t, func(t *testing.T, o *Outbox, w *wire, a *Arena) {
		o.Attach(w.conn)
		push(t, o, a, []byte("queued, "))
		o.Finish(a.Put([]byte("last")), testGrace)
		o.Finish(a.Put([]byte("not this")), 0) // before the first one's frame is out
		expectLast(t, w, "queued, last", time.Now(), 0)
	})
}

func TestWhoTakesNothingAfterFinishIsCutOff(t *testing.T) {
	inBubble(t, func(t *testing.T, o *Outbox, w *wire, a *Arena) {
		o.Finish(a.Put([]byte("last")), testGrace)
		synctest.Wait()
		time.Sleep(5 * time.Second)
		o.Attach(w.conn) // and never reads
		time.Sleep(6*time.Second - time.Microsecond/2)
		if w.conn.isClosed() {
			t.Error("cut off too early")
		}
		time.Sleep(time.Microsecond)
		if _, err := w.client.Read(make([]byte, 1)); err != io.EOF {
			t.Error("the client reads on:", err)
		}
	})
}

func TestCutDropsWhatWaitsButSaysWhy(t *testing.T) {
	for name, before := range map[string]func(o *Outbox, a *Arena){
		"alone":        func(*Outbox, *Arena) {},
		"after Finish": func(o *Outbox, a *Arena) { o.Finish(a.Put([]byte("good-bye")), testGrace) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, o *Outbox, w *wire, a *Arena) {
				o.Attach(w.conn)
				push(t, o, a, []byte("flying, "))
				synctest.Wait()
				push(t, o, a, []byte("dropped, "))
				before(o, a)
				o.Cut(a.Put([]byte("why")), testGrace)
				if o.Size() != len("flying, why") {
					t.Errorf("%d bytes are held", o.Size())
				}
				expectLast(t, w, "flying, why", time.Now(), testGrace)
			})
		})
	}
}

func TestAfterAFullQueueTheReasonStillGoesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, log := newOutbox(t, OutboxLimits{MaxBytes: 100, WriteTimeout: 9 * time.Second})
		w := overPipe(t)
		var a Arena
		push(t, o, &a, make([]byte, 100))
		o.Push(a.Put([]byte("one too many")))
		<-log.failed
		o.Attach(w.conn)
		o.Finish(a.Put([]byte("not sent: there is no room")), testGrace)
		o.Cut(a.Put([]byte("why")), testGrace)
		expectLast(t, w, "why", time.Now(), testGrace)
	})
}

func TestAConnectionThatTakesNothingForTheTimeoutIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, log := newOutbox(t, OutboxLimits{WriteTimeout: 9 * time.Second})
		w := overPipe(t)
		var a Arena
		o.Attach(w.conn)
		push(t, o, &a, make([]byte, 10))
		began := time.Now()
		buf := make([]byte, 1)
		for range 3 { // a byte at a time is progress
			time.Sleep(8 * time.Second)
			if _, err := io.ReadFull(w.client, buf); err != nil {
				t.Fatal(err)
			}
		}
		err := <-log.failed
		if netErr, ok := err.(net.Error); !ok || !netErr.Timeout() {
			t.Error("the owner was told", err)
		}
		// A write that took something goes on with a new deadline, so the last byte may hide one that had nearly
		// passed.
		if took := time.Since(began); took < 33*time.Second || took > 42*time.Second {
			t.Errorf("given up after %v", took)
		}
	})
}

func TestAFlusherThatIsClosedEnds(t *testing.T) {
	f := NewFlusher()
	var a Arena
	for range 10 {
		var o Outbox
		o.Init(f, newOwnerLog(), &OutboxLimits{MaxBytes: testLimit, WriteTimeout: patience})
		o.Push(a.Put([]byte("perhaps never flushed")))
	}
	f.Close()
	f.Close()
}

func TestAPushBesideCutGoesBeforeOrIsRefused(t *testing.T) {
	f := NewFlusher()
	defer f.Close()
	var a Arena
	const pushers, rounds, most = 3, 100, 5000
	for round := range rounds {
		var o Outbox
		o.Init(f, newOwnerLog(), &OutboxLimits{MaxBytes: 1 << 30, WriteTimeout: patience})
		h := newThrottle(uint64(round), 1, 30)
		if round%2 == 0 {
			o.Attach(h)
		}
		var pushing sync.WaitGroup
		started := make(chan struct{}, pushers)
		for p := range pushers {
			pushing.Go(func() {
				for k := range most {
					if o.Push(a.Put(fmt.Appendf(nil, "%d/%d ", p, k))) != nil {
						return
					}
					if k == 5 {
						started <- struct{}{}
					}
				}
			})
		}
		for range pushers {
			<-started
		}
		o.Cut(a.Put([]byte("why")), 0)
		if round%2 == 1 {
			o.Attach(h)
		}
		pushing.Wait()
		<-h.closed
		words := strings.Fields(h.taken.String())
		if last := len(words) - 1; words[last] != "why" {
			t.Fatalf("round %d: the last frame is %q", round, words[last])
		}
		var next [pushers]int
		for _, word := range words[:len(words)-1] {
			var p, k int
			fmt.Sscanf(word, "%d/%d", &p, &k)
			if k != next[p] {
				t.Fatalf("round %d: pusher %d's frame %d leaves in place of frame %d", round, p, k, next[p])
			}
			next[p]++
		}
	}
}
