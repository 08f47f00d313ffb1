package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/websocket"
)

func TestTheSystemsDescriptorsLeaveSomeForTheFeed(t *testing.T) {
	for _, c := range []struct {
		descriptors          uint64
		max, maxAddress      int
		wantAll, wantAddress int
	}{
		{descriptors: 1024, wantAll: 960, wantAddress: 1256},
		{descriptors: 20_000, wantAll: 19_000, wantAddress: 4750},
		{descriptors: 20_000, max: 500, wantAll: 500, wantAddress: 1256},
		{descriptors: 20_000, max: 100_000, maxAddress: 7, wantAll: 19_000, wantAddress: 7},
		{descriptors: 32, wantAll: 1, wantAddress: 1256},
		{descriptors: 1<<64 - 1, wantAll: mostConnections, wantAddress: mostConnections / 4},
		{descriptors: 0, wantAll: mostConnections, wantAddress: mostConnections / 4},
		{descriptors: 0, max: 2 * mostConnections, wantAll: 2 * mostConnections, wantAddress: mostConnections / 2},
	} {
		conf := config.Default()
		conf.MaxConnections, conf.MaxAddressConnections = c.max, c.maxAddress
		if all, address := connectionLimits(conf, c.descriptors); all != c.wantAll || address != c.wantAddress {
			t.Errorf("%+v: %d and %d", c, all, address)
		}
	}
}

var _ websocket.Wrapped = (*connection)(nil) // or each WebSocket would be read and written the slow way

// A throng counts connections that nobody has.
type throng struct {
	*connections
	t *testing.T
}

func newThrong(t *testing.T, max, maxAddress int) *throng {
	cs := &connections{max: max, maxAddress: maxAddress, start: time.Now(), hosts: make(map[limit.Network]*host)}
	return &throng{cs, t}
}

// enter adds one that waits for a request since the age'th millisecond; 0: it is busy.
func (c *throng) enter(ip string, age int64) (*connection, string) {
	conn := &connection{all: c.connections, key: limit.NetworkOf(ip)}
	dropped, over := c.connections.enter(conn)
	if over == "" {
		conn.waits(age)
	}
	return dropped, over
}

// fill adds n of an address.
func (c *throng) fill(ip string, n int, age int64) {
	c.t.Helper()
	for i := range n {
		if dropped, over := c.enter(ip, age*int64(i+1)); dropped != nil || over != "" {
			c.t.Fatalf("number %d of %s: %q", i, ip, over)
		}
	}
}

func TestTheLongestIdleOfTheHungriestAddressMakesPlace(t *testing.T) {
	c := newThrong(t, 100, 100)
	c.fill("192.0.2.1", 20, 1)
	c.fill("192.0.2.2", 60, 100) // younger ones, and more
	c.fill("192.0.2.3", 20, 0)
	for i := range 30 {
		dropped, over := c.enter("192.0.2.9", 0)
		if over != "" || dropped == nil {
			t.Fatalf("number %d: nobody made place: %q", i, over)
		}
		if dropped.key != limit.NetworkOf("192.0.2.2") || dropped.idle.Load() != int64(i+1)*100 {
			t.Fatalf("number %d: one of %s went that is idle since %d", i, dropped.key, dropped.idle.Load())
		}
	}
	if c.open != 100 {
		t.Errorf("%d are open", c.open)
	}
}

func TestWhereNobodyIsIdleTheNewestIsRefused(t *testing.T) {
	c := newThrong(t, 50, 100)
	c.fill("192.0.2.1", 50, 0)
	if dropped, over := c.enter("192.0.2.2", 0); dropped != nil || over != limitConnections {
		t.Errorf("got %v, %q", dropped, over)
	}
}

