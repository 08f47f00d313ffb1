package server

import (
	"cmp"
	"slices"
	"time"
)

// An idle connection is closed when another needs its place. To find the longest idle ones of the addresses that have
// most, all are looked at, which takes ten milliseconds where there are twenty thousand of as many addresses. So some
// are found in one go; and where that took long, or few were found, nobody looks again for nine times as long: a
// flood of new connections has at most a tenth of a core looked for it.
const (
	mostDropped   = 256 // so many are found in one go;
	fewDropped    = 16  // fewer are few,
	longLook      = time.Millisecond
	restAfterLook = 9
)

// longestIdle returns the connection that has been idle longest, nil if none is.
func (h *host) longestIdle() (longest *connection) {
	if h == nil {
		return nil
	}
	for c := h.first; c != nil; c = c.behind {
		if since := c.idle.Load(); since > 0 && (longest == nil || since < longest.idle.Load()) {
			longest = c
		}
	}
	return longest
}

// longestIdle returns the connection that has been idle longest of the address that has most, nil if none is idle.
// Those of trusted proxies stay. cs.mu must be held.
func (cs *connections) longestIdle(now time.Time) *connection {
	for {
		for len(cs.queue) > 0 {
			c := cs.queue[0]
			cs.queue = cs.queue[1:]
			if !c.closed.Load() && c.idle.Load() > 0 {
				return c
			}
		}
		if now.Before(cs.next) {
			return nil
		}
		began := time.Now()
		cs.queue = cs.idleOnes()
		if took := time.Since(began); took > longLook || len(cs.queue) < fewDropped {
			cs.next = now.Add(restAfterLook * took)
		}
		if len(cs.queue) == 0 {
			return nil
		}
	}
}

// idleHost is an address that has idle connections.
type idleHost struct {
	open int
	idle []*connection
}

// idleOnes returns idle connections in the order in which they have to go: the longest idle of the address that has
// most then. cs.mu must be held.
func (cs *connections) idleOnes() (all []*connection) {
	hosts := cs.idleHosts()
	slices.SortFunc(hosts, func(a, b *idleHost) int { return cmp.Compare(b.open, a.open) })
	least := 0 // what the others have
	if len(hosts) > mostDropped {
		least = hosts[mostDropped].open
		hosts = hosts[:mostDropped]
	}
	for _, h := range hosts {
		slices.SortFunc(h.idle, func(a, b *connection) int { return cmp.Compare(a.idle.Load(), b.idle.Load()) })
	}
	for len(hosts) > 0 && len(all) < mostDropped {
		h := slices.MaxFunc(hosts, func(a, b *idleHost) int { return cmp.Compare(a.open, b.open) })
		if h.open < least {
			break
		}
		all = append(all, h.idle[0])
		h.open, h.idle = h.open-1, h.idle[1:]
		hosts = slices.DeleteFunc(hosts, func(h *idleHost) bool { return len(h.idle) == 0 })
	}
	return all
}

// idleHosts returns the addresses that have idle connections. cs.mu must be held.
func (cs *connections) idleHosts() (hosts []*idleHost) {
	for _, h := range cs.hosts {
		one := &idleHost{open: h.open}
		for c := h.first; c != nil; c = c.behind {
			if c.idle.Load() > 0 {
				one.idle = append(one.idle, c)
			}
		}
		if len(one.idle) > 0 {
			hosts = append(hosts, one)
		}
	}
	return hosts
}
