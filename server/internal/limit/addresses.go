package limit

import (
	"container/list"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Why an address may not open more.
var (
	ErrTooMany = errors.New("too many connections from this address")
	ErrTooFast = errors.New("too many new connections from this address")
)

// AddressLimits bound what one address may do. The zero value of each field means its default.
type AddressLimits struct {
	// MaxOpen is how many sessions and other connections an address may have open. Zero value means 1,000: a school or an
	// office is often one address.
	MaxOpen int

	// MaxRate is how many an address may open in a second, lasting. MaxOpen of them may come at once, if that is more, so that
	// everybody behind an address can come back when the server was restarted. Zero value means 100.
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

// mostIdle is how many addresses with nothing open are remembered for their rate: 2 MB. Whoever has more than that at hand
// is not held up by a limit on each.
const mostIdle = 10_000

// Addresses know what is open for each address, and how fast it came. An address that has nothing open is forgotten as soon
// as it may open as many at once again as one that is new, and the one that has been idle longest when there are too many.
//
// All methods may be called concurrently.
type Addresses struct {
	limits  AddressLimits
	burst   int           // how many may come at once
	recover time.Duration // how long that takes to be so again

	mu sync.Mutex // guards the following

	known map[string]*address
	idle  list.List // of *address with nothing open, the one that was idle first in front
}

type address struct {
	key   string
	open  int
	rate  *rate.Limiter
	since time.Time     // with place: idle
	place *list.Element // in Addresses.idle, while nothing is open
}

// NewAddresses returns a limiter that knows no address.
func NewAddresses(l AddressLimits) (*Addresses, error) {
	l, err := l.withDefaults()
	if err != nil {
		return nil, err
	}
	burst := max(l.MaxOpen, l.MaxRate)
	return &Addresses{
		limits:  l,
		burst:   burst,
		recover: time.Duration(float64(burst) / float64(l.MaxRate) * float64(time.Second)),
		known:   make(map[string]*address),
	}, nil
}

// Enter counts one more for an IP address; Leave must follow. ErrTooFast and ErrTooMany say that it may not be, and then Leave
// must not follow.
func (l *Addresses) Enter(ip string) error {
	key, now := network(ip), time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(now)
	a := l.known[key]
	if a == nil {
		a = &address{key: key, rate: rate.NewLimiter(rate.Limit(l.limits.MaxRate), l.burst)}
		l.known[key] = a
	}
	err := l.judge(a, now)
	if err == nil {
		a.open++
	}
	l.put(a, now)
	return err
}

// judge says whether a may open one more, and counts that it asked.
func (l *Addresses) judge(a *address, now time.Time) error {
	switch {
	case !a.rate.AllowN(now, 1):
		return ErrTooFast
	case a.open >= l.limits.MaxOpen:
		return ErrTooMany
	}
	return nil
}

// Leave counts one less for an IP address.
func (l *Addresses) Leave(ip string) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.known[network(ip)]
	if a == nil || a.open == 0 {
		return
	}
	a.open--
	l.put(a, now)
	l.forget(now)
}

// Len returns how many addresses are known.
func (l *Addresses) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.known)
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
	}
}

// network is what counts as one address: of IPv6 the first 64 bits, which is the least that one line gets, and of IPv4 written
// as IPv6 what it stands for. What is no IP address, such as the "@" of a Unix socket, counts as it is.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if a = a.Unmap().WithZone(""); a.Is4() {
		return a.String()
	}
	prefix, _ := a.Prefix(64) // of an IPv6 address there always is one
	return prefix.String()
}
