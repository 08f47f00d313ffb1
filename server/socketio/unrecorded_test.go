package socketio_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/crier/crier/server/socketio"
)

func TestUnrecordedEventsHaveTheirPlaceAndAreNotHeld(t *testing.T) {
	inEveryMode4(t, func(t *testing.T, m mode) {
		h := newHall(t, socketio.Options{Recovery: socketio.Recovery{MaxPackets: 10, Pause: 1}})
		p, s := h.join(t, m)
		q, _ := h.join(t, m) // whose recovery must not suffer
		emit(t, h, "before")
		q.expect(`2["before"]`)
		h.lose(t, q)
		p.expect(`2["before"]`)
		for n := range 100 {
			emit(t, s.Unrecorded(), "old", n, "text")
			p.expect(fmt.Sprintf(`2["old",%d,"text"]`, n))
		}
		emit(t, h, "behind")
		p.expect(`2["behind"]`)
		if got := h.Stats().Recovery.Packets; got != 2 {
			t.Errorf("%d events are held", got)
		}
		q.recovered(h.url).expect(`2["behind"]`)
	})
}

func TestAClientThatHadEveryUnrecordedEventIsRecovered(t *testing.T) {
	inEveryMode4(t, func(t *testing.T, m mode) {
		h := newHall(t, atOnce)
		p, s := h.join(t, m)
		emit(t, s.Unrecorded(), "first")
		p.expect(`2["first"]`)
		for range 2 { // the second time its offset is still that of an event that is not held
			h.lose(t, p)
			p = p.recovered(h.url)
			receive(t, h.came, "OnConnect")
		}
		h.lose(t, p)
		emit(t, h, "meanwhile")
		p = p.recovered(h.url)
		p.expect(`2["meanwhile"]`)
	})
}

func TestAClientThatMissedAnUnrecordedEventIsToldThatItIsNew(t *testing.T) {
	for name, events := range map[string]func(t *testing.T, h *hall, s *socketio.Socket, p *peer){
		"the first event": func(t *testing.T, h *hall, s *socketio.Socket, p *peer) {
			emit(t, s.Unrecorded(), "unseen")
		},
		"behind an event that is held": func(t *testing.T, h *hall, s *socketio.Socket, p *peer) {
			emit(t, h, "seen")
			p.expect(`2["seen"]`)
			emit(t, s.Unrecorded(), "unseen")
		},
		"behind another": func(t *testing.T, h *hall, s *socketio.Socket, p *peer) {
			emit(t, s.Unrecorded(), "seen")
			p.expect(`2["seen"]`)
			emit(t, s.Unrecorded(), "unseen")
		},
		"between events that are held": func(t *testing.T, h *hall, s *socketio.Socket, p *peer) {
			emit(t, h, "seen")
			p.expect(`2["seen"]`)
			emit(t, s.Unrecorded(), "unseen")
			emit(t, h, "unseen too")
		},
		"with flags": func(t *testing.T, h *hall, s *socketio.Socket, p *peer) {
			emit(t, s.Compress(false).Unrecorded(), "unseen")
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHall(t, socketio.Options{})
			p, s := h.join(t, socket4)
			events(t, h, s, p)
			h.lose(t, p) // and has not looked at the rest
			p.renewed(h.url)
		})
	}
}

// The offset of a volatile event must say that the events before it were had, those among them that are not held too.
func TestAVolatileEventBehindUnrecordedOnesDoesNotHideThem(t *testing.T) {
	h := newHall(t, socketio.Options{})
	p, s := h.join(t, socket4)
	emit(t, h, "held")
	emit(t, s.Unrecorded(), "not held")
	emit(t, s.Volatile(), "volatile", "text")
	p.expect(`2["held"]`, `2["not held"]`, `2["volatile","text"]`)
	h.lose(t, p)
	p.recovered(h.url)
}

// A client remembers the offset of an earlier socket. It says nothing of the events of the next one.
func TestTheOffsetOfAnEarlierSocketSaysNothingOfUnrecordedEvents(t *testing.T) {
	h := newHall(t, socketio.Options{})
	p, s := h.join(t, socket4)
	for n := range 3 {
		emit(t, s.Unrecorded(), "old", n)
		p.expect(fmt.Sprintf(`2["old",%d]`, n))
	}
	q, s := h.join(t, socket4)
	emit(t, s.Unrecorded(), "unseen")
	q.seen = p.seen
	h.lose(t, q)
	q.renewed(h.url)
}

func TestClientsWithoutRecoveryGetUnrecordedEventsAsTheyAre(t *testing.T) {
	h := newHall(t, socketio.Options{})
	p, s := h.join(t, socket3)
	h.join(t, socket4)
	emit(t, s.Unrecorded(), "old", "text")
	if got := p.next(); got.text != `2["old","text"]` || got.offset != "" {
		t.Errorf("got %s, offset %q", got.text, got.offset)
	}
	io, url := serve(t, socketio.Options{Recovery: socketio.Recovery{Disabled: true}})
	h = furnished(io, url)
	p, s = h.join(t, socket4)
	emit(t, s.Unrecorded(), "old", "text")
	if got := p.next(); got.text != `2["old","text"]` || got.offset != "" {
		t.Errorf("got %s, offset %q", got.text, got.offset)
	}
}

func TestAPidIsRecoveredOnceASecond(t *testing.T) {
	h := newHall(t, socketio.Options{})
	p, _ := h.join(t, socket4)
	h.lose(t, p)
	p = p.recovered(h.url)
	receive(t, h.came, "OnConnect")
	began := time.Now() // a moment after it was recovered
	h.lose(t, p)
	emit(t, h, "missed")
	p.recovered(h.url).expect(`2["missed"]`)
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("it was recovered again after %v", took)
	}
}

func TestOfManyThatComeForOnePidAtOnceFewGetIt(t *testing.T) {
	h := newHall(t, socketio.Options{})
	p, _ := h.join(t, socket4)
	h.lose(t, p)
	p = p.recovered(h.url)
	began := time.Now()
	for range 30 {
		q := dial(t, h.url, socket4)
		q.send(p.wish())
	}
	for range 31 { // each has a socket: the pid's, or a new one
		receive(t, h.came, "OnConnect")
	}
	took := time.Since(began)
	got := h.Stats().Recovery
	if got.Recovered < 2 || got.Recovered > 2+uint64(took/time.Second) || got.Recovered+got.New != 31 {
		t.Errorf("%d were recovered within %v, %d are new", got.Recovered, took, got.New)
	}
}

func TestAClientThatWaitsForItsSocketMayLeave(t *testing.T) {
	h := newHall(t, socketio.Options{})
	p, _ := h.join(t, socket4)
	h.lose(t, p)
	p = p.recovered(h.url)
	q := dial(t, h.url, socket4)
	q.send(p.wish())
	q.leave()
	q.cut() // the server's end, which the test waits for, does not wait for more
	eventually(t, "its session ends", func() bool { return h.Sessions() == 1 })
}
