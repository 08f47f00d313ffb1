package handlers

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheNamesThatLingerAreBoundedAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r roll
		comesAndGoes := func(name, turn string) {
			sp := newSpeaker()
			r.register(sp, name)
			r.remove(sp, turn)
		}
		for i := range 1000 {
			comesAndGoes(fmt.Sprint("of one ", i), "one")
		}
		if r.lingering.Len() != mostLingeringOfTurn || len(r.looks) != mostLingeringOfTurn {
			t.Errorf("one turn left %d names, and %d looks", r.lingering.Len(), len(r.looks))
		}
		for i := range 2 * mostLingering {
			comesAndGoes(fmt.Sprint("of many ", i), fmt.Sprint(i))
		}
		if r.lingering.Len() != mostLingering || len(r.looks) != mostLingering || len(r.lingeringOf) != mostLingering {
			t.Errorf("many turns left %d names, %d looks, of %d turns", r.lingering.Len(), len(r.looks), len(r.lingeringOf))
		}
		time.Sleep(lingers)
		comesAndGoes("the last", "last")
		if r.lingering.Len() != 1 || len(r.looks) != 1 || len(r.lingeringOf) != 1 {
			t.Errorf("in the end there are %d names, %d looks, of %d turns", r.lingering.Len(), len(r.looks), len(r.lingeringOf))
		}
	})
}

// Else one client would keep many names from others by renaming itself.
func TestWhoChangesNamesLeavesNoneBehind(t *testing.T) {
	var r roll
	sp := newSpeaker()
	for i := range 100 {
		r.register(sp, fmt.Sprint("name ", i))
	}
	if len(r.looks) != 1 || r.lingering.Len() != 0 {
		t.Errorf("there are %d looks, and %d names linger", len(r.looks), r.lingering.Len())
	}
}

// Else a name that was registered once, and left at once, could stand beside its double at any later time.
func TestALookBelongsToWhoIsHereOnceTheFirstHasLeftForLong(t *testing.T) {
	const cyrillic = "\u0408\u043e\u0435" // looks like Joe
	synctest.Test(t, func(t *testing.T) {
		var r roll
		eve, joe, again := newSpeaker(), newSpeaker(), newSpeaker()
		if !r.register(eve, cyrillic) || !r.register(joe, "Joe") {
			t.Fatal("one of the first two is refused")
		}
		r.remove(eve, "eve")
		time.Sleep(lingers - time.Second)
		if !r.mayBear(again, cyrillic) {
			t.Error("a page that is loaded again has lost its name")
		}
		time.Sleep(time.Second)
		if r.register(again, cyrillic) {
			t.Error("the double stands beside the name")
		}

		r.remove(joe, "joe")
		time.Sleep(lingers - time.Second)
		if r.mayBear(again, cyrillic) {
			t.Error("the double stands in for a name that was here lately")
		}
		time.Sleep(time.Second)
		if !r.register(again, cyrillic) {
			t.Error("a look that nobody has had for long is refused")
		}
	})
}

func TestALookOfWhoHasGoneIsInheritedByTheLastThatWasHere(t *testing.T) {
	const cyrillic = "\u0408\u043e\u0435"
	synctest.Test(t, func(t *testing.T) {
		var r roll
		eve, joe, other := newSpeaker(), newSpeaker(), newSpeaker()
		r.register(eve, cyrillic)
		r.remove(eve, "eve")
		r.register(joe, "Joe")
		time.Sleep(lingers / 2)
		r.remove(joe, "joe")
		time.Sleep(lingers / 2)
		if r.mayBear(other, cyrillic) {
			t.Error("the double stands in for a name that was here lately")
		}
	})
}

func TestWhoRenamesItselfLeavesTheLookToTheOthers(t *testing.T) {
	const cyrillic = "\u0408\u043e\u0435"
	var r roll
	eve, joe := newSpeaker(), newSpeaker()
	r.register(eve, cyrillic)
	r.register(joe, "Joe")
	r.register(joe, "Joe")
	r.register(eve, "Eve")
	if r.register(eve, cyrillic) {
		t.Error("the double stands beside the name")
	}
	if b := r.looks[joe.seat.look.skeleton]; b.n != 1 || b.having != 1 || b.first != &joe.seat || b.last != &joe.seat {
		t.Errorf("the look is %+v", b)
	}
}
