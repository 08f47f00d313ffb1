package limit

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

func TestEachTextHasOneLineWhileItIsRemembered(t *testing.T) {
	f := NewFirsts()
	for i, text := range []string{"a", "a", "b", "a", "b"} {
		if _, ok := f.Next(text); ok != (i == 0 || i == 2) {
			t.Errorf("line %d, about %s: %v", i, text, ok)
		}
	}
}

func TestATextWhoseLineWasHeldBackHasItLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFirsts()
		for i := range 15 {
			f.Next(fmt.Sprint(i))
		}
		time.Sleep(time.Second)
		if held, ok := f.Next("14"); !ok || held != 5 {
			t.Errorf("a second later %v, and %d were held back", ok, held)
		}
	})
}

func TestWhoMakesUpTextsSilencesNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFirsts()
		f.Next("an honest one")
		lines := 0
		for i := range 1000 {
			time.Sleep(time.Second)
			if _, ok := f.Next(fmt.Sprint("made up ", i)); ok {
				lines++
			}
		}
		time.Sleep(time.Second)
		if _, ok := f.Next("an honest one"); !ok {
			t.Error("after a thousand others it has no line any more")
		}
		if lines != 1000 {
			t.Errorf("%d of 1000 had a line, one in a second", lines)
		}
		if len(f.seen) != mostFirsts || len(f.order) != mostFirsts {
			t.Errorf("%d texts are remembered, in an order of %d", len(f.seen), len(f.order))
		}
	})
}

func TestOfALongRequestOnlyTheTextIsHeld(t *testing.T) {
	f := NewFirsts()
	request := strings.Repeat("x", 1<<20)
	f.Next(request[:64])
	if unsafe.StringData(f.order[0]) == unsafe.StringData(request) {
		t.Error("what is remembered is a part of the request")
	}
}
