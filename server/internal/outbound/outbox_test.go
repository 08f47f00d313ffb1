package outbound

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crier/crier/server/websocket"
)

// An ownerLog writes down what an outbox tells its owner.
type ownerLog struct {
	waiting chan struct{} // holds one
	failed  chan error
	counter *counter // nil: nobody counts
}

func newOwnerLog() *ownerLog {
	return &ownerLog{waiting: make(chan struct{}, 1), failed: make(chan error, 10)}
}

func (l *ownerLog) FramesWaiting() {
	select {
	case l.waiting <- struct{}{}:
	default:
	}
}

func (l *ownerLog) WriteFailed(err error) { l.failed <- err }

func (l *ownerLog) HeldBytes(delta int) {
	if l.counter != nil {
		l.counter.add(delta)
	}
}

// failure waits for the call of WriteFailed.
func (l *ownerLog) failure(t *testing.T) error {
	t.Helper()
	select {
	case err := <-l.failed:
		return err
	case <-time.After(patience):
		t.Fatal("the owner was not told of a failure")
		return nil
	}
}

const testLimit = 1 << 20

// newOutbox returns an outbox with a flusher of its own.
func newOutbox(t testing.TB, l OutboxLimits) (*Outbox, *ownerLog) { return newCountedOutbox(t, l, nil) }

// newCountedOutbox is newOutbox with somebody who counts what is held.
func newCountedOutbox(t testing.TB, l OutboxLimits, c *counter) (*Outbox, *ownerLog) {
	f := NewFlusher()
	t.Cleanup(f.Close)
	if l.MaxBytes == 0 {
		l.MaxBytes = testLimit
	}
	if l.WriteTimeout == 0 {
		l.WriteTimeout = patience
	}
	o, log := new(Outbox), newOwnerLog()
	log.counter = c
	o.Init(f, log, &l)
	return o, log
}

// push pushes bytes and must be allowed to.
func push(t *testing.T, o *Outbox, a *Arena, b []byte) {
	t.Helper()
	if err := o.Push(a.Put(b)); err != nil {
		t.Fatal("Push:", err)
	}
}

