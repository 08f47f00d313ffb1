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
