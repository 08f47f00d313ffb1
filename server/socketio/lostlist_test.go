package socketio

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/internal/limit"
)

// loseOf gives a record a lost session of that address.
func loseOf(r *record, h *hub, id, address string) *lost {
	l := &lost{id: fmt.Sprintf("%-*s", idText, id), hub: h, network: limit.NetworkOf(address), size: lostSize}
	r.watch(h)
	r.keep(l)
	return l
}

func (r *record) has(l *lost) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost.byID[l.id] == l
}

func TestOneAddressDoesNotPushOutTheLostSessionsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock tells the sessions' ages apart
		r := newRecord(Recovery{MaxAge: time.Hour, MaxPackets: 10, MaxBytes: 1 << 20, MaxSessions: 40}, 0)
		defer r.close()
		ns := (&core{recovery: r}).names.named(&core{recovery: r}, "/")
		var others []*lost
		for n := range 12 {
			others = append(others, loseOf(r, &ns.hub, fmt.Sprint("other", n), fmt.Sprint("network", n)))
			time.Sleep(time.Second)
		}
		var greedy []*lost
		for n := range 1501 {
			greedy = append(greedy, loseOf(r, &ns.hub, fmt.Sprint("greedy", n), "greedy"))
			time.Sleep(time.Millisecond)
		}
		for n, l := range others {
			if !r.has(l) {
				t.Errorf("the lost session of network %d was pushed out", n)
			}
		}
		held := 0
		for _, l := range greedy {
			if r.has(l) {
				held++
			}
		}
		if held < 1 || held > 10 || !r.has(greedy[1500]) {
			t.Errorf("it holds %d sessions of the greedy one, the newest: %v", held, r.has(greedy[1500]))
		}
		if got := r.stats().Sessions; got != 12+held || len(r.lost.networks) != 13 || len(r.lost.largest) != 13 {
			t.Errorf("%d sessions, of %d networks", got, len(r.lost.networks))
		}
	})
}

func TestOfAddressesThatHaveTheSameTheOldestSessionGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRecord() // 10 sessions
		defer r.close()
		ns := (&core{recovery: r}).names.named(&core{recovery: r}, "/")
		var all []*lost
		for n := range 13 {
			all = append(all, loseOf(r, &ns.hub, fmt.Sprint(n), fmt.Sprint("network", n)))
			time.Sleep(time.Second)
		}
		for n, l := range all {
			if r.has(l) != (n >= 3) {
				t.Errorf("session %d is held: %v", n, r.has(l))
			}
		}
	})
}

func TestAnAddressHasHalfOfThePlacesWhileNoOtherNeedsThem(t *testing.T) {
	r := newTestRecord()
	defer r.close()
	ns := (&core{recovery: r}).names.named(&core{recovery: r}, "/")
	for n := range 20 {
		loseOf(r, &ns.hub, fmt.Sprint(n), "school")
	}
	if got := r.stats().Sessions; got != 5 {
		t.Errorf("%d of 10 places", got)
	}
}

// What a lost session has missed is gathered while broadcasts go on: only the end of it needs the hub's lock.
func TestWhatComesWhileARecoveryGathersIsThereOnce(t *testing.T) {
	r, ns := watchedRecord()
	defer r.close()
	say := func(n int) {
		o := outgoing{text: fmt.Appendf(nil, `2["%d"]`, n)}
		ns.hub.order(&o, audience{}, nil)
	}
	l := loseOf(r, &ns.hub, "lost", "network")
	for n := range 90 {
		say(n)
	}
	gathered := make(chan *revival)
	ns.hub.mu.Lock() // somebody else is emitting
	go func() {
		v, ok := r.begin(l, nil, 1<<20)
		if !ok {
			t.Error("it can't be recovered")
		}
		gathered <- v
	}()
	v := <-gathered
	ns.hub.mu.Unlock()
	for n := 90; n < 95; n++ {
		say(n)
	}
	if !r.finish(v) || len(v.missed) != 95 || v.sent != 95 {
		t.Fatalf("%d of 95 events, up to %d", len(v.missed), v.sent)
	}
	for n, m := range v.missed {
		if want := fmt.Sprintf(`2["%d","`, n); string(m.Data[:len(want)]) != want {
			t.Fatalf("event %d is %s", n, m.Data)
		}
	}
	if r.finish(v) {
		t.Error("it was recovered twice")
	}
}

func TestARecoveryThatWasOvertakenByTheRecordIsGivenUp(t *testing.T) {
	r, ns := watchedRecord()
	defer r.close()
	l := loseOf(r, &ns.hub, "lost", "network")
	v, ok := r.begin(l, nil, 1<<20)
	if !ok {
		t.Fatal("it can't be recovered")
	}
	for range 101 { // one more than are held
		o := outgoing{text: []byte(`2["x"]`)}
		ns.hub.order(&o, audience{}, nil)
	}
	if r.finish(v) || r.has(l) {
		t.Errorf("it was recovered with %d of 101 events", len(v.missed))
	}
}
