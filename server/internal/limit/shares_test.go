package limit

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A hungry member holds what a test lets it hold, and gives it back when it is shed.
type hungry struct {
	account *Account
	held    atomic.Int64
	shed    atomic.Bool
	keeps   bool // for ever
}

func (h *hungry) Held() int { return int(h.held.Load()) }

func (h *hungry) Shed() {
	h.shed.Store(true)
	if !h.keeps {
		h.leave()
	}
}

// leave gives everything back, once.
func (h *hungry) leave() {
	h.account.Left(h)
	h.account.Hold(-int(h.held.Swap(0)))
}

func (h *hungry) hold(n int) {
	h.held.Add(int64(n))
	h.account.Hold(n)
}

func newShares(t *testing.T, o SharesOptions) *Shares {
	t.Helper()
	s, err := NewShares(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// join makes a member of an address that holds n bytes.
func (s *Shares) join(ip string, n int) *hungry {
	h := &hungry{account: s.Account(ip)}
	h.account.Joined(h)
	h.hold(n)
	return h
}

// settle waits until the warden has nothing to do.
func settle() {
	time.Sleep(10 * time.Millisecond)
	synctest.Wait()
}

const mib = 1 << 20

// synced runs a test in a bubble in which Shares end before it does.
func synced(t *testing.T, o SharesOptions, test func(t *testing.T, s *Shares)) {
	synctest.Test(t, func(t *testing.T) {
		s, err := NewShares(o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		test(t, s)
	})
}

func TestAGreedyAddressStopsAtAFifthOfTheSum(t *testing.T) {
	synced(t, SharesOptions{}, func(t *testing.T, s *Shares) {
		calm := s.join("192.0.2.2", 4*mib)
		for range 400 {
			s.join("192.0.2.1", 3*mib/4)
			settle()
		}
		if held := s.Account("192.0.2.1").Held(); held < 48*mib || held > 52*mib {
			t.Errorf("it holds %d MiB, want about 50", held/mib)
		}
		if calm.shed.Load() {
			t.Error("another address paid")
		}
		if st := s.Stats(); st.ShedShare == 0 || st.ShedSum != 0 || st.Near != 0 {
			t.Errorf("got %+v", st)
		}
	})
}

func TestWithPlentyLeftNobodyIsShed(t *testing.T) {
	synced(t, SharesOptions{MaxHeldBytes: 100 * mib}, func(t *testing.T, s *Shares) {
		for i := range 50 {
			s.join(fmt.Sprintf("192.0.2.%d", i), mib)
			settle()
		}
		s.join("192.0.2.200", 9*mib)
		settle()
		if st := s.Stats(); st.ShedShare+st.ShedSum != 0 || st.Held != 59*mib || st.Accounts != 51 {
			t.Errorf("got %+v", st)
		}
	})
}

func TestTheHungriestOfTheHungriestAddressPaysAndNotTheNewest(t *testing.T) {
	var told []Shedding
	o := SharesOptions{MaxHeldBytes: 100 * mib, Told: func(s Shedding) { told = append(told, s) }}
	synced(t, o, func(t *testing.T, s *Shares) {
		old := s.join("192.0.2.1", 6*mib)
		large := s.join("192.0.2.1", 9*mib)
		other := s.join("192.0.2.2", 13*mib)
		newest := s.join("192.0.2.1", 5*mib)
		settle()
		if !large.shed.Load() || old.shed.Load() || other.shed.Load() || newest.shed.Load() {
			t.Errorf("shed: the old %v, the largest %v, another address's %v, the newest %v",
				old.shed.Load(), large.shed.Load(), other.shed.Load(), newest.shed.Load())
		}
		if len(told) != 1 || told[0].Network != NetworkOf("192.0.2.1") || told[0].Bytes != 9*mib || told[0].Sum {
			t.Errorf("told %+v", told)
		}
	})
}

func TestOfEqualMembersTheOldestPays(t *testing.T) {
	synced(t, SharesOptions{MaxHeldBytes: 10 * mib}, func(t *testing.T, s *Shares) {
		var all []*hungry
		for range 3 {
			all = append(all, s.join("192.0.2.1", mib))
			settle()
		}
		if !all[0].shed.Load() || all[1].shed.Load() || all[2].shed.Load() {
			t.Errorf("shed: %v %v %v", all[0].shed.Load(), all[1].shed.Load(), all[2].shed.Load())
		}
	})
}

func TestWhenTheSumIsReachedTheHungriestPayUntilItFits(t *testing.T) {
	synced(t, SharesOptions{MaxHeldBytes: 64 * mib, Trusted: true}, func(t *testing.T, s *Shares) {
		small := s.join("192.0.2.9", mib)
		var all []*hungry
		for i := range 12 {
			all = append(all, s.join(fmt.Sprintf("192.0.2.%d", i+10), (4+i/4)*mib))
		}
		settle()
		st := s.Stats()
		if st.Held > st.Max || st.Held < st.Max-6*mib || st.ShedShare != 0 || st.Near != 1 {
			t.Errorf("got %+v", st)
		}
		if small.shed.Load() || slices.ContainsFunc(all[:8], func(h *hungry) bool { return h.shed.Load() }) {
			t.Error("somebody paid who held less than others that stay")
		}
	})
}

func TestTrustedAddressesHaveNoShareButTheSumHolds(t *testing.T) {
	synced(t, SharesOptions{MaxHeldBytes: 64 * mib, Trusted: true}, func(t *testing.T, s *Shares) {
		for range 60 {
			s.join("192.0.2.1", mib)
		}
		settle()
		if st := s.Stats(); st.ShedShare+st.ShedSum != 0 || st.Held != 60*mib {
			t.Errorf("below the sum: %+v", st)
		}
		for range 60 {
			s.join("192.0.2.1", mib)
		}
		settle()
		if st := s.Stats(); st.ShedShare != 0 || st.ShedSum == 0 || st.Held > 64*mib {
			t.Errorf("above the sum: %+v", st)
		}
	})
}

func TestTheNetworksOfOneCustomerShareAShare(t *testing.T) {
	for _, c := range []struct {
		format string
		most   int64 // of 240 MiB: with a factor f, f parts of f+4
	}{{"2001:db8:1:00%02x::1", 240 * Factor56 / (Factor56 + 4)}, {"2001:db8:1:%x00::1", 240 * Factor48 / (Factor48 + 4)}} {
		synced(t, SharesOptions{MaxHeldBytes: 240 * mib}, func(t *testing.T, s *Shares) {
			for i := range 250 {
				s.join(fmt.Sprintf(c.format, i), mib)
				settle()
			}
			if held := s.Stats().Held / mib; held > c.most || held < c.most-5 {
				t.Errorf("%s hold %d MiB, want about %d", c.format, held, c.most)
			}
		})
	}
}

func TestWhoDoesNotGiveBackInTimeIsCountedAgain(t *testing.T) {
	synced(t, SharesOptions{MaxHeldBytes: 10 * mib, Trusted: true}, func(t *testing.T, s *Shares) {
		stuck := &hungry{account: s.Account("192.0.2.1"), keeps: true}
		stuck.account.Joined(stuck)
		stuck.hold(6 * mib)
		next := s.join("192.0.2.1", 5*mib)
		settle()
		if !stuck.shed.Load() || next.shed.Load() {
			t.Fatal("the first to go was not the hungriest, alone")
		}
		time.Sleep(grace / 2)
		synctest.Wait()
		if next.shed.Load() {
			t.Error("the next had to go before the first had time to give back")
		}
		stuck.account.Left(stuck)
		time.Sleep(grace)
		synctest.Wait()
		if !next.shed.Load() || s.Stats().Held > 10*mib {
			t.Errorf("more than the sum is held: %d MiB", s.Stats().Held/mib)
		}
	})
}

func TestAnAccountLivesUntilItsLastUserHasGoneAndNothingIsHeld(t *testing.T) {
	synced(t, SharesOptions{}, func(t *testing.T, s *Shares) {
		a, b := s.Account("2001:db8::1"), s.Account("2001:db8::2")
		if a != b {
			t.Fatal("one line has two accounts")
		}
		a.Hold(100)
		a.Close()
		b.Close()
		if n := s.Stats().Accounts; n != 1 {
			t.Errorf("%d accounts while something is held, want 1", n)
		}
		a.Hold(-100)
		settle()
		if n := s.Stats().Accounts; n != 0 || len(s.wider) != 0 || len(s.closing) != 0 {
			t.Errorf("%d accounts, %d wider networks and %d that leave are kept", n, len(s.wider), len(s.closing))
		}
		c := s.Account("192.0.2.1")
		c.Hold(5)
		c.Close()
		again := s.Account("192.0.2.1")
		again.Hold(-5)
		settle()
		if n := s.Stats().Accounts; n != 1 || again != c {
			t.Errorf("who came back while something was held has another account, or none: %d", n)
		}
		again.Close()
		if st := s.Stats(); st.Accounts != 0 || st.Held != 0 {
			t.Errorf("got %+v", st)
		}
	})
}

// Whoever holds is told nothing and waits for nobody, also when a member is slow to hear that it must go.
func TestHoldNeverWaits(t *testing.T) {
	s := newShares(t, SharesOptions{MaxHeldBytes: mib})
	release := make(chan struct{})
	m := &slow{entered: make(chan struct{}), release: release}
	a := s.Account("192.0.2.1")
	a.Joined(m)
	a.Hold(2 * mib)
	<-m.entered // the warden is in Shed, and stays there
	for range 10_000 {
		a.Hold(1)
		a.Hold(-1)
	}
	a.Left(m)
	a.Hold(-2 * mib)
	close(release)
}

type slow struct {
	once             sync.Once
	entered, release chan struct{}
}

func (m *slow) Held() int { return 2 * mib }
func (m *slow) Shed() {
	m.once.Do(func() { close(m.entered) })
	<-m.release
}

func TestWhatIsHeldOnManyCoresAddsUp(t *testing.T) {
	s := newShares(t, SharesOptions{MaxHeldBytes: mib})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 500 {
				h := s.join(fmt.Sprintf("2001:db8:%x:%x00::1", i%3, n%5), 1000*(n%20))
				h.account.Hold(64)
				h.account.Hold(-64)
				h.account.Close()
				h.leave()
			}
		})
	}
	all.Wait()
	deadline := time.Now().Add(10 * time.Second)
	for st := s.Stats(); st.Held != 0 || st.Accounts != 0; st = s.Stats() {
		if time.Now().After(deadline) {
			t.Fatalf("when all have left: %+v", st)
		}
		time.Sleep(time.Millisecond)
	}
}

