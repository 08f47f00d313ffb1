package outbound

import (
	"bytes"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"
)

// A counter adds up what an owner is told.
type counter struct {
	sum, calls, least atomic.Int64
}

func (c *counter) add(delta int) {
	c.calls.Add(1)
	if sum := c.sum.Add(int64(delta)); sum < c.least.Load() {
		c.least.Store(sum)
	}
}

// expect checks the sum for an outbox that holds so many bytes.
func (c *counter) expect(t *testing.T, o *Outbox) {
	t.Helper()
	if want := int64(o.Size() / HeldStep * HeldStep); c.sum.Load() != want {
		t.Fatalf("%d bytes are counted of %d that are held", c.sum.Load(), o.Size())
	}
	if c.least.Load() < 0 {
		t.Fatalf("%d bytes were counted", c.least.Load())
	}
}

func TestWhatIsHeldIsCountedInWholeSteps(t *testing.T) {
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		var c counter
		o, _ := newCountedOutbox(t, OutboxLimits{MaxBytes: 1 << 30}, &c)
		var a Arena
		for range 200 {
			switch rnd.IntN(20) {
			case 0:
				o.Take()
			case 1:
				o.TakeUpTo(rnd.IntN(2*HeldStep), func(_ []byte, n int) int { return n })
			default:
				push(t, o, &a, make([]byte, randomSize(rnd)))
			}
			c.expect(t, o)
		}
		o.AttachConverted(newThrottle(seed, 1, 5000), func(queued [][]byte) []byte {
			return make([]byte, rnd.IntN(1+3*total(queued)))
		})
		push(t, o, &a, make([]byte, randomSize(rnd)))
		waitFor(t, "an empty queue", func() bool { return o.Size() == 0 })
		c.expect(t, o)
	}
}

func TestAShortQueueIsNotCounted(t *testing.T) {
	var c counter
	o, _ := newCountedOutbox(t, OutboxLimits{}, &c)
	var a Arena
	for range 10 {
		push(t, o, &a, make([]byte, HeldStep/2))
		push(t, o, &a, make([]byte, HeldStep/2-1))
		o.Take()
	}
	if c.calls.Load() > 0 {
		t.Errorf("told %d times of less than a step", c.calls.Load())
	}
}

func TestNothingIsCountedAnyMoreHoweverAnOutboxEnds(t *testing.T) {
	for name, end := range map[string]func(o *Outbox, g *gate, a *Arena){
		"written":               func(o *Outbox, g *gate, a *Arena) { o.Finish(a.Put([]byte("last")), 0) },
		"cut off":               func(o *Outbox, g *gate, a *Arena) { o.Cut(a.Put([]byte("why")), 0) },
		"closed":                func(o *Outbox, g *gate, a *Arena) { o.Close() },
		"closed and then ended": func(o *Outbox, g *gate, a *Arena) { o.Close(); o.Cut(a.Put([]byte("why")), 0) },
		"a lost connection":     func(o *Outbox, g *gate, a *Arena) { g.lost.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			var c counter
			o, _ := newCountedOutbox(t, OutboxLimits{}, &c)
			g := newGate()
			o.Attach(g)
			var a Arena
			push(t, o, &a, make([]byte, 3*HeldStep))
			<-g.entered // these are on their way
			push(t, o, &a, make([]byte, 2*HeldStep))
			c.expect(t, o)
			end(o, g, &a)
			if c.sum.Load() < 3*HeldStep {
				t.Errorf("%d bytes are counted while the writer has more", c.sum.Load())
			}
			c.expect(t, o)
			go func() { // ends with the test: who has entered waits to go on
				for range g.entered {
				}
			}()
			defer close(g.entered)
			close(g.open)
			waitFor(t, "nothing held", func() bool { return o.Size() == 0 })
			c.expect(t, o)
		})
	}
}

func TestWhatIsQueuedIsConvertedForTheConnection(t *testing.T) {
	o, _ := newOutbox(t, OutboxLimits{})
	var a Arena
	push(t, o, &a, []byte("one "))
	flushed := o.Flushed()
	push(t, o, &a, []byte("two "))
	h := newThrottle(1, 1, 3)
	converted := 0
	o.AttachConverted(h, func(queued [][]byte) []byte {
		converted++
		return bytes.ToUpper(bytes.Join(queued, nil))[:7]
	})
	push(t, o, &a, []byte("three "))
	o.Finish(a.Put([]byte("last")), 0)
	<-h.closed
	if got := h.taken.String(); got != "ONE TWOthree last" || converted != 1 {
		t.Errorf("%q left, converted %d times", got, converted)
	}
	select {
	case <-flushed:
	default:
		t.Error("all has left, and somebody still waits")
	}
}

func TestWhoWaitsIsLetGoWhenNothingIsLeftOfWhatWasConverted(t *testing.T) {
	o, _ := newOutbox(t, OutboxLimits{})
	var a Arena
	push(t, o, &a, []byte("for long-polling alone"))
	flushed := o.Flushed()
	o.AttachConverted(newThrottle(1, 1, 3), func([][]byte) []byte { return nil })
	select {
	case <-flushed:
	default:
		t.Error("there is nothing to wait for")
	}
}

func TestNothingIsConvertedWhenNothingWaitsOrTheOutboxHasClosed(t *testing.T) {
	never := func([][]byte) []byte {
		t.Error("converted")
		return nil
	}
	o, _ := newOutbox(t, OutboxLimits{})
	o.AttachConverted(newThrottle(1, 1, 3), never)
	o, _ = newOutbox(t, OutboxLimits{})
	var a Arena
	push(t, o, &a, []byte("dropped"))
	o.Close()
	h := newThrottle(1, 1, 3)
	o.AttachConverted(h, never)
	<-h.closed
}

func TestAnOutboxTellsWhenWhatItHeldHasLeft(t *testing.T) {
	o, _ := newOutbox(t, OutboxLimits{})
	isClosed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	if !isClosed(o.Flushed()) {
		t.Error("there is something to wait for in an empty one")
	}
	var arena Arena
	push := func() <-chan struct{} {
		t.Helper()
		if err := o.Push(arena.Put([]byte("hello"))); err != nil {
			t.Fatal(err)
		}
		return o.Flushed()
	}
	first, second := push(), push()
	if isClosed(first) || isClosed(second) {
		t.Error("nothing has left yet")
	}
	o.Take()
	if !isClosed(first) || !isClosed(second) {
		t.Error("all has left")
	}
	third := push()
	o.Close()
	select {
	case <-third:
	case <-time.After(patience):
		t.Error("it has closed, and somebody still waits")
	}
	if !isClosed(o.Flushed()) {
		t.Error("there is something to wait for in a closed one")
	}
}
