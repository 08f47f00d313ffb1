package outbound

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A gate is a connection whose writes wait until they are let through.
type gate struct {
	*throttle
	entered, open chan struct{}
	lost          atomic.Bool // writes fail
}

func newGate() *gate {
	return &gate{throttle: newThrottle(1, 1, 0), entered: make(chan struct{}), open: make(chan struct{})}
}

func (g *gate) TryWrite(bufs [][]byte) (int64, error) {
	g.entered <- struct{}{}
	<-g.open
	if g.lost.Load() {
		return 0, io.ErrClosedPipe
	}
	return g.throttle.Write(bufs, time.Time{})
}

func TestAFrameThatComesDuringAWriteIsNotForgotten(t *testing.T) {
	o, _ := newOutbox(t, OutboxLimits{})
	g := newGate()
	o.Attach(g)
	var a Arena
	push(t, o, &a, []byte("one, "))
	<-g.entered
	push(t, o, &a, []byte("two"))
	g.open <- struct{}{}
	<-g.entered // nothing else is pushed, and yet it leaves
	g.open <- struct{}{}
	waitFor(t, "an empty queue", func() bool { return o.Size() == 0 })
	if got := g.taken.String(); got != "one, two" {
		t.Errorf("the connection took %q", got)
	}
}

// neighbours returns outboxes that belong to one worker.
func neighbours(t *testing.T, n int) (all []*Outbox, logs []*ownerLog) {
	f := NewFlusher()
	t.Cleanup(f.Close)
	for len(all) < n {
		o, log := new(Outbox), newOwnerLog()
		o.Init(f, log, &OutboxLimits{MaxBytes: testLimit, WriteTimeout: patience})
		if o.worker == &f.workers[0] {
			all, logs = append(all, o), append(logs, log)
		}
	}
	return all, logs
}

func TestTheOrderInWhichOutboxesBecomeDirtyMayChange(t *testing.T) {
	all, logs := neighbours(t, 3)
	var a Arena
	var b Batch
	for _, order := range [][]int{{0, 1}, {1, 0}, {2}, {1, 2, 0}, {0, 2}, {1}} {
		for _, i := range order {
			if err := all[i].PushBatch(a.Put([]byte("x")), &b); err != nil {
				t.Fatal(err)
			}
		}
		b.Flush()
		for _, i := range order {
			<-logs[i].waiting
			all[i].Take()
		}
		for i, log := range logs {
			if len(log.waiting) > 0 {
				t.Errorf("after %v outbox %d was flushed once more", order, i)
			}
		}
	}
}

func TestABatchThatIsNeverFlushedHoldsNothingUp(t *testing.T) {
	var a Arena
	for name, later := range map[string]func(o *Outbox){
		"a push":        func(o *Outbox) { push(t, o, &a, []byte(", then")) },
		"another batch": func(o *Outbox) { pushBatch(t, o, a.Put([]byte(", then")), new(Batch)) },
		"the batch's memory, used anew": func(o *Outbox) {
			var b Batch
			if err := o.PushBatch(a.Put([]byte(", and")), &b); err != nil {
				t.Fatal(err)
			}
			b = Batch{}
			pushBatch(t, o, a.Put([]byte(", then")), &b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, log := newOutbox(t, OutboxLimits{})
			var forgotten Batch
			if err := o.PushBatch(a.Put([]byte("first")), &forgotten); err != nil {
				t.Fatal(err)
			}
			later(o)
			<-log.waiting
			got := string(bytes.Join(o.Take(), nil))
			if !strings.HasPrefix(got, "first, ") || !strings.HasSuffix(got, ", then") {
				t.Errorf("took %q", got)
			}
			forgotten.Flush()
			push(t, o, &a, []byte("x"))
			waitFor(t, "frames that are announced", func() bool { return len(log.waiting) > 0 })
		})
	}
}

// pushBatch pushes with a batch of its own and flushes it.
func pushBatch(t *testing.T, o *Outbox, f Frames, b *Batch) {
	t.Helper()
	if err := o.PushBatch(f, b); err != nil {
		t.Fatal(err)
	}
	b.Flush()
}

func TestAChangeOfProcessorsLeavesNothingBehind(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, change := range [][2]int{{1, 4}, {4, 1}} {
		runtime.GOMAXPROCS(change[0])
		f := NewFlusher()
		var a Arena
		var sinks []*throttle
		for i := range 20 {
			o, h := new(Outbox), newThrottle(1, uint64(i), 10)
			o.Init(f, newOwnerLog(), &OutboxLimits{MaxBytes: testLimit, WriteTimeout: patience})
			o.Attach(h)
			sinks = append(sinks, h)
			runtime.GOMAXPROCS(change[1])
			push(t, o, &a, []byte("frame "))
			o.Finish(a.Put([]byte("last")), 0)
		}
		for i, h := range sinks {
			<-h.closed
			if got := h.taken.String(); got != "frame last" {
				t.Errorf("outbox %d: %q left", i, got)
			}
		}
		f.Close()
	}
}

