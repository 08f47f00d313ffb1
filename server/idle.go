package server

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// An idle connection is closed when another needs its place. To find the longest idle ones of the addresses that have
// most, all addresses are looked at, which takes ten milliseconds where there are twenty thousand. So some
// are found in one go; and where that took long, or few were found, nobody looks again for nine times as long: a
// flood of new connections has at most a tenth of a core looked for it.
const (
	mostDropped   = 256 // so many are found in one go;
	fewDropped    = 16  // fewer are few,
	longLook      = time.Millisecond
	restAfterLook = 9
)

// An idleLine holds the connections of an address that wait for a request, the longest waiting first. So the one to be
// closed for another of that address is found at once, however many there are.
type idleLine struct {
	mu          sync.Mutex // guards the following; connections.mu may be held
	first, last *connection
}

// waits notes since when c waits for a request; 0: it does not.
func (c *connection) waits(since int64) {
	if c.host == nil {
		c.idle.Store(since)
		return
	}
	l := &c.host.idle
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.closed.Load() {
		return
	}
	if c.idle.Swap(since) > 0 {
		l.unlink(c)
	}
	if since > 0 {
		l.append(c)
	}
}

// remove takes c, which has been closed, out of the line if it is there.
func (l *idleLine) remove(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.idle.Load() > 0 {
		l.unlink(c)
	}
}

// append needs the lock.
func (l *idleLine) append(c *connection) {
	if c.before = l.last; l.last == nil {
		l.first = c
	} else {
		l.last.behind = c
	}
	l.last = c
}

// unlink needs the lock.
func (l *idleLine) unlink(c *connection) {
	if c.before == nil {
		l.first = c.behind
	} else {
		c.before.behind = c.behind
	}
	if c.behind == nil {
		l.last = c.before
	} else {
		c.behind.before = c.before
	}
	c.before, c.behind = nil, nil
}

// longest returns the first n of the line.
func (l *idleLine) longest(n int) (all []*connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := l.first; c != nil && len(all) < n; c = c.behind {
		all = append(all, c)
	}
	return all
}

// longestIdle returns the connection that has been idle longest, nil if none is.
func (h *host) longestIdle() *connection {
	if h == nil {
		return nil
	}
	h.idle.mu.Lock()
	defer h.idle.mu.Unlock()
	return h.idle.first
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

// idleHosts returns the addresses that have idle connections, each with as many as may have to go. cs.mu must be held.
func (cs *connections) idleHosts() (hosts []*idleHost) {
	for _, h := range cs.hosts {
		if idle := h.idle.longest(mostDropped); len(idle) > 0 {
			hosts = append(hosts, &idleHost{open: h.open, idle: idle})
		}
	}
	return hosts
}
