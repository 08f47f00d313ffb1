package limit

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A keptFeed keeps as much as it may, of what Kept lets in.
type keptFeed struct {
	*Kept
	entries []string // whose
	max     int
}

func newKeptFeed(max int) *keptFeed { return &keptFeed{Kept: NewKept(max, 1<<40), max: max} }

// say says one thing, or says that it may not be.
func (f *keptFeed) say(address string) bool {
	f.Full(len(f.entries), int64(len(f.entries)))
	if !f.May(address, 1, time.Now()) {
		return false
	}
	f.Add(address, 1, time.Now())
	if f.entries = append(f.entries, address); len(f.entries) > f.max {
		f.entries = f.entries[1:]
	}
	return true
}

func (f *keptFeed) of(address string) (n int) {
	for _, whose := range f.entries {
		if whose == address {
			n++
		}
	}
	return n
}

func TestAnAddressPushesOutNoMoreThanItsQuarter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newKeptFeed(1000)
		for i := range 950 {
			f.say(fmt.Sprintf("192.0.2.%d", i%50))
		}
		said := 0
		for range 10_000 {
			if f.say("198.51.100.1") {
				said++
			}
		}
		if said != 250 || f.of("198.51.100.1") != 250 {
			t.Errorf("it said %d and owns %d of 1000, want a quarter", said, f.of("198.51.100.1"))
		}
		if !f.say("192.0.2.1") {
			t.Error("another address is bound")
		}
		time.Sleep(59 * time.Minute)
		if f.say("198.51.100.1") {
			t.Error("within the hour it may say more")
		}
		time.Sleep(2 * time.Minute)
		if !f.say("198.51.100.1") {
			t.Error("after an hour it may say nothing")
		}
	})
}

func TestWhileThereIsSpaceNobodyIsBound(t *testing.T) {
	f := newKeptFeed(1000)
	f.say("192.0.2.1")
	for i := range 899 {
		if !f.say("198.51.100.1") {
			t.Fatalf("number %d was refused", i)
		}
	}
	if f.say("198.51.100.1") {
		t.Error("the feed is nearly full, and it owns nine tenths")
	}
}

func TestTheBytesOfAnAddressAreBoundedToo(t *testing.T) {
	k := NewKept(1000, 1000)
	now := time.Now()
	k.Add("192.0.2.1", 1, now)
	k.Add("198.51.100.1", 200, now)
	k.Full(10, 900)
	if !k.May("198.51.100.1", 50, now) || k.May("198.51.100.1", 51, now) {
		t.Error("the bound is not a quarter of the bytes")
	}
	if k.Full(10, 899); !k.May("198.51.100.1", 51, now) {
		t.Error("with a tenth of the bytes free it is bound")
	}
}

func TestWhoIsAloneIsNotBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newKeptFeed(1000)
		for i := range 5000 {
			if !f.say("192.0.2.1") {
				t.Fatalf("number %d was refused", i)
			}
		}
		if !f.say("192.0.2.2") || f.say("192.0.2.1") {
			t.Error("when there is another it is not bound, or the other is")
		}
		time.Sleep(61 * time.Minute)
		for range 100 {
			f.say("192.0.2.1") // of the other there is still something kept
		}
		for i := range 2000 {
			if ok := f.say("192.0.2.1"); ok != (i < 150) {
				t.Fatalf("number %d: %v, while something of another's is kept", i, ok)
			}
		}
	})
}

func TestWhatIsKeptFromBeforeTheStartIsOthers(t *testing.T) {
	f := newKeptFeed(1000)
	f.entries = make([]string, 1000)
	said := 0
	for range 2000 {
		if f.say("192.0.2.1") {
			said++
		}
	}
	if said != 250 {
		t.Errorf("it said %d of 1000, want a quarter", said)
	}
}

func TestTheNetworksOfOneCustomerOwnNoMoreThanHalf(t *testing.T) {
	f := newKeptFeed(1000)
	for i := range 1000 {
		f.say(fmt.Sprintf("192.0.2.%d", i%50))
	}
	said := 0
	for i := range 10_000 {
		if f.say(fmt.Sprintf("2001:db8:1:%x00::1", i%256)) {
			said++
		}
	}
	if said != 500 {
		t.Errorf("they said %d of 1000, want half", said)
	}
}

func TestAnOperatorIsToldOnceWhoIsBound(t *testing.T) {
	f := newKeptFeed(100)
	var told []string
	f.Bound = func(address string) { told = append(told, address) }
	for i := range 100 {
		f.say(fmt.Sprintf("192.0.2.%d", i%50))
	}
	for range 200 {
		f.say("198.51.100.1")
		f.say("198.51.100.2")
	}
	if len(told) != 2 || told[0] != "198.51.100.1" || told[1] != "198.51.100.2" {
		t.Errorf("told of %q", told)
	}
}

func TestTheOwnersThatAreRememberedAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKept(100, 1<<40)
		now := time.Now()
		for range 30 {
			k.Add("192.0.2.1", 1, now)
		}
		for i := range 3 * mostKept {
			k.Add(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), 1, now)
			if k.Len() > mostKept {
				t.Fatalf("%d are remembered", k.Len())
			}
		}
		k.Full(100, 100)
		if k.May("192.0.2.1", 1, now) {
			t.Error("who said most was forgotten")
		}
		time.Sleep(2 * time.Hour)
		k.Add("192.0.2.9", 1, time.Now())
		if k.Len() != 1 {
			t.Errorf("two hours later %d are remembered, want one", k.Len())
		}
	})
}

func TestANilKeptBindsNobody(t *testing.T) {
	var k *Kept
	k.Full(1, 1)
	k.Add("192.0.2.1", 1, time.Now())
	if !k.May("192.0.2.1", 1<<30, time.Now()) {
		t.Error("it does")
	}
}

func TestKeptIsUsedByManyAtOnce(t *testing.T) {
	k := NewKept(1000, 1<<20)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 1000 {
				address := fmt.Sprintf("2001:db8:%x::1", (i+n)%5)
				k.Full(n, int64(n))
				if k.May(address, 10, time.Now()) {
					k.Add(address, 10, time.Now())
				}
			}
		})
	}
	all.Wait()
	if k.Len() != 15 {
		t.Errorf("%d networks are remembered, want 5 in three tiers", k.Len())
	}
}

func BenchmarkKept(b *testing.B) {
	k := NewKept(100_000, 256<<20)
	k.Full(100_000, 0)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		k.May("192.0.2.1", 100, now)
		k.Add("192.0.2.1", 100, now)
	}
}