func TestAnAddressIsBoundOnceHalfOfAllAreTaken(t *testing.T) {
	c := newThrong(t, 100, 20)
	c.fill("192.0.2.1", 50, 0) // more than its limit, while there is plenty
	if _, over := c.enter("192.0.2.1", 0); over != limitAddressConnections {
		t.Errorf("at half of all: %q", over)
	}
	c.fill("192.0.2.2", 20, 3)
	if dropped, over := c.enter("192.0.2.2", 1); over != "" || dropped == nil || dropped.idle.Load() != 3 {
		t.Errorf("its own longest idle one does not make place: %v, %q", dropped, over)
	}
	proxy := &connection{all: c.connections, key: limit.NetworkOf("192.0.2.1"), exempt: true}
	if _, over := c.connections.enter(proxy); over != "" {
		t.Errorf("a trusted proxy: %q", over)
	}
}

// A flood at the limit of its address must not have all of them looked at for each one that is refused.
func TestOnlyIdleConnectionsOfAnAddressAreLookedAt(t *testing.T) {
	c := newThrong(t, 2000, 1000)
	c.fill("192.0.2.1", 997, 0)
	busy, first, second := c.one("192.0.2.1", 1), c.one("192.0.2.1", 2), c.one("192.0.2.1", 3)
	busy.waits(0)
	first.waits(0)
	first.waits(4) // behind the second now
	if got := c.hosts[limit.NetworkOf("192.0.2.1")].idle.longest(1000); !slices.Equal(got, []*connection{second, first}) {
		t.Errorf("of 1000 connections %d are looked at", len(got))
	}
	for i, want := range []*connection{second, first, nil} {
		dropped, over := c.enter("192.0.2.1", 0)
		if dropped != want || (over == "") != (want != nil) {
			t.Errorf("number %d: the right one does not make place: %v, %q", i, dropped, over)
		}
	}
	second.waits(5) // it is closed
	busy.waits(6)
	c.remove(busy)
	if _, over := c.enter("192.0.2.1", 0); over != "" {
		t.Errorf("in the place of one that left: %q", over)
	}
	if dropped, over := c.enter("192.0.2.1", 0); dropped != nil || over != limitAddressConnections {
		t.Errorf("one that is closed makes place: %v, %q", dropped, over)
	}
}

// one adds one and returns it.
func (c *throng) one(ip string, age int64) *connection {
	c.t.Helper()
	conn := &connection{all: c.connections, key: limit.NetworkOf(ip)}
	if dropped, over := c.connections.enter(conn); dropped != nil || over != "" {
		c.t.Fatalf("one of %s: %q", ip, over)
	}
	conn.waits(age)
	return conn
}

func TestTheNetworksOfACustomerAreBoundTogether(t *testing.T) {
	c := newThrong(t, 1000, 10)
	c.fill("192.0.2.1", 500, 0)
	entered := 0
	for i := range 256 {
		if _, over := c.enter(fmt.Sprintf("2001:db8:1:%x00::1", i), 0); over == "" {
			entered++
		}
	}
	if entered != 10*limit.Factor48 {
		t.Errorf("the /64s of one /48 have %d, want %d", entered, 10*limit.Factor48)
	}
}

func TestNothingIsLeftOfConnectionsThatAreClosed(t *testing.T) {
	c := newThrong(t, 1000, 1000)
	var all []*connection
	for i := range 300 {
		conn := &connection{all: c.connections, key: limit.NetworkOf(fmt.Sprintf("2001:db8:%x:%x::1", i%3, i%7))}
		c.connections.enter(conn)
		all = append(all, conn)
	}
	for i := range all {
		one := all[i*7%300]
		c.remove(one)
		c.remove(one) // a second time counts for nothing
	}
	if c.open != 0 || len(c.hosts) != 0 {
		t.Errorf("%d are open, %d hosts are known", c.open, len(c.hosts))
	}
}

