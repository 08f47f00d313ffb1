package limit

import (
	"slices"
	"time"
)

// grace is how long a member that was shed may take to give back what it holds. Until then that counts as given back,
// so that nobody else is shed in its place; from then on it counts as held.
const grace = time.Second

// A warden looks at what is held, and sheds. One goroutine has it.
type warden struct {
	shares *Shares
	near   bool
	shed   []dismissed // lately, and still holding something
}

// dismissed is a member that was told to end.
type dismissed struct {
	account *Account
	member  Member
	until   time.Time // with grace
}

func (w *warden) run() {
	s := w.shares
	defer close(s.done)
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-again.C:
		case <-s.wake:
		}
		began := time.Now()
		w.look(began)
		rest := time.NewTimer(pause(time.Since(began)))
		select {
		case <-s.stop:
			rest.Stop()
			return
		case <-rest.C:
		}
		if len(w.shed) > 0 {
			again.Reset(grace)
		} else {
			again.Stop()
		}
	}
}

// look compares what is held with what may be, and sheds what is too much.
func (w *warden) look(now time.Time) {
	s := w.shares
	held := s.setAlarms()
	s.sweep()
	if near := held > s.max-s.max/nearPart; near != w.near {
		if w.near = near; near {
			s.near.Add(1)
		}
	}
	// An address over its share holds more than (max - held) / shareOf of held, so there is none before held is a
	// fifth.
	if held < s.max/(shareOf+1) {
		w.shed = w.shed[:0]
		return
	}
	d := &deliberation{shares: s, held: held, going: map[Member]bool{}}
	d.gather()
	w.discount(d, now)
	for _, victim := range d.choose() {
		w.shed = append(w.shed, dismissed{victim.account, victim.member, now.Add(grace)})
		w.dismiss(victim, held)
	}
}

// dismiss sheds one member and counts it.
func (w *warden) dismiss(v victim, held int64) {
	if v.sum {
		w.shares.shedSum.Add(1)
	} else {
		w.shares.shedShare.Add(1)
	}
	v.member.Shed()
	w.shares.told(Shedding{Network: v.account.key, Bytes: int(v.held), Held: held, Sum: v.sum})
}

// discount takes from the debts what members who were shed will give back at once. It forgets those that hold nothing
// any more or had grace for long enough.
func (w *warden) discount(d *deliberation, now time.Time) {
	w.shed = slices.DeleteFunc(w.shed, func(gone dismissed) bool {
		held := int64(gone.member.Held())
		if held == 0 || !now.Before(gone.until) {
			return true
		}
		d.release(gone.account, gone.member, held)
		return false
	})
}

// sweep forgets accounts that nobody uses and that hold nothing any more.
func (s *Shares) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = slices.DeleteFunc(s.closing, func(a *Account) bool {
		if a.users == 0 && a.held.Load() > 0 {
			return false
		}
		if a.users == 0 {
			s.forget(a)
		}
		return true
	})
}
