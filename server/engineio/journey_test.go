package engineio_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/crier/crier/server/engineio"
)

const (
	journeyLength = 200 // messages each way
	journeyTries  = 6   // upgrades, the last of which succeeds
)

// A traveller is a client that polls, posts and upgrades at random moments, as the protocol allows it, while the server
// talks to it.
type traveller struct {
	*client
	peer   *peer
	random *rand.Rand
	polled chan poll // the answer to the poll that is under way
	polls  bool      // there is one
	heard  []string
	said   int
}

type poll struct {
	packets []packet
	err     error
}

func TestUpgradesAtRandomMomentsLoseAndDoubleNothing(t *testing.T) {
	for seed := range uint64(40) {
		m := mode{3 + int(seed%2), "polling"}
		t.Run(fmt.Sprintf("%v/%d", m, seed), func(t *testing.T) {
			t.Parallel()
			journey(t, m, seed)
		})
	}
}

func journey(t *testing.T, m mode, seed uint64) {
	c, p := open(t, engineio.Options{}, nil).join(m)
	spoken := make(chan struct{})
	go func() {
		defer close(spoken)
		pace := rand.New(rand.NewPCG(seed, 1))
		for i := range journeyLength {
			p.say(t, message{i%5 == 0, fmt.Sprint(i)})
			for range pace.IntN(200) {
				runtime.Gosched()
			}
		}
	}()
	v := &traveller{client: c, peer: p, random: rand.New(rand.NewPCG(seed, 2)), polled: make(chan poll, 1)}
	for try := 1; c.ws == nil; try++ {
		v.wander()
		v.tryUpgrade(try == journeyTries)
	}
	<-spoken
	for len(v.heard) < journeyLength {
		v.heard = append(v.heard, c.hear().data)
	}
	for v.said < journeyLength {
		v.speak()
	}
	expectNumbers(t, "the client", v.heard)
	var heard []string
	for range v.said {
		heard = append(heard, p.hear(t).data)
	}
	expectNumbers(t, "the server", heard)
	p.expectOpen(t)
}

// wander polls and posts for a while.
func (v *traveller) wander() {
	for range v.random.IntN(4) {
		v.ask()
		if v.random.IntN(2) == 0 {
			v.speak()
		}
		if v.random.IntN(2) == 0 && len(v.heard) < journeyLength {
			v.await()
		}
	}
}

// ask begins a poll, if none is under way.
func (v *traveller) ask() {
	if !v.polls {
		v.polls = true
		go func() {
			packets, err := v.get(patient(v.t))
			v.polled <- poll{packets, err}
		}()
	}
}

// await waits for the poll that is under way.
func (v *traveller) await() {
	if !v.polls {
		return
	}
	v.polls = false
	answer := <-v.polled
	if answer.err != nil {
		v.t.Fatal(answer.err)
	}
	for _, p := range answer.packets {
		if p.kind == '4' {
			v.heard = append(v.heard, p.data)
		}
	}
}

func (v *traveller) speak() {
	if v.said < journeyLength {
		v.say(message{v.said%3 == 0, fmt.Sprint(v.said)})
		v.said++
	}
}

// tryUpgrade goes through the steps of an upgrade and, unless it is to succeed, has something go wrong at one of them.
func (v *traveller) tryUpgrade(succeed bool) {
	w := v.openWhenPossible(v.peer)
	v.wander()
	if !succeed && v.random.IntN(3) == 0 {
		v.fail(w)
		return
	}
	if err := w.write(packet{kind: '2', data: "probe"}); err != nil {
		v.t.Fatal(err)
	}
	if p, err := w.read(); err != nil || p.data != "probe" {
		v.t.Fatal("the probe was answered with", p, err)
	}
	if !succeed && v.random.IntN(2) == 0 {
		v.fail(w)
		return
	}
	v.await()
	if !succeed {
		v.fail(w)
		return
	}
	if err := w.write(packet{kind: '5'}); err != nil {
		v.t.Fatal(err)
	}
	v.ws = w
}

func (v *traveller) fail(w *wire) {
	if err := faults[v.random.IntN(len(faults))].happen(w); err != nil {
		v.t.Fatal(err)
	}
}

func numbers(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

func expectNumbers(t *testing.T, who string, got []string) {
	t.Helper()
	if want := numbers(len(got)); !slices.Equal(got, want) {
		t.Errorf("%s: heard %v", who, got)
	}
}
