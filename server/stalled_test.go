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

// A telling is a speaker who tells a crowd one thing after the other.
type telling struct {
	*running
	crowd   *crowd
	speaker *guest
	said    int
}

// next says the next thing. A few may be on their way.
func (l *telling) next() {
	l.t.Helper()
	if err := l.speaker.say(l.said); err != nil {
		l.t.Fatal("the speaker:", err)
	}
	l.said++
	l.untilPatiently("most have heard it", func() bool { return l.crowd.heard.Load() >= int64(len(l.crowd.guests)*(l.said-8)) })
}

// rest waits until the crowd has heard everything.
func (l *telling) rest() {
	l.t.Helper()
	l.untilPatiently("all have heard everything", func() bool {
		return l.crowd.heard.Load() == int64(len(l.crowd.guests)*l.said) || l.t.Failed()
	})
}

// times says n things and returns the p99 of how long each took to each.
func (l *telling) times(n int) time.Duration {
	l.t.Helper()
	for range n {
		l.next()
	}
	l.rest()
	return l.crowd.p99()
}

// One client that stops reading costs no more than its queue may hold, and is closed for it. A thousand others hear everything, in
// order, and as soon as before.
func TestOneStalledReaderAmongThousandHarmsNobody(t *testing.T) {
	const (
		size  = 1000
		limit = 128 << 10
		most  = 2000 // pieces of news after which it must have been closed
	)
	r := start(t, func(c *config.Config) {
		c.MaxQueue, c.LogLevel, c.PingInterval = limit, slog.LevelDebug, time.Hour
		c.MaxAddressSessions, c.MaxAddressRate = 2*size, 2*size // a thousand addresses are one here
		c.FeedMaxEntries, c.Recovery = 1, false                 // what they keep would be taken for the queue
	})
	all := r.gather(size)
	all.took = make([]time.Duration, 0, 4*most*size) // likewise
	defer all.leave()
	speaker, err := r.tryGuest("")
	if err != nil {
		t.Fatal(err)
	}
	defer speaker.conn.Close()
	l := &telling{running: r, crowd: all, speaker: speaker}
	l.times(10)
	before, calm := l.said, measure()

	stalled := r.stall()
	sessions, held := r.server.io.Sessions(), 0
	for r.server.io.Sessions() == sessions {
		l.times(10)
		if held = max(held, r.server.io.Stats().Engine.Queued); l.said > before+most {
			t.Fatalf("after %d pieces of news the stalled reader is still there", most)
		}
	}
	filled := l.said - before
	grown := measure().heap - calm.heap
	l.compare(filled)
	t.Logf("closed after %d kB; at most %d kB were queued for it; then the heap had grown by %d kB",
		filled*len(newsPadding)>>10, held>>10, grown>>10)
	if all.lost.Load() > 0 {
		t.Errorf("%d guests have lost news", all.lost.Load())
	}
	if held > limit {
		t.Errorf("%d bytes were queued for the stalled reader, whose limit is %d", held, limit)
	}
	if grown > 4<<20 {
		t.Errorf("the heap has grown by %d bytes for a queue of %d", grown, limit)
	}
	if log := r.log.String(); !strings.Contains(log, `"reason":"slow consumer"`) {
		t.Error("the stalled reader was not closed as a slow consumer")
	}
	expectPrefix(t, stalled, before)
}

// compare logs what n pieces of news take with and without a stalled reader, in turns. It is no test: a busy machine would fail it.
func (l *telling) compare(n int) {
	n = max(n/2, 5) // so many that another one is not closed meanwhile
	var alone, with []time.Duration
	for range 3 {
		alone = append(alone, l.times(n))
		stalled := l.stall()
		with = append(with, l.times(n))
		stalled.conn.Close()
	}
	slices.Sort(alone)
	slices.Sort(with)
	l.t.Logf("medians of the p99 of 3 x %d deliveries: %v without a stalled reader, %v with one", n*len(l.crowd.guests), alone[1], with[1])
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
