package limit

import "sync/atomic"

// An Account counts what is held for one address. Everybody who holds bytes for that address has the same one.
//
// All methods may be called concurrently.
type Account struct {
	shares *Shares
	key    Network
	held   atomic.Int64
	cell   *heldCell
	wider  [2]*wider // of IPv6 the /56 and the /48
	closed atomic.Bool

	users   int               // Shares.mu guards it, and the following
	members map[Member]uint64 // with a number that grows from one to the next
	joined  uint64
}

// Account returns the account of an IP address, or of a text that stands for a client that has none. Close must
// follow.
func (s *Shares) Account(ip string) *Account {
	keys := networksOf(ip)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[keys.All[0]]
	if a == nil {
		a = s.open(keys)
	}
	a.users++
	a.closed.Store(false)
	return a
}

// open makes a new account. s.mu must be held.
func (s *Shares) open(keys Networks) *Account {
	a := &Account{shares: s, key: keys.All[0], cell: &s.cells[s.next%cells]}
	s.next++
	s.accounts[a.key] = a
	for i, key := range keys.All[1:keys.N] {
		w := s.wider[key]
		if w == nil {
			w = &wider{key: key}
			s.wider[key] = w
		}
		w.accounts++
		a.wider[i] = w
	}
	return a
}

// Close ends one use of the account. Whoever calls it may still give back with Hold what it has not yet: the account
// is forgotten when it has no user and holds nothing.
func (a *Account) Close() {
	s := a.shares
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.users--; a.users > 0 {
		return
	}
	a.closed.Store(true)
	if a.held.Load() > 0 {
		s.closing = append(s.closing, a)
		return
	}
	s.forget(a)
}

// forget drops an account. s.mu must be held.
func (s *Shares) forget(a *Account) {
	if s.accounts[a.key] != a {
		return
	}
	delete(s.accounts, a.key)
	for _, w := range a.wider {
		if w == nil {
			continue
		}
		if w.accounts--; w.accounts == 0 {
			delete(s.wider, w.key)
		}
	}
}

// Hold counts delta bytes more, or fewer if it is negative, for the address and for the process. It never waits: if
// that is too much, somebody is shed soon, by another goroutine.
func (a *Account) Hold(delta int) {
	d, s := int64(delta), a.shares
	held := a.held.Add(d)
	all := a.cell.held.Add(d)
	share := s.share.Load()
	over := held > share || all > a.cell.alarm.Load()
	for _, w := range a.wider {
		if w != nil {
			over = w.held.Add(d) > share*int64(w.key.Factor()) || over
		}
	}
	if d > 0 && over || d < 0 && held <= 0 && a.closed.Load() {
		s.look()
	}
}

// Held returns how many bytes are held for the address.
func (a *Account) Held() int64 { return a.held.Load() }

// Joined makes m one of those that can be shed. Left must follow.
func (a *Account) Joined(m Member) {
	a.shares.mu.Lock()
	defer a.shares.mu.Unlock()
	if a.members == nil {
		a.members = make(map[Member]uint64)
	}
	a.joined++
	a.members[m] = a.joined
}

// Left says that m has ended, and will hold nothing soon.
func (a *Account) Left(m Member) {
	a.shares.mu.Lock()
	defer a.shares.mu.Unlock()
	delete(a.members, m)
}
