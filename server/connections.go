package server

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/internal/limit"
)

// The limits of connections.
const (
	limitConnections        = "MaxConnections"
	limitAddressConnections = "MaxAddressConnections"
)

const (
	mostConnections = 1 << 20 // by default, where the system allows more
	leastSpare      = 64      // descriptors that are left to the feed, to listeners and to the runtime,
	spareOf         = 20      // or one of so many, if that is more
	leastOwn        = 256     // connections that an address may have beside its sessions
	addressPart     = 4       // an address may have one of so many parts of all
	crowdedPart     = 2       // its limit holds once one of so many parts of all are taken
)

// connectionLimits returns how many connections there may be in all and from one address, on a system that allows so
// many descriptors; 0 is not known. What max_connections asks for beyond that can't be had.
func connectionLimits(c *config.Config, descriptors uint64) (all, address int) {
	all = mostConnections
	if descriptors > 0 {
		n := int(min(descriptors, mostConnections*spareOf))
		all = min(max(n-max(leastSpare, n/spareOf), 1), mostConnections)
	}
	if c.MaxConnections > 0 && (descriptors == 0 || c.MaxConnections < all) {
		all = c.MaxConnections
	}
	if address = c.MaxAddressConnections; address == 0 {
		address = max(all/addressPart, c.MaxAddressSessions+leastOwn)
	}
	return all, address
}

// connections bound how many TCP connections are open, through all listeners, for each address and for all: without a
// limit one client uses up the descriptors, and then nobody connects and the feed opens no files.
//
// When all are taken, the connection that has waited longest for a request, of the address that has most, is closed
// for the new one. A limit of an address (of IPv6 a /64; its wider networks may have more) holds only once half of
// all are taken, and not for trusted proxies, who speak for many.
type connections struct {
	max, maxAddress int
	trusted         func(netip.Addr) bool
	refused         func(addr net.Addr, limit string) // called for each connection that is turned away
	start           time.Time
	dropped         atomic.Uint64 // idle connections that were closed for others

	mu sync.Mutex // guards the following

	open  int
	hosts map[limit.Network]*host
	queue []*connection // idle when last looked at, the next to go in front
	next  time.Time     // when to look again at the earliest
}

// A host is an address, or a wider network, that has connections.
type host struct {
	open int      // connections.mu guards it
	idle idleLine // of an address
}

// A connection is counted until it is closed, whoever has it then.
type connection struct {
	*net.TCPConn

	all    *connections
	key    limit.Network
	exempt bool         // of a trusted proxy
	host   *host        // nil if it is exempt, or not counted yet
	idle   atomic.Int64 // since when it waits for a request, in nanoseconds since connections.start; 0: it does not
	closed atomic.Bool

	greeting *greeting // looks at the first bytes; the reader's, nil once they are there
	pipeline pipeline

	before, behind *connection // in the host's line, which guards them
}

func newConnections(c *config.Config, trusted func(netip.Addr) bool, refused func(net.Addr, string)) *connections {
	all, address := connectionLimits(c, descriptors())
	return &connections{
		max: all, maxAddress: address, trusted: trusted, refused: refused,
		start: time.Now(), hosts: make(map[limit.Network]*host),
	}
}

// count returns how many connections are open.
func (cs *connections) count() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.open
}

// listener returns l, of whose connections no more are accepted than there may be. g looks at what they say first.
func (cs *connections) listener(l net.Listener, g *greeting) net.Listener {
	return &boundedListener{l, cs, g}
}

type boundedListener struct {
	net.Listener

	all      *connections
	greeting *greeting
}

// Accept returns the next connection that may be. The others are closed.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := conn.(*net.TCPConn)
		if !ok {
			return conn, nil
		}
		if c := l.all.admit(tcp); c != nil {
			c.greeting = l.greeting
			return c, nil
		}
	}
}

// admit counts a connection, or closes it and returns nil.
func (cs *connections) admit(tcp *net.TCPConn) *connection {
	c := &connection{TCPConn: tcp, all: cs}
	if peer, ok := tcp.RemoteAddr().(*net.TCPAddr); ok {
		a := peer.AddrPort().Addr().Unmap().WithZone("")
		c.key, c.exempt = limit.NetworkOfAddr(a), cs.trusted(a)
	}
	drop, over := cs.enter(c)
	if drop != nil {
		cs.dropped.Add(1)
		_ = drop.Close()
	}
	if over == "" {
		return c
	}
	cs.refused(tcp.RemoteAddr(), over)
	_ = tcp.Close()
	return nil
}

// enter counts c unless a limit is met, which it returns. In c's place an idle connection may have to be closed.
func (cs *connections) enter(c *connection) (drop *connection, over string) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	switch {
	case !c.exempt && cs.open >= cs.max/crowdedPart && cs.full(c.key):
		if drop = cs.hosts[c.key].longestIdle(); drop == nil {
			return nil, limitAddressConnections
		}
		cs.remove(drop)
	case cs.open >= cs.max:
		if drop = cs.longestIdle(time.Now()); drop == nil {
			return nil, limitConnections
		}
		cs.remove(drop)
	}
	cs.add(c)
	return drop, ""
}

// full says whether an address, or a network around it, has as many connections as it may. cs.mu must be held.
func (cs *connections) full(key limit.Network) bool {
	around := key.Around()
	for _, n := range around.All[:around.N] {
		if h := cs.hosts[n]; h != nil && h.open/n.Factor() >= cs.maxAddress {
			return true
		}
	}
	return false
}

// add counts c. cs.mu must be held.
func (cs *connections) add(c *connection) {
	cs.open++
	if c.exempt {
		return
	}
	around := c.key.Around()
	for i, n := range around.All[:around.N] {
		h := cs.hosts[n]
		if h == nil {
			h = new(host)
			cs.hosts[n] = h
		}
		h.open++
		if i == 0 {
			c.host = h
		}
	}
}

// remove counts c no more, once. cs.mu must be held.
func (cs *connections) remove(c *connection) {
	if c.closed.Swap(true) {
		return
	}
	cs.open--
	if c.exempt {
		return
	}
	c.host.idle.remove(c)
	around := c.key.Around()
	for _, n := range around.All[:around.N] {
		h := cs.hosts[n]
		if h.open--; h.open == 0 {
			delete(cs.hosts, n)
		}
	}
}

// Read reads for net/http and crypto/tls. The first bytes may be what this address does not speak.
func (c *connection) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if n == 0 {
		return n, err
	}
	c.pipeline.note(b[:n])
	if c.greeting == nil {
		return n, err
	}
	g := c.greeting
	c.greeting = nil
	if !g.fits(b[0]) {
		return 0, g.answer(c.TCPConn, b[:n])
	}
	return n, err
}

// Socket implements websocket.Wrapped.
func (c *connection) Socket() net.Conn { return c.TCPConn }

// Close closes the connection, which does not count any more.
func (c *connection) Close() error {
	err := c.TCPConn.Close()
	if !c.closed.Load() {
		c.all.mu.Lock()
		c.all.remove(c)
		c.all.mu.Unlock()
	}
	return err
}

// watch is the http.Server's ConnState: it notes which connections wait for a request.
func (cs *connections) watch(conn net.Conn, state http.ConnState) {
	c, ok := conn.(*connection)
	if !ok {
		return
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.waits(max(int64(time.Since(cs.start)), 1))
	default:
		c.waits(0)
	}
}
