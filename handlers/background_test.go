package handlers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/socketio"
)

// numbersHeard returns the offsets of what an ear has heard.
func (e *ear) numbersHeard() (offsets []uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, line := range e.heard {
		var n uint64
		_, _ = fmt.Sscan(line, &n)
		offsets = append(offsets, n)
	}
	return offsets
}

func newBlockedEar() *ear {
	e := newEar()
	e.blocked = make(chan struct{})
	return e
}

// One who is being told what it missed, and takes nothing of it, says something: it is answered and heard at once.
// Then it takes the rest, in order and once, and hears what it said itself.
func TestWhatIsSaidDuringACatchUpDoesNotWaitForIt(t *testing.T) {
	f := newFeed(t, memory.New(0), feed.Options{})
	room, _, url := serveOn(t, f, socketio.Options{})
	fill(t, f, 1000)
	bob := connect(t, url, 4)
	bob.register("Bob")
	slow := newBlockedEar()
	guest := room.Visit(slow)
	do(t, guest, "f", `{"speaker":"Slow","since":0}`)
	eventually(t, "it has a page", func() bool { return len(slow.numbersHeard()) == 256 })
	for n := range 3 {
		do(t, guest, "message", fmt.Sprintf(`{"data":%d}`, n))
		if data, m := bob.news(); data != fmt.Sprint(n) || m.From != "Slow" {
			t.Errorf("Bob hears %s from %s", data, m.From)
		}
	}
	if slow.hasJoined() || len(slow.numbersHeard()) != 256 {
		t.Error("it was told more than it takes")
	}
	close(slow.blocked)
	eventually(t, "it has caught up", slow.hasJoined)
	if got := slow.numbersHeard(); !slices.Equal(got, upTo(1, 1003)) {
		t.Errorf("it has heard %d, the last %v", len(got), got[len(got)-1:])
	}
	guest.Close()
}

func TestASecondRegistrationDuringACatchUpTellsNothingTwice(t *testing.T) {
	f := newFeed(t, memory.New(0), feed.Options{})
	room, _, _ := serveOn(t, f, socketio.Options{})
	fill(t, f, 1000)
	slow := newBlockedEar()
	guest := room.Visit(slow)
	do(t, guest, "f", `{"speaker":"Slow","since":300}`)
	eventually(t, "it has a page", func() bool { return len(slow.numbersHeard()) == 256 })
	time.AfterFunc(10*time.Millisecond, func() { close(slow.blocked) })
	got := do(t, guest, "f", `{"speaker":"Slower","since":300}`)
	if !strings.Contains(got.answer, `"name":"Slower"`) || !strings.Contains(got.answer, `"complete":true`) {
		t.Errorf("it is answered %s", got)
	}
	eventually(t, "it has caught up", slow.hasJoined)
	if got := slow.numbersHeard(); !slices.Equal(got, upTo(301, 1000)) {
		t.Errorf("it has heard %d", len(got))
	}
	guest.Close()
}

// Leave ends a catch-up, and nothing is told after it has returned.
func TestACatchUpEndsWithItsClient(t *testing.T) {
	f := newFeed(t, memory.New(0), feed.Options{})
	room, _, _ := serveOn(t, f, socketio.Options{})
	fill(t, f, 1000)
	for range 20 {
		slow := newBlockedEar()
		guest := room.Visit(slow)
		do(t, guest, "f", `{"speaker":"Slow","since":0}`)
		guest.Close()
		heard := len(slow.numbersHeard())
		close(slow.blocked)
		do(t, room.Visit(newEar()), "history", `{}`)
		if got := len(slow.numbersHeard()); got != heard || slow.hasJoined() || slow.wasCutOff() {
			t.Errorf("it has heard %d, then %d", heard, got)
		}
	}
}

func TestACatchUpHasLimits(t *testing.T) {
	for name, test := range map[string]struct {
		o     handlers.Options
		block bool
		heard int
	}{
		"time":  {handlers.Options{CatchUpTimeout: 20 * time.Millisecond}, true, 256},
		"bytes": {handlers.Options{MaxCatchUpBytes: 60_000}, false, 512},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFeed(t, memory.New(0), feed.Options{})
			test.o.Logger = quiet
			room, _, _ := serveWith(t, f, socketio.Options{}, test.o)
			fill(t, f, 1000)
			slow := newEar()
			if test.block {
				slow = newBlockedEar()
			}
			guest := room.Visit(slow)
			do(t, guest, "f", `{"speaker":"Slow","since":0}`)
			eventually(t, "it is cut off", slow.wasCutOff)
			if got := len(slow.numbersHeard()); got != test.heard || slow.hasJoined() {
				t.Errorf("it was told %d", got)
			}
			guest.Close()
		})
	}
}

// turnstile are places that note who was in.
type turnstile struct {
	mu   sync.Mutex
	in   map[string]int
	most int
	free chan struct{}
}

func newTurnstile(places int) *turnstile {
	return &turnstile{in: make(map[string]int), free: make(chan struct{}, places)}
}