// A thousand connections that say nothing do not keep others out.
func TestIdleConnectionsDoNotKeepOthersOut(t *testing.T) {
	r := start(t, func(c *config.Config) { c.MaxConnections = 40 })
	near := r.guest("near")
	for range 200 {
		conn, err := net.Dial("tcp", r.addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
	}
	for range 20 {
		r.until("it is served", func() bool { // nobody looks for idle ones for a moment after a look that took long
			conn, in := r.raw("GET " + HealthPath + " HTTP/1.1\r\nHost: crier\r\n\r\n")
			res, err := http.ReadResponse(in, nil)
			if err != nil || res.StatusCode != http.StatusOK {
				return false
			}
			_, _ = io.Copy(io.Discard, res.Body)
			t.Cleanup(func() { conn.Close() }) // it stays, idle
			return true
		})
	}
	near.expectUnharmed()
	if n := r.server.connections.count(); n > 40 {
		t.Errorf("%d connections are open, 40 may be", n)
	}
	if dropped := r.metric("crier_connections_dropped_total"); dropped == "0" {
		t.Error("no idle connection made place")
	}
}

// WebSockets are not idle: when they have all places, who comes is refused, counted and logged; when they leave, they
// are counted no more.
func TestAConnectionTooManyIsRefusedCountedAndLogged(t *testing.T) {
	r := start(t, func(c *config.Config) { c.MaxConnections = 30 })
	var taken []net.Conn
	for range 30 {
		conn, in := r.raw(rawUpgrade("/ws/echo"))
		if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("got %v, %v", res, err)
		}
		taken = append(taken, conn)
	}
	for range 100 {
		conn, in := r.raw("")
		if _, err := in.ReadByte(); err == nil {
			t.Fatal("it is served")
		}
		conn.Close()
	}
	if n := r.server.hits.Counts()[limitConnections]; n != 100 {
		t.Errorf("%d are counted, want 100", n)
	}
	log := r.log.String()
	if n := strings.Count(log, `"limit":"max_connections"`); n == 0 || n > 15 {
		t.Errorf("%d lines of 100, want a few:\n%s", n, log)
	}
	for _, conn := range taken {
		conn.Close()
	}
	r.until("the places are free", func() bool { return r.server.connections.count() == 0 })
	r.expectMetric(`crier_limit_hits_total{limit="max_connections",part="http"}`, "100")
	r.expectMetric("crier_connections", "1")
}

func TestATrustedProxyIsNotBoundAsOneAddress(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		r := start(t, func(c *config.Config) {
			c.MaxConnections, c.MaxAddressConnections = 40, 5
			if trusted {
				c.TrustedProxies = []string{"127.0.0.1/32"}
			}
		})
		r.until("the connection that asked whether it is ready is gone", func() bool {
			r.client.CloseIdleConnections() // it would count, and it makes place only once the server has seen it idle
			return r.server.connections.count() == 0
		})
		served := 0
		for range 30 {
			conn, err := net.Dial("tcp", r.addr())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			conn.SetDeadline(time.Now().Add(patience))
			_, _ = io.WriteString(conn, rawUpgrade("/ws/echo"))
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err == nil && res.StatusCode == http.StatusSwitchingProtocols {
				served++
			}
		}
		if want := map[bool]int{false: 20, true: 30}[trusted]; served != want {
			t.Errorf("trusted %v: %d of 30 are served, want %d", trusted, served, want)
		}
	}
}

func TestACapThatTheSystemDoesNotAllowIsTold(t *testing.T) {
	if descriptors() == 0 || descriptors() > 9_000_000 {
		t.Skip("this system allows more than can be set")
	}
	r := start(t, func(c *config.Config) { c.MaxConnections = 10_000_000 })
	if !strings.Contains(r.log.String(), "ulimit -n") {
		t.Errorf("the log does not tell:\n%s", r.log)
	}
}

// A flood at the limit does not cost more than a look now and then.
func BenchmarkAcceptAtTheLimit(b *testing.B) {
	cs := newConnections(config.Default(), func(netip.Addr) bool { return false }, func(net.Addr, string) {})
	cs.max, cs.maxAddress = 20_000, 20_000
	enter := func(i int) {
		c := &connection{all: cs, key: limit.NetworkOf(fmt.Sprintf("10.0.%d.%d", i>>8&63, i&255))}
		if _, over := cs.enter(c); over == "" {
			c.waits(int64(i + 1))
		}
	}
	for i := range 20_000 {
		enter(i)
	}
	i := 20_000
	for b.Loop() {
		i++
		enter(i)
	}
}