func TestWhateverHappensEachByteLeavesOnceAndInOrder(t *testing.T) {
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		o, log := newOutbox(t, OutboxLimits{MaxBytes: 1 << 30})
		h := newThrottle(seed, 2, 1+rnd.IntN(3000))
		var a Arena
		var want, got []byte
		attached := false
		for range 300 {
			switch k := rnd.IntN(40); {
			case k == 0 && !attached:
				attached = true
				o.Attach(h)
			case k < 5 && !attached:
				got = append(got, bytes.Join(o.Take(), nil)...)
			default:
				f, b := randomFrames(&a, rnd, randomSize(rnd))
				if rnd.IntN(4) == 0 {
					continue // a frame for others
				}
				if err := o.Push(f); err != nil {
					t.Fatal(err)
				}
				want = append(want, b...)
			}
		}
		if !attached {
			o.Attach(h)
		}
		o.Finish(a.Put([]byte("last")), 0)
		<-h.closed
		got = append(got, h.taken.Bytes()...)
		if want = append(want, "last"...); !bytes.Equal(got, want) {
			at := firstDifference(got, want)
			t.Fatalf("seed %d: %d bytes left, want %d; they differ from %d on", seed, len(got), len(want), at)
		}
		if len(log.failed) > 0 {
			t.Fatalf("seed %d: %v", seed, <-log.failed)
		}
	}
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func TestConcurrentPushersAndAClientThatStallsLoseNothing(t *testing.T) {
	const pushers, each = 4, 2000
	onEachTransport(t, func(t *testing.T, w *wire) {
		o, log := newOutbox(t, OutboxLimits{MaxBytes: 64 << 20})
		var a Arena
		var pushing sync.WaitGroup
		filling := strings.Repeat("x", 1000)
		for i := range pushers {
			pushing.Go(func() {
				for k := range each {
					payload := fmt.Appendf(nil, "%d %d %s", i, k, filling)
					if err := o.Push(a.Put(websocket.AppendFrame(nil, websocket.OpText, payload))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		o.Attach(w.conn)
		pushing.Wait() // the client has read nothing: most of it waits
		next := make([]int, pushers)
		for range pushers * each {
			payload := w.receive(t)
			var i, k int
			fmt.Sscan(payload, &i, &k)
			if k != next[i] {
				t.Fatalf("pusher %d: frame %d came in place %d", i, k, next[i])
			}
			next[i]++
		}
		waitFor(t, "an empty queue", func() bool { return o.Size() == 0 })
		waitFor(t, "a client that keeps up", o.Ready)
		push(t, o, &a, websocket.AppendFrame(nil, websocket.OpText, []byte("at once")))
		if got := w.receive(t); got != "at once" {
			t.Errorf("then came %q", got)
		}
		if len(log.failed) > 0 {
			t.Error(<-log.failed)
		}
	})
}

func TestTheLimitIsExact(t *testing.T) {
	o, log := newOutbox(t, OutboxLimits{MaxBytes: 1000})
	var a Arena
	push(t, o, &a, make([]byte, 400))
	push(t, o, &a, make([]byte, 600))
	if err := o.Push(a.Put(make([]byte, 1))); !errors.Is(err, ErrQueueFull) {
		t.Errorf("one byte too many: %v", err)
	}
	if err := log.failure(t); !errors.Is(err, ErrQueueFull) {
		t.Errorf("the owner was told %v", err)
	}
	if o.Size() != 1000 {
		t.Errorf("%d bytes are held", o.Size())
	}
	if err := o.Push(a.Put(nil)); !errors.Is(err, ErrQueueFull) {
		t.Errorf("a frame after one was refused: %v: the client would miss the one between", err)
	}
}

func TestALargerFrameIsTakenWhenNothingElseWaits(t *testing.T) {
	o, _ := newOutbox(t, OutboxLimits{MaxBytes: 1000})
	var a Arena
	push(t, o, &a, make([]byte, 5000))
	if err := o.Push(a.Put(make([]byte, 1))); !errors.Is(err, ErrQueueFull) {
		t.Error(err)
	}
}

func TestBytesOnTheirWayCountToo(t *testing.T) {
	o, log := newOutbox(t, OutboxLimits{MaxBytes: 1000})
	w := overPipe(t) // takes a byte only when it is read
	o.Attach(w.conn)
	var a Arena
	push(t, o, &a, make([]byte, 900))
	waitFor(t, "a slow client", func() bool { return !o.Ready() })
	if err := o.Push(a.Put(make([]byte, 101))); !errors.Is(err, ErrQueueFull) {
		t.Error("a push past the limit:", err)
	}
	if err := log.failure(t); !errors.Is(err, ErrQueueFull) {
		t.Errorf("the owner was told %v", err)
	}
	o.Close()
}

func TestALostConnectionIsToldOnceAndEndsTheOutbox(t *testing.T) {
	onEachTransport(t, func(t *testing.T, w *wire) {
		o, log := newOutbox(t, OutboxLimits{})
		o.Attach(w.conn)
		w.client.Close()
		var a Arena
		waitFor(t, "the loss noticed", func() bool { return o.Push(a.Put(make([]byte, 100))) != nil })
		if err := log.failure(t); err == nil || errors.Is(err, ErrQueueFull) {
			t.Errorf("the owner was told %v", err)
		}
		if err := o.Push(a.Put([]byte("x"))); !errors.Is(err, ErrOutboxClosed) {
			t.Error("Push after the loss:", err)
		}
		if len(log.failed) > 0 {
			t.Error("the owner was told twice")
		}
	})
}

func TestFramesThatWaitForATakerAreAnnounced(t *testing.T) {
	o, log := newOutbox(t, OutboxLimits{})
	var a Arena
	for _, s := range []string{"one", "two"} {
		push(t, o, &a, []byte(s))
		<-log.waiting
		if got := bytes.Join(o.Take(), nil); string(got) != s {
			t.Errorf("took %q, want %q", got, s)
		}
	}
	if o.Take() != nil || o.Size() != 0 || o.Ready() {
		t.Error("an empty outbox without connection holds something, or is ready")
	}
}

func TestASealedOutboxLetsGoWhatItHas(t *testing.T) {
	o, _ := newOutbox(t, OutboxLimits{})
	var a Arena
	push(t, o, &a, []byte("before"))
	o.Seal()
	if err := o.Push(a.Put([]byte("after"))); !errors.Is(err, ErrOutboxClosed) {
		t.Error("Push:", err)
	}
	w := overPipe(t)
	o.Attach(w.conn)
	if o.Ready() {
		t.Error("a sealed outbox is ready")
	}
	o.Finish(a.Put([]byte(", last")), 0)
	if got, err := io.ReadAll(w.client); string(got) != "before, last" || err != nil {
		t.Errorf("the client read %q, %v", got, err)
	}
}

func TestAClosedOutboxTakesNothingAndClosesWhatIsAttached(t *testing.T) {
	o, log := newOutbox(t, OutboxLimits{})
	var a Arena
	push(t, o, &a, []byte("dropped"))
	o.Close()
	o.Close()
	if err := o.Push(a.Put([]byte("x"))); !errors.Is(err, ErrOutboxClosed) || o.Size() != 0 {
		t.Errorf("Push: %v, %d bytes are held", err, o.Size())
	}
	w := overPipe(t)
	o.Attach(w.conn)
	o.Finish(a.Put([]byte("last")), time.Hour)
	o.Cut(a.Put([]byte("last")), time.Hour)
	if got, err := io.ReadAll(w.client); len(got) > 0 || err != nil {
		t.Errorf("the client read %q, %v", got, err)
	}
	if len(log.failed) > 0 {
		t.Error(<-log.failed)
	}
}