func (p *turnstile) Acquire(ctx context.Context, key string) (func(), error) {
	select {
	case p.free <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.in[key]++
	p.most = max(p.most, len(p.free))
	return func() { <-p.free }, nil
}

func TestNotAllCatchUpAtOnce(t *testing.T) {
	f := newFeed(t, memory.New(0), feed.Options{})
	places := newTurnstile(3)
	o := unhurried
	o.Logger, o.CatchUps = quiet, places
	room, _, _ := serveWith(t, f, socketio.Options{}, o)
	fill(t, f, 1000)
	var guests []*handlers.Guest
	var ears []*ear
	for n := range 20 {
		e := newBlockedEar()
		e.address = fmt.Sprint("192.0.2.", n%2)
		guest := room.Visit(e)
		do(t, guest, "f", `{"speaker":"Slow","since":0}`)
		guests, ears = append(guests, guest), append(ears, e)
	}
	fresh := newEar()
	guest := room.Visit(fresh)
	do(t, guest, "f", `{"speaker":"Fresh","history":10}`) // little needs no place
	eventually(t, "one who missed little hears", fresh.hasJoined)
	guest.Close()
	for _, e := range ears {
		close(e.blocked)
	}
	for n, e := range ears {
		eventually(t, "it has caught up", e.hasJoined)
		if got := e.numbersHeard(); !slices.Equal(got, upTo(1, 1000)) {
			t.Errorf("%d has heard %d", n, len(got))
		}
		guests[n].Close()
	}
	if places.most > 3 || places.in["192.0.2.0"] != 10 || places.in["192.0.2.1"] != 10 || len(places.in) != 2 {
		t.Errorf("%d were in at once, %v in all", places.most, places.in)
	}
}

// A hanging feed has a disk that does not answer for what is old; what is new is in memory.
type hanging struct {
	*feed.Log
	free  chan struct{}
	asked chan struct{}
}

func (h hanging) Recent(after, end uint64, limit, maxBytes int) (feed.Page, bool) {
	if after < 500 {
		return feed.Page{}, false
	}
	return h.Log.Recent(after, end, limit, maxBytes)
}

func (h hanging) Read(ctx context.Context, after, end uint64, limit, maxBytes int) (feed.Page, error) {
	h.asked <- struct{}{}
	<-h.free
	return h.Log.Read(ctx, after, end, limit, maxBytes)
}

func (h hanging) RecentBefore(before uint64, limit, maxBytes int) ([]feed.Entry, bool) {
	if before > 0 && before < 500 {
		return nil, false
	}
	return h.Log.RecentBefore(before, limit, maxBytes)
}

func (h hanging) Before(ctx context.Context, before uint64, limit, maxBytes int) ([]feed.Entry, error) {
	h.asked <- struct{}{}
	<-h.free
	return h.Log.Before(ctx, before, limit, maxBytes)
}

func newHanging(t *testing.T) hanging {
	f := newFeed(t, memory.New(0), feed.Options{})
	fill(t, f, 1000)
	return hanging{f, make(chan struct{}), make(chan struct{}, 100)}
}

// More reads hang than there are places. What memory holds is answered all the same, and whose client has left waits
// no longer.
func TestReadsThatHangKeepNobodyFromWhatMemoryHolds(t *testing.T) {
	f := newHanging(t)
	room, _, _ := serveOn(t, f, socketio.Options{})
	defer close(f.free)
	var answered sync.WaitGroup
	var ears []*ear
	for n := range 20 {
		e := newEar()
		ears = append(ears, e)
		answered.Go(func() {
			if n%2 == 0 {
				room.Visit(e).Do("f", map[string]json.RawMessage{"speaker": json.RawMessage(`"Old"`),
					"since": json.RawMessage(`0`)}, func(_, _ any) {})
			} else {
				room.Visit(e).Do("history", map[string]json.RawMessage{"before": json.RawMessage(`100`)}, func(_, _ any) {})
			}
		})
	}
	for range 8 {
		<-f.asked
	}
	fresh := newEar()
	guest := room.Visit(fresh)
	if got := do(t, guest, "f", `{"speaker":"New","since":600}`); !strings.Contains(got.answer, `"complete":true`) {
		t.Errorf("f is answered %s", got)
	}
	if got := do(t, guest, "history", `{"limit":1}`); !strings.Contains(got.answer, `"offset":1000}]`) {
		t.Errorf("history is answered %s", got)
	}
	eventually(t, "it has caught up", fresh.hasJoined)
	guest.Close()
	for _, e := range ears {
		close(e.gone)
	}
	answered.Wait()
}

func TestAReadThatHangsIsGivenUp(t *testing.T) {
	f := newHanging(t)
	room, _, _ := serveWith(t, f, socketio.Options{}, handlers.Options{Logger: quiet, ReadTimeout: 20 * time.Millisecond})
	for range 10 { // more than there are places
		guest := room.Visit(newEar())
		if got := do(t, guest, "f", `{"speaker":"Old","since":0}`); !strings.Contains(got.failure, `"not_read"`) {
			t.Errorf("f is answered %s", got)
		}
		if got := do(t, guest, "history", `{"before":9}`); !strings.Contains(got.failure, `"not_read"`) {
			t.Errorf("history is answered %s", got)
		}
		guest.Close()
	}
	close(f.free)
	ears := newEar()
	guest := room.Visit(ears)
	eventually(t, "the disk answers", func() bool {
		return strings.Contains(do(t, guest, "f", `{"speaker":"Old","since":0}`).answer, `"complete":true`)
	})
	eventually(t, "it has caught up", ears.hasJoined)
	guest.Close()
}