func TestABatchReachesEveryOutboxOfEveryWorker(t *testing.T) {
	f := NewFlusher()
	t.Cleanup(f.Close)
	var a Arena
	var b Batch
	var outboxes []*Outbox
	var logs []*ownerLog
	for range 50 {
		o, log := new(Outbox), newOwnerLog()
		o.Init(f, log, &OutboxLimits{MaxBytes: testLimit, WriteTimeout: patience})
		outboxes, logs = append(outboxes, o), append(logs, log)
	}
	for round := range 20 {
		first, second := a.Put(fmt.Appendf(nil, "round %d, ", round)), a.Put([]byte("twice"))
		for _, frames := range []Frames{first, second} {
			for _, o := range outboxes {
				if err := o.PushBatch(frames, &b); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.Flush()
		b.Flush()
		for i, log := range logs {
			<-log.waiting
			want := fmt.Sprintf("round %d, twice", round)
			if got := bytes.Join(outboxes[i].Take(), nil); string(got) != want {
				t.Fatalf("outbox %d holds %q, want %q", i, got, want)
			}
		}
	}
}

func TestBatchesAndPushesMeet(t *testing.T) {
	const outboxes, goroutines, each = 20, 4, 300
	f := NewFlusher()
	t.Cleanup(f.Close)
	var a Arena
	all := make([]*Outbox, outboxes)
	sinks := make([]*throttle, outboxes)
	for i := range all {
		all[i], sinks[i] = new(Outbox), newThrottle(uint64(i), 0, 200)
		all[i].Init(f, newOwnerLog(), &OutboxLimits{MaxBytes: 1 << 30, WriteTimeout: patience})
		all[i].Attach(sinks[i])
	}
	var pushing sync.WaitGroup
	for g := range goroutines {
		pushing.Go(func() {
			var b Batch
			for k := range each {
				frames := a.Put(fmt.Appendf(nil, "%d/%d ", g, k))
				for _, o := range all {
					if g%2 == 0 {
						o.PushBatch(frames, &b)
					} else {
						o.Push(frames)
					}
				}
				b.Flush()
			}
		})
	}
	pushing.Wait()
	for i, o := range all {
		o.Finish(Frames{}, 0)
		<-sinks[i].closed
		words := strings.Fields(sinks[i].taken.String())
		if len(words) != goroutines*each {
			t.Fatalf("outbox %d: %d frames left, want %d", i, len(words), goroutines*each)
		}
		for g := range goroutines {
			others := func(w string) bool { return !strings.HasPrefix(w, fmt.Sprintf("%d/", g)) }
			mine := slices.DeleteFunc(slices.Clone(words), others)
			for k, w := range mine {
				if w != fmt.Sprintf("%d/%d", g, k) {
					t.Fatalf("outbox %d: %s in place %d", i, w, k)
				}
			}
		}
	}
}

// Few outboxes and many are shared out evenly, and with many it is rare that neighbours belong to two workers.
func TestOutboxesAreSharedOutEvenly(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 8} {
		f := &Flusher{workers: make([]worker, workers)}
		owned := make(map[*worker]int)
		var last *worker
		changes := 0
		for n := 1; n <= 20_000; n++ {
			w := f.assign()
			owned[w]++
			if w != last {
				last = w
				changes++
			}
			least, most := n, 0
			for i := range f.workers {
				least, most = min(least, owned[&f.workers[i]]), max(most, owned[&f.workers[i]])
			}
			if allowed := min(mostInARow, 1+n/workers/2); most-least > allowed && workers > 1 {
				t.Fatalf("of %d outboxes, %d workers have between %d and %d", n, workers, least, most)
			}
		}
		if most := 20_000/mostInARow + 64*workers; changes > most {
			t.Errorf("with %d workers, the worker changed %d times, %d at most were expected", workers, changes, most)
		}
	}
}

// A noted connection tells when it is written to.
type noted struct {
	*throttle
	note func(what string)
}

func (n *noted) TryWrite(bufs [][]byte) (int64, error) {
	n.note("write")
	return n.throttle.Write(bufs, time.Time{})
}

func TestWhatOthersAreAboutToSendLeavesInTheSamePass(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const senders, tries = 8, 10
	together := 0
	for range tries {
		var mu sync.Mutex
		var order []string
		note := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, what)
		}
		all, _ := neighbours(t, senders)
		for i, o := range all {
			o.Attach(&noted{newThrottle(1, uint64(i), 0), note})
		}
		var a Arena
		for _, o := range all {
			go func() { // ends at once
				note("push")
				push(t, o, &a, []byte("frame"))
			}()
		}
		waitFor(t, "all writes", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(order) == 2*senders
		})
		if !slices.Contains(order[:senders], "write") {
			together++
		}
	}
	if together <= tries/2 { // now and then Go's scheduler lets the flusher go on before the others
		t.Errorf("in %d of %d tries all was pushed before anything left", together, tries)
	}
}
