//go:build unix

package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/crier/crier/config"
)

// A crowd hears the news, and checks that they are whole and in order.
type crowd struct {
	t      *testing.T
	guests []*guest
	heard  atomic.Int64 // news, by all
	lost   atomic.Int64 // guests who heard something else than the next piece of news
	gone   sync.WaitGroup

	mu sync.Mutex // guards the following

	took []time.Duration // from the sender's word to a guest's ear
}

// gather lets n guests in.
func (r *running) gather(n int) *crowd {
	r.t.Helper()
	c := &crowd{t: r.t, guests: make([]*guest, n)}
	inParallel(n, func(i int) {
		g, err := r.tryGuest(fmt.Sprint("guest ", i))
		if err != nil {
			r.t.Error("a guest is not let in:", err)
			return
		}
		c.guests[i] = g
	})
	if r.t.Failed() {
		r.t.FailNow()
	}
	for _, g := range c.guests {
		c.gone.Go(func() { c.listen(g) })
	}
	return c
}

// listen ends with the guest's connection.
func (c *crowd) listen(g *guest) {
	for next := 0; ; next++ {
		text, err := g.receive()
		if err != nil {
			return
		}
		number, said, ok := parseNews(text)
		if !ok || number != next {
			c.lost.Add(1)
			c.t.Errorf("in place %d a guest heard %.60s", next, text)
			return
		}
		c.mu.Lock()
		c.took = append(c.took, time.Since(said))
		c.mu.Unlock()
		c.heard.Add(1)
	}
}

// leave hangs up for all.
func (c *crowd) leave() {
	for _, g := range c.guests {
		g.conn.Close()
	}
	c.gone.Wait()
}

// p99 is what all but one in a hundred of the news took since it was asked the last time.
func (c *crowd) p99() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.took)
	p := c.took[len(c.took)*99/100]
	c.took = c.took[:0]
	return p
}

var newsPadding = strings.Repeat("x", 4000)

// say says a piece of news with its number and the time.
func (g *guest) say(number int) error {
	g.send(fmt.Sprintf(`42%d["message","%d %d %s"]`, number, number, time.Now().UnixNano(), newsPadding))
	return g.await(fmt.Sprintf("43%d[", number))
}

func parseNews(text string) (number int, said time.Time, ok bool) {
	var nanos int64
	if _, err := fmt.Sscanf(text, `42["news","%d %d `, &number, &nanos); err != nil || !strings.Contains(text, newsPadding) {
		return 0, time.Time{}, false
	}
	return number, time.Unix(0, nanos), true
}

// stall registers, and reads nothing any more. The kernel holds little for it, on either side.
func (r *running) stall() *guest {
	r.t.Helper()
	shrink := func(option int) func(string, string, syscall.RawConn) error {
		return func(_, _ string, c syscall.RawConn) (failed error) {
			err := c.Control(func(fd uintptr) { failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, option, 4096) })
			return errors.Join(err, failed)
		}
	}
	small := net.Dialer{Control: shrink(syscall.SO_RCVBUF)}
	door, err := r.server.listener.(*net.TCPListener).SyscallConn() // what is accepted from now on inherits it
	if err == nil {
		err = shrink(syscall.SO_SNDBUF)("", "", door)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	dialer := ws.Dialer{NetDial: small.DialContext, Timeout: patience}
	conn, early, _, err := dialer.Dial(context.Background(), "ws://"+r.addr()+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	g := &guest{t: r.t, conn: conn, in: bufio.NewReader(conn)}
	if early != nil {
		g.in = bufio.NewReader(io.MultiReader(early, conn))
	}
	g.send("40")
	g.send(`420["f","stalled"]`)
	if err := g.await("430["); err != nil {
		r.t.Fatal(err)
	}
	return g
}

// One client that stops reading costs no more than its queue may hold, and is closed for it. A thousand others hear everything, in
// order, and as soon as before.
func TestOneStalledReaderAmongThousandHarmsNobody(t *testing.T) {
	const (
		size   = 1000
		limit  = 128 << 10
		before = 10   // pieces of news without the stalled one
		most   = 2000 // after which it must have been closed
	)
	r := start(t, func(c *config.Config) {
		c.MaxQueue, c.LogLevel, c.PingInterval = limit, slog.LevelDebug, time.Hour
		c.MaxAddressSessions, c.MaxAddressRate = 2*size, 2*size // a thousand addresses are one here
		c.Recovery = false                                      // its record would be taken for the queue
	})
	all := r.gather(size)
	defer all.leave()
	speaker, err := r.tryGuest("")
	if err != nil {
		t.Fatal(err)
	}
	defer speaker.conn.Close()
	said := 0
	say := func() {
		t.Helper()
		if err := speaker.say(said); err != nil {
			t.Fatal("the speaker:", err)
		}
		said++
		r.untilPatiently("most have heard it", func() bool { return all.heard.Load() >= int64(size*(said-8)) })
	}
	hearAll := func() {
		t.Helper()
		r.untilPatiently("all have heard everything", func() bool { return all.heard.Load() == int64(size*said) || t.Failed() })
	}
	for range before {
		say()
	}
	hearAll()
	alone, calm := all.p99(), measure()

	stalled := r.stall()
	sessions := r.server.io.Sessions()
	grown := 0
	for r.server.io.Sessions() == sessions {
		if say(); said == before+most {
			t.Fatalf("after %d pieces of news the stalled reader is still there", most)
		}
		if said%10 == 0 {
			grown = max(grown, measure().heap-calm.heap)
		}
	}
	hearAll()
	t.Logf("p99 of %d deliveries: %v without the stalled reader, %v with it; it was closed after %d kB, and the heap had grown by %d kB",
		said*size, alone, all.p99(), (said-before)*len(newsPadding)>>10, grown>>10)
	if all.lost.Load() > 0 {
		t.Errorf("%d guests have lost news", all.lost.Load())
	}
	if grown > limit+16<<20 { // what is on its way to the others, what was said, and the times that the test notes
		t.Errorf("the heap has grown by %d bytes for a queue of %d", grown, limit)
	}
	if log := r.log.String(); !strings.Contains(log, `"reason":"slow consumer"`) {
		t.Error("the stalled reader was not closed as a slow consumer")
	}
	expectPrefix(t, stalled, before)
}

// expectPrefix reads what a stalled reader finds on the wire: the news from the number first on, without a gap. How much of it is left,
// and whether the reason behind it too, is the kernel's to say.
func expectPrefix(t *testing.T, g *guest, first int) {
	t.Helper()
	for next := first; ; next++ {
		text, err := g.receive()
		if err != nil {
			if strings.HasPrefix(err.Error(), "closed") && !strings.Contains(err.Error(), "slow consumer") {
				t.Errorf("the stalled reader was told %v", err)
			}
			return
		}
		if number, _, ok := parseNews(text); !ok || number != next {
			t.Fatalf("in place %d the stalled reader finds %.60s", next, text)
		}
	}
}
