package socketio

import (
	"testing"
	"testing/synctest"
	"time"
)

func newTestRecord() *record {
	return newRecord(Recovery{MaxAge: time.Minute, MaxPackets: 100, MaxBytes: 1 << 20, MaxSessions: 10}, 0)
}

// A record of a namespace that somebody could come back to.
func watchedRecord() (*record, *Namespace) {
	r := newTestRecord()
	k := &core{recovery: r}
	ns := k.names.named(k, "/")
	r.watch(&ns.hub)
	return r, ns
}

func TestNothingIsHeldWhenNobodyCouldComeBack(t *testing.T) {
	r, ns := watchedRecord()
	o := outgoing{text: []byte(`2["x"]`)}
	ns.hub.order(&o, audience{}, nil)
	if r.events.count != 1 || string(o.text[:len(`2["x","`)]) != `2["x","` {
		t.Fatalf("%d events, %s", r.events.count, o.text)
	}
	r.unwatch(&ns.hub)
	if r.events.slots != nil || r.block != nil || r.size != 0 {
		t.Errorf("it holds %d events, %d bytes", r.events.count, r.size)
	}
	o = outgoing{text: []byte(`2["x"]`)}
	ns.hub.order(&o, audience{}, nil)
	if r.events.count != 0 || string(o.text) != `2["x"]` {
		t.Errorf("%d events, %s", r.events.count, o.text)
	}
	r.close()
}

func TestARecordStaysWithinItsBounds(t *testing.T) {
	r, ns := watchedRecord()
	for n := range 1000 {
		size := 100
		if n >= 500 {
			size = 50_000
		}
		o := outgoing{text: append(append([]byte(`2["`), make([]byte, size)...), `"]`...), attachments: [][]byte{{1}}}
		ns.hub.order(&o, audience{rooms: []string{"room"}}, nil)
		held := 0
		for i := range r.events.count {
			held += r.events.at(i).size
		}
		if r.events.count > 100 || r.size > 1<<20 || r.size != held || len(r.events.slots) > 101 {
			t.Fatalf("%d events in %d slots, %d bytes, counted as %d", r.events.count, len(r.events.slots), held, r.size)
		}
	}
	if r.position() != 1000 || r.complete() != 1000-uint64(r.events.count) {
		t.Errorf("%d events from %d to %d", r.events.count, r.complete(), r.position())
	}
	r.close()
}

func TestWhatIsTooOldGoesThoughNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, ns := watchedRecord()
		for range 3 {
			o := outgoing{text: []byte(`2["x"]`)}
			ns.hub.order(&o, audience{}, nil)
			time.Sleep(10 * time.Second) // of the bubble's time
		}
		l := &lost{id: newPID()[:idText], hub: &ns.hub}
		ns.present = 1
		r.watch(&ns.hub)
		r.keep(l)
		time.Sleep(31 * time.Second)
		r.mu.Lock()
		if r.events.count != 2 || r.lost.oldest() != l {
			t.Errorf("%d events", r.events.count)
		}
		r.mu.Unlock()
		time.Sleep(30 * time.Second)
		r.mu.Lock()
		if r.events.slots != nil || r.lost.oldest() != nil || r.timer != nil || r.watched != 1 || ns.present != 1 {
			t.Errorf("%d events, a timer %v", r.events.count, r.timer)
		}
		r.mu.Unlock()
	})
}

// The copies do not change when their sender uses the memory again.
func TestARecordHoldsCopies(t *testing.T) {
	r, ns := watchedRecord()
	text, attachment := []byte(`2["first"]`), []byte{1, 2}
	o := outgoing{text: text, attachments: [][]byte{attachment}}
	ns.hub.order(&o, audience{}, nil)
	held := string(r.events.first().text)
	for _, b := range [][]byte{text, o.text, attachment} {
		clear(b)
	}
	if e := r.events.first(); string(e.text) != held || e.attachments[0][1] != 2 {
		t.Errorf("%q has become %q, %v", held, e.text, e.attachments)
	}
	r.close()
}

func TestAnOffsetIsReadAsItWasWritten(t *testing.T) {
	e, other := newEpoch(), newEpoch()
	for _, want := range []offset{{0, 0}, {1, 0}, {63, 1}, {64, 1 << 20}, {1 << 20, 0}, {1<<48 - 1, 1<<48 - 1}} {
		text := string(written(&e, want))
		shown := text[len(`["x","`) : len(text)-len(`"]`)]
		if got, own, ok := e.parse(shown); got != want || !own || !ok {
			t.Errorf("%+v: %s is read as %+v, %v, %v", want, text, got, own, ok)
		}
		if _, own, ok := other.parse(shown); own || !ok {
			t.Errorf("%s is of another life: %v, %v", text, own, ok)
		}
	}
}

// written is an event with that offset.
func written(e *epoch, o offset) []byte {
	if o.serial > 0 {
		return e.appendSerialTo([]byte(`["x"]`), o.number, o.serial)
	}
	return e.appendTo([]byte(`["x"]`), o.number)
}

func FuzzAnOffset(f *testing.F) {
	e := newEpoch()
	for _, seed := range []string{
		"", "hello", string(e[:]) + "AAAAAAAA", string(e[:]) + "AAAAAAA=", "\x00\xff", string(e[:]) + "AAAAAAAAAAAAAAAB",
		string(e[:]) + "AAAAAAAAAAAAAAAA",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, own, ok := e.parse(text)
		if !ok || !own {
			return
		}
		if back := string(written(&e, o)); back != `["x","`+text+`"]` {
			t.Errorf("%q is read as %+v, which is %s", text, o, back)
		}
	})
}

func TestWhoWasLeftOutOfTheLatestEventMayHaveHadTheOneBefore(t *testing.T) {
	var r latest
	for _, step := range []struct {
		number     uint64
		but        string
		a, b, none uint64
	}{{1, "", 1, 1, 1}, {2, "a", 1, 2, 2}, {3, "a", 1, 3, 3}, {4, "b", 4, 3, 4}, {5, "a", 4, 5, 5}, {6, "", 6, 6, 6}} {
		r.note(step.number, step.but)
		if r.to("a") != step.a || r.to("b") != step.b || r.to("c") != step.none {
			t.Errorf("after %d, but %q: %d, %d, %d", step.number, step.but, r.to("a"), r.to("b"), r.to("c"))
		}
	}
}