// Whatever is held by whom, in the end it fits, and nobody is shed while somebody hungrier stays.
func FuzzShares(f *testing.F) {
	f.Add([]byte{1, 200, 1, 200, 2, 30, 3, 255, 9, 255})
	f.Add([]byte{0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, steps []byte) {
		synced(t, SharesOptions{MaxHeldBytes: 1 << 20}, func(t *testing.T, s *Shares) {
			var all []*hungry
			for i := 0; i+1 < len(steps); i += 2 {
				ip := fmt.Sprintf("192.0.2.%d", steps[i]%8)
				if steps[i]&128 != 0 {
					ip = fmt.Sprintf("2001:db8:%x:%x00::1", steps[i]&1, steps[i])
				}
				all = append(all, s.join(ip, int(steps[i+1])<<9))
				if steps[i]&64 != 0 {
					settle()
				}
			}
			settle()
			st := s.Stats()
			var held int64
			for _, h := range all {
				held += int64(h.Held())
			}
			if st.Held != held || st.Held > st.Max {
				t.Fatalf("%d bytes are held, members hold %d, the sum is %d", st.Held, held, st.Max)
			}
			share := s.shareAt(held)
			for _, a := range s.accounts {
				if a.Held() > share+st.Max/64 {
					t.Fatalf("%s holds %d, its share is %d", a.key, a.Held(), share)
				}
			}
		})
	})
}

func TestANegativeSumIsAnError(t *testing.T) {
	if _, err := NewShares(SharesOptions{MaxHeldBytes: -1}); err == nil {
		t.Error("it was taken")
	}
}

func BenchmarkHold(b *testing.B) {
	for _, ip := range []string{"192.0.2.1", "2001:db8::1"} {
		b.Run(ip, func(b *testing.B) {
			s, err := NewShares(SharesOptions{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			a := s.Account(ip)
			b.ReportAllocs()
			for b.Loop() {
				a.Hold(100)
				a.Hold(-100)
			}
		})
	}
}

func BenchmarkHoldOnAllCores(b *testing.B) {
	s, err := NewShares(SharesOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	a := s.Account("192.0.2.1")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			a.Hold(100)
			a.Hold(-100)
		}
	})
}
