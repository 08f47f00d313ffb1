package limit

import (
	"container/list"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Why an address may not open more.
var (
	ErrTooMany = errors.New("too many connections from this address")
	ErrTooFast = errors.New("too many new connections from this address")
)

// AddressLimits bound what one address may do: an IPv4 address or an IPv6 /64. The /56 around it may do Factor56
// times as much, and the /48 Factor48 times. The zero value of each field means its default.
type AddressLimits struct {
	// MaxOpen is how many sessions and other connections an address may have open. Zero value means 1,000: a school
	// or an office is often one address.
	MaxOpen int

	// MaxRate is how many an address may open in a second, sustained. MaxOpen of them may come at once, if that is
	// more, so that everybody behind an address can come back when the server was restarted. Zero value means 100.
	MaxRate int
}

func (l AddressLimits) withDefaults() (AddressLimits, error) {
	for _, d := range []struct {
		name  string
		field *int
		value int
	}{{"MaxOpen", &l.MaxOpen, 1000}, {"MaxRate", &l.MaxRate, 100}} {
		if *d.field == 0 {
			*d.field = d.value
		}
		if *d.field < 0 {
			return l, fmt.Errorf("limit: %s is %d: it must be positive", d.name, *d.field)
		}
	}
	return l, nil
}

// mostIdle is how many networks with nothing open are remembered for their rate: 2 MB. Whoever has more than that at
// hand is not held up by a limit on each.
const mostIdle = 10_000

// Addresses know what is open for each address, and how fast it came. An address that has nothing open is forgotten
// as soon as it may open as many at once again as one that is new, and the one that has been idle longest when there
// are too many.
//
// All methods may be called concurrently.
type Addresses struct {
	mu sync.Mutex // guards the following

	limits  AddressLimits
	burst   int           // how many may come at once
	recover time.Duration // how long an empty bucket takes to be full again

	known  map[Network]*address
	narrow int       // how many of known are no wider networks
	idle   list.List // of *address with nothing open, the one that was idle first in front
}

type address struct {
	key   Network
	open  int
	rate  Bucket
	since time.Time     // with place: idle
	place *list.Element // in Addresses.idle, while nothing is open
}

// NewAddresses returns a limiter that knows no address.
func NewAddresses(l AddressLimits) (*Addresses, error) {
	a := &Addresses{known: make(map[Network]*address)}
	return a, a.Limit(l)
}

// Limit puts other limits in force. What is open stays so; each address may open as many at once as one that is new.
func (l *Addresses) Limit(limits AddressLimits) error {
	limits, err := limits.withDefaults()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limits = limits
	l.burst = max(limits.MaxOpen, limits.MaxRate)
	l.recover = time.Duration(float64(l.burst) / float64(limits.MaxRate) * float64(time.Second))
	for key, a := range l.known {
		a.rate = l.rate(key)
	}
	return nil
}

// rate returns a full bucket of a network. l.mu must be held.
func (l *Addresses) rate(key Network) Bucket {
	f := int64(key.Factor())
	return Bucket{PerSecond: f * int64(l.limits.MaxRate), Burst: f * int64(l.burst)}
}

// Enter counts one more for an IP address; Leave must follow. ErrTooFast and ErrTooMany say that it may not be, and
// then Leave must not follow.
func (l *Addresses) Enter(ip string) error {
	keys, now := networksOf(ip), time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(now)
	var found [3]*address
	var err error
	for i, key := range keys.All[:keys.N] {
		found[i] = l.find(key)
		if err == nil {
			err = l.judge(found[i], now)
		}
	}
	for _, a := range found[:keys.N] {
		if err == nil {
			a.open++
		}
		l.put(a, now)
	}
	return err
}

// find returns what is known of a network, which is new if nothing is. l.mu must be held.
func (l *Addresses) find(key Network) *address {
	a := l.known[key]
	if a == nil {
		a = &address{key: key, rate: l.rate(key)}
		l.known[key] = a
		l.count(key, 1)
	}
	return a
}

func (l *Addresses) count(key Network, n int) {
	if key.narrow() {
		l.narrow += n
	}
}

// judge says whether a may open one more, and counts that it asked. l.mu must be held.
func (l *Addresses) judge(a *address, now time.Time) error {
	switch {
	case !a.rate.Allow(1, now):
		return ErrTooFast
	case a.open/a.key.Factor() >= l.limits.MaxOpen:
		return ErrTooMany
	}
	return nil
}

// Leave counts one less for an IP address.
func (l *Addresses) Leave(ip string) {
	keys, now := networksOf(ip), time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys.All[:keys.N] {
		if a := l.known[key]; a != nil && a.open > 0 {
			a.open--
			l.put(a, now)
		}
	}
	l.forget(now)
}

// Len returns how many addresses are known. The wider networks around them do not count.
func (l *Addresses) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.narrow
}

// put keeps a among the idle ones when it has nothing open, and nowhere else. l.mu must be held.
func (l *Addresses) put(a *address, now time.Time) {
	if a.place != nil {
		l.idle.Remove(a.place)
		a.place = nil
	}
	if a.open == 0 {
		a.since, a.place = now, l.idle.PushBack(a)
	}
}

// forget drops what is not worth remembering. l.mu must be held.
func (l *Addresses) forget(now time.Time) {
	for front := l.idle.Front(); front != nil; front = l.idle.Front() {
		a := front.Value.(*address)
		if l.idle.Len() <= mostIdle && now.Sub(a.since) < l.recover {
			return
		}
		l.idle.Remove(front)
		delete(l.known, a.key)
		l.count(a.key, -1)
	}
}
