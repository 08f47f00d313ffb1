package limit

import (
	"sync"
	"testing"
	"testing/synctest"
)

func TestAPurseTellsItsAccountOfLargeChanges(t *testing.T) {
	synced(t, SharesOptions{}, func(t *testing.T, s *Shares) {
		var p Purse
		p.Open(s.Account("192.0.2.1"))
		for _, c := range []struct {
			delta int
			told  int64
		}{
			{4000, 0}, {-3000, 0}, {1000, 0}, {3000, 5000}, {4000, 5000}, {-8000, 5000}, {-1000, 0}, {1 << 20, 1 << 20},
		} {
			p.Hold(c.delta)
			if got := p.Account().Held(); got != c.told {
				t.Errorf("with %d held the account knows of %d, want %d", p.Held(), got, c.told)
			}
		}
	})
}

func TestWhatAPurseHeldIsGivenBackAfterItsEnd(t *testing.T) {
	synced(t, SharesOptions{}, func(t *testing.T, s *Shares) {
		var p Purse
		p.Open(s.Account("192.0.2.1"))
		p.Hold(3000)
		p.Close()
		if st := s.Stats(); st.Held != 3000 || st.Accounts != 1 {
			t.Errorf("at its end: %+v", st)
		}
		p.Hold(-1000)
		if st := s.Stats(); st.Held != 2000 {
			t.Errorf("when something is given back: %+v", st)
		}
		p.Hold(-2000)
		settle()
		synctest.Wait()
		if st := s.Stats(); st.Held != 0 || st.Accounts != 0 {
			t.Errorf("when all is: %+v", st)
		}
	})
}

func TestAPurseThatManyUseAddsUp(t *testing.T) {
	s := newShares(t, SharesOptions{})
	a := s.Account("192.0.2.1")
	for range 50 {
		var p Purse
		p.Open(s.Account("192.0.2.1"))
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for n := range 100 {
					p.Hold(n * 97 * (i + 1))
					if i == 0 && n == 50 {
						p.Close()
					}
					p.Hold(-n * 97 * (i + 1))
				}
			})
		}
		all.Wait()
		if p.Held() != 0 {
			t.Fatalf("it holds %d", p.Held())
		}
	}
	if a.Held() != 0 || s.Stats().Held != 0 {
		t.Errorf("in the end the account holds %d, all %d", a.Held(), s.Stats().Held)
	}
}

func BenchmarkPurse(b *testing.B) {
	s, err := NewShares(SharesOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var p Purse
	p.Open(s.Account("192.0.2.1"))
	b.ReportAllocs()
	for b.Loop() {
		p.Hold(100)
		p.Hold(-100)
	}
}

func BenchmarkPursesOnAllCores(b *testing.B) {
	s, err := NewShares(SharesOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.RunParallel(func(pb *testing.PB) {
		p := new(Purse)
		p.Open(s.Account("192.0.2.1"))
		for pb.Next() {
			p.Hold(100)
			p.Hold(-100)
		}
	})
}
