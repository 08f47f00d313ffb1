package limit

import (
	"testing"
	"testing/synctest"
	"time"
)

// spend spends n at once, one by one, and returns how many were fine before the first other verdict, and that.
func (m *Meter) spend(n int, r Rate) (fine int, v Verdict) {
	for fine = range n {
		if v := m.Spend(1, r); v != Fine {
			return fine, v
		}
	}
	return n, Fine
}

func TestAFloodIsWarnedAndThenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Meter
		r := Rate{PerSecond: 100}
		if fine, v := m.spend(1000, r); fine != 200 || v != Warn {
			t.Errorf("%d were fine, then %d; want 200 and a warning", fine, v)
		}
		if fine, v := m.spend(1000, r); fine != 99 || v != Over {
			t.Errorf("%d more were fine, then %d; want 99 and the end", fine, v)
		}
	})
}

func TestWhoKeepsToTheRateIsNeverWarned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Meter
		r := Rate{PerSecond: 100}
		for i := range 10_000 {
			time.Sleep(10 * time.Millisecond)
			if v := m.Spend(1, r); v != Fine {
				t.Fatalf("number %d: %d", i, v)
			}
		}
	})
}

func TestWhoIsALittleTooFastIsWarnedOnceAndOverInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Meter
		r := Rate{PerSecond: 100}
		warned := 0
		for range 10_000 {
			time.Sleep(9 * time.Millisecond)
			switch m.Spend(1, r) {
			case Warn:
				warned++
			case Over:
				if warned != 1 {
					t.Errorf("%d warnings", warned)
				}
				return
			}
		}
		t.Error("it was never over")
	})
}

func TestWhoSlowsDownAfterAWarningStaysAndIsWarnedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Meter
		r := Rate{PerSecond: 100}
		for range 5 {
			if _, v := m.spend(250, r); v != Warn {
				t.Fatalf("got %d, want a warning", v)
			}
			time.Sleep(10 * time.Second)
		}
	})
}

func TestALargestMessageIsFineAtAnyRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Meter
		r := Rate{PerSecond: 10, Least: 1_000_000}
		if v := m.Spend(1_000_000, r); v != Fine {
			t.Errorf("the first: %d", v)
		}
		if v := m.Spend(1_000_000, r); v != Warn {
			t.Errorf("the second: %d, want a warning", v)
		}
	})
}

func BenchmarkMeter(b *testing.B) {
	var m Meter
	for b.Loop() {
		m.Spend(1, Rate{PerSecond: 1 << 30})
	}
}

func TestTheOutletSaysHowMuchItHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewOutlet()
		written := 0
		for range 1000 {
			if _, ok := o.Next(); ok {
				written++
			}
		}
		time.Sleep(time.Second)
		if held, ok := o.Next(); !ok || held != 990 || written != 10 {
			t.Errorf("%d lines, then %v with %d held back; want 10, and one that tells of 990", written, ok, held)
		}
	})
}

func TestHitsAreThereBeforeTheFirst(t *testing.T) {
	h := NewHits("a", "b")
	h.Add("a")
	h.Add("unknown")
	if got := h.Counts(); len(got) != 2 || got["a"] != 1 || got["b"] != 0 {
		t.Errorf("got %v", got)
	}
}
