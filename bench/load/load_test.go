package load

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func mustRun(t *testing.T, c *crier, o Options) *Result {
	t.Helper()
	r, err := c.run(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnHonestServerHasNoFaults(t *testing.T) {
	for _, work := range []string{Fanout, Rate, Ack} {
		t.Run(work, func(t *testing.T) {
			r := mustRun(t, newCrier(t, honest), Options{Work: work, Warmup: 20 * time.Millisecond})
			if !r.Faultless() || r.Lost != 0 || r.Stalls != 0 {
				t.Errorf("faults were found: %+v", r)
			}
			if r.Ops == 0 || work != Ack && r.Ops%3 != 0 {
				t.Errorf("%d operations of 3 clients were counted", r.Ops)
			}
		})
	}
}

func TestLostMessagesAreMissing(t *testing.T) {
	c := newCrier(t, func(member, number int, news []byte) [][]byte {
		if member == 1 && number%5 == 2 {
			return nil
		}
		return [][]byte{news}
	})
	r := mustRun(t, c, Options{})
	if want := (c.total() + 2) / 5; r.Missing != want || r.Doubled+r.Swapped+r.Damaged != 0 {
		t.Errorf("of %d messages each fifth was kept from one client, and counted were %+v", c.total(), r.Counts)
	}
}

func TestThePublisherGoesOnWhenItsOwnMessagesAreLost(t *testing.T) {
	c := newCrier(t, func(member, number int, news []byte) [][]byte {
		if number < 4 {
			return nil
		}
		return [][]byte{news}
	})
	r, err := Run(Options{Work: Fanout, Addr: c.addr(), Clients: 2, InFlight: 4, Duration: quiet + quiet/2})
	if err != nil {
		t.Fatal(err)
	}
	if r.Stalls != 1 || r.Missing != 8 || r.Ops == 0 {
		t.Errorf("after 4 lost messages there were %d stalls, %d missing of 8, %d deliveries", r.Stalls, r.Missing, r.Ops)
	}
}

func TestDoubledMessagesAreCounted(t *testing.T) {
	c := newCrier(t, func(member, number int, news []byte) [][]byte {
		if member == 2 && number%7 == 0 {
			return [][]byte{news, news}
		}
		return [][]byte{news}
	})
	r := mustRun(t, c, Options{})
	if want := (c.total() + 6) / 7; r.Doubled != want || r.Missing+r.Swapped+r.Damaged != 0 {
		t.Errorf("of %d messages each seventh came twice to one client, and counted were %+v", c.total(), r.Counts)
	}
}

func TestSwappedMessagesAreCounted(t *testing.T) {
	var held []byte
	swaps := uint64(0)
	c := newCrier(t, func(member, number int, news []byte) [][]byte {
		switch {
		case member != 1:
			return [][]byte{news}
		case number%4 == 1:
			held = bytes.Clone(news)
			return nil
		case held != nil:
			late := held
			held = nil
			swaps++
			return [][]byte{news, late}
		}
		return [][]byte{news}
	})
	r := mustRun(t, c, Options{})
	if c.total() == 0 || r.Swapped != swaps || swaps == 0 || r.Doubled+r.Damaged != 0 || r.Missing > 1 {
		t.Errorf("%d messages came behind the next, and counted were %+v", swaps, r.Counts)
	}
}

func TestDamagedMessagesAreCounted(t *testing.T) {
	c := newCrier(t, func(member, number int, news []byte) [][]byte {
		if member == 0 && numberIn(t, news) == 3 {
			return [][]byte{bytes.Replace(news, []byte("hear ye"), []byte("hear me"), 1)}
		}
		return [][]byte{news}
	})
	if r := mustRun(t, c, Options{}); r.Damaged != 1 || r.Missing+r.Doubled+r.Swapped != 0 {
		t.Errorf("one message was changed, and counted were %+v", r.Counts)
	}
}

func TestLostConnectionsAreCounted(t *testing.T) {
	c := newCrier(t, honest)
	c.mu.Lock()
	c.deliver = func(member, number int, news []byte) [][]byte {
		if member == 2 && number == 5 {
			_ = c.members[2].Close()
		}
		return [][]byte{news}
	}
	c.mu.Unlock()
	r := mustRun(t, c, Options{})
	if r.Lost != 1 || r.Missing == 0 {
		t.Errorf("one of three connections was cut, and counted were %d, with %d messages missing", r.Lost, r.Missing)
	}
}

func TestLatencyCountsFromTheIntendedTime(t *testing.T) {
	const late = 30 * time.Millisecond
	c := newCrier(t, func(member, number int, news []byte) [][]byte {
		if member == 0 && number == 2 {
			time.Sleep(late) // the server holds everybody up
		}
		return [][]byte{news}
	})
	r := mustRun(t, c, Options{Work: Rate})
	if r.Latency == nil || r.Latency.Max < late || r.Latency.P50 > late {
		t.Errorf("the server stood still for %s once in ten messages, and the latencies are %+v", late, r.Latency)
	}
}

func TestAServerThatRefusesIsAnError(t *testing.T) {
	c := newCrier(t, honest)
	c.close()
	r, err := c.run(Options{})
	if err == nil || r == nil || r.Failure == "" {
		t.Errorf("got %+v and the error %v", r, err)
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	if _, err := Run(Options{Work: "dance"}); err == nil || !strings.Contains(err.Error(), "dance") {
		t.Errorf("got %v, want an error that names the work", err)
	}
	if _, err := Run(Options{Work: Fanout}); err == nil {
		t.Error("a work without clients is done")
	}
}

func TestHandshakesAndHeartbeatsAreDone(t *testing.T) {
	c := newCrier(t, honest)
	if r := mustRun(t, c, Options{Work: Handshake}); r.Ops == 0 {
		t.Error("no handshake was counted")
	}
	if r := mustRun(t, c, Options{Work: Hold}); r.Ops != 3 || r.Lost != 0 {
		t.Errorf("of 3 clients %d are held, %d lost", r.Ops, r.Lost)
	}
}
