package handlers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/socketio"
)

// While two speak as fast as the server takes it, clients come, each from where the last one was, hear on for a while
// and leave. Nothing is missed, and nothing comes twice.
func TestNothingIsLostOrDoubledAtTheSeam(t *testing.T) {
	const each = 1500
	f := newFeed(t, memory.New(0), feed.Options{})
	room, _, url := serveOn(t, f, socketio.Options{Engine: engineio.Options{MaxQueue: 64 << 20}})
	var all sync.WaitGroup
	for n := range 2 {
		guest := room.Visit(newEar())
		all.Go(func() {
			for i := range each {
				say(guest, json.RawMessage(fmt.Sprintf(`"%d.%d"`, n, i)), func(_, failure any) {
					if failure != nil {
						t.Error(failure)
					}
				})
			}
		})
	}
	for _, version := range []int{3, 4, 4} {
		all.Go(func() {
			for last := uint64(0); last < 2*each; {
				c := connect(t, url, version)
				p := c.registerWith("listener", fmt.Sprintf(`{"since":%d}`, last))
				if p.Complete == nil || !*p.Complete {
					t.Errorf("since %d is answered %+v", last, p)
					return
				}
				for until := min(max(p.Offset, last)+30, 2*each); last < until; last++ {
					c.hears(last + 1)
				}
				c.conn.Close()
			}
		})
	}
	for range 2 {
		all.Go(func() {
			for range 50 {
				since := f.Last() / 2
				ears := newEar()
				guest := room.Visit(ears)
				do(t, guest, "f", fmt.Sprintf(`{"speaker":"guest","since":%d}`, since))
				eventually(t, "a guest has caught up", ears.hasJoined)
				guest.Close()
				ears.mu.Lock()
				for i, heard := range ears.heard {
					if !strings.HasPrefix(heard, fmt.Sprintf("%d :", since+uint64(i)+1)) {
						t.Errorf("since %d, heard %d is %s", since, i, heard)
						break
					}
				}
				ears.mu.Unlock()
			}
		})
	}
	all.Wait()
}

// What was missed may be many times what a session's queue takes. A client that reads slowly gets all of it, at its
// pace.
func TestASlowClientCatchesUpOnMoreThanItsQueueTakes(t *testing.T) {
	const entries, queue = 600, 256 << 10
	f := newFeed(t, memory.New(0), feed.Options{})
	_, io, url := serveOn(t, f, socketio.Options{Engine: engineio.Options{MaxQueue: queue}})
	long := []byte(`"` + strings.Repeat("x", 10_000) + `"`) // 6 MB in all: more than the kernel's buffers take too
	for range entries {
		if err := f.Append("", feed.Entry{Data: long}, func(feed.Result, error) {}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all is stored", func() bool { return f.Last() == entries })
	inBothVersions(t, func(t *testing.T, version int) {
		c := connect(t, url, version)
		last := f.Last()
		if p := c.registerWith("slow", `{"since":0}`); !*p.Complete {
			t.Errorf("it is answered %+v", p)
		}
		listener := connect(t, url, 4)
		listener.register("listener")
		c.send(`2["message","said while it catches up"]`)
		listener.hears(last + 1) // though c has taken nothing yet
		c.hears(upTo(1, last+1)...)
		c.conn.Close()
		listener.conn.Close()
	})
	eventually(t, "no session is left", func() bool { return io.Sessions() == 0 })
}

func TestWhatWasMissedComesOverPollingToo(t *testing.T) {
	const entries = 1000
	f := newFeed(t, memory.New(0), feed.Options{})
	_, _, url := serveOn(t, f, socketio.Options{Engine: engineio.Options{MaxQueue: 256 << 10}})
	fillLong(t, f, entries, 1000)
	p := openPoll(t, url)
	p.post("40", `421["f","Ann",{"since":0}]`)
	p.connected()
	p.next() // the answer
	p.hears(1, entries)
	p.post("1")
}

// The room learns of one that has left while it catches up, and is done with it.
func TestOneThatLeavesWhileItCatchesUpIsForgotten(t *testing.T) {
	f := newFeed(t, memory.New(0), feed.Options{})
	_, _, url := serveOn(t, f, socketio.Options{Engine: engineio.Options{MaxQueue: 256 << 10}})
	long := []byte(`"` + strings.Repeat("x", 10_000) + `"`)
	for range 600 {
		if err := f.Append("", feed.Entry{Data: long}, func(feed.Result, error) {}); err != nil {
			t.Fatal(err)
		}
	}
	stays := connect(t, url, 4)
	inBothVersions(t, func(t *testing.T, version int) {
		for _, leave := range []func(*client){func(c *client) { c.conn.Close() }, func(c *client) { c.send("1") }} {
			c := connect(t, url, version)
			c.registerWith("leaver", `{"since":0}`)
			leave(c)
			c.drain()
			eventually(t, "it is forgotten", func() bool { return stays.register("stays").Count == 1 })
		}
	})
}

// drain reads what is still on its way, and closes the connection.
func (c *client) drain() {
	_ = c.conn.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.Copy(io.Discard, c.conn)
	c.conn.Close()
}

// What a client misses may be retired faster than it reads. Then it is cut off, and told when it comes again.
func TestOneThatCannotBeToldEverythingIsCutOff(t *testing.T) {
	f := newFeed(t, memory.New(0), feed.Options{})
	fill(t, f, 1000)
	room, _, url := serveOn(t, gap{f}, socketio.Options{})
	inBothVersions(t, func(t *testing.T, version int) {
		c := connect(t, url, version)
		c.registerWith("Ann", `{"since":0}`)
		c.hears(upTo(1, 256)...)
		if version == 4 {
			if got := c.next(); got != "1" {
				t.Errorf("then comes %s", got)
			}
		}
	})
	ears := newEar()
	guest := room.Visit(ears)
	do(t, guest, "f", `{"speaker":"guest","since":0}`)
	eventually(t, "a guest is cut off", ears.wasCutOff)
	guest.Close()
	if !ears.cutOff || ears.joined || len(ears.heard) != 256 {
		t.Errorf("a guest has heard %d, and is cut off: %t", len(ears.heard), ears.cutOff)
	}
}

// A gap is a feed that has lost what follows the first page.
type gap struct{ *feed.Log }

func (g gap) Recent(after, end uint64, limit, maxBytes int) (p feed.Page, ok bool) {
	lost := after > 0 && g.Last() > after+500
	if lost {
		after += 500
	}
	p, ok = g.Log.Recent(after, end, limit, maxBytes)
	p.Missed = lost
	return p, ok
}

// stuck is a store that does not answer until it is let go.
type stuck struct {
	feed.Store
	free chan struct{}
}

func (s stuck) Append(ctx context.Context, entries []feed.Entry, results []feed.Result) error {
	<-s.free
	return s.Store.Append(ctx, entries, results)
}

// counting counts what is appended.
type counting struct {
	*feed.Log
	n *atomic.Int64
}

func (c counting) Append(turn string, e feed.Entry, done feed.Done) error {
	c.n.Add(1)
	return c.Log.Append(turn, e, done)
}

// While the disk does not answer, one client fills a small part of what may wait, and waits itself; others still get
// in.
func TestOneClientDoesNotTakeWhatMayWaitForAll(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		free := make(chan struct{})
		f := newFeed(t, stuck{memory.New(0), free}, feed.Options{})
		var appended atomic.Int64
		room, _, url := serveOn(t, counting{f, &appended}, socketio.Options{})
		loud := connect(t, url, version)
		for n := range 200 {
			loud.send(fmt.Sprintf(`2["message",%d]`, n))
		}
		eventually(t, "64 are let in", func() bool { return appended.Load() == 64 })

		ears := newEar()
		guest := room.Visit(ears)
		said := make(chan struct{})
		go func() { // ends when the guest has left
			defer close(said)
			for range 65 {
				say(guest, json.RawMessage(`"g"`), func(_, _ any) {})
			}
		}()
		eventually(t, "64 of a guest's are let in", func() bool { return appended.Load() == 128 })
		close(ears.gone) // and who leaves waits no longer
		<-said

		quiet := connect(t, url, version)
		quiet.send(`21["message","quiet"]`)
		eventually(t, "another one gets in", func() bool { return appended.Load() == 130 })
		close(free)
		if got := quiet.next(); !strings.HasPrefix(got, `31[{"offset":`) {
			t.Errorf("it is answered %s", got)
		}
		eventually(t, "all is said", func() bool { return f.Last() == 200+65+1 })
		if got := quiet.get("history", `{"limit":1}`); string(got.Entries[0].Data) != "199" {
			t.Errorf("the last is %s", got.Entries[0].Data)
		}
	})
}

func TestOneThatWaitsForTheDiskEndsWithItsSocket(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		free := make(chan struct{})
		f := newFeed(t, stuck{memory.New(0), free}, feed.Options{})
		var appended atomic.Int64
		_, _, url := serveOn(t, counting{f, &appended}, socketio.Options{})
		stays, goes := connect(t, url, 4), connect(t, url, version)
		goes.register("goes")
		for range 70 {
			goes.send(`2["message",1]`)
		}
		eventually(t, "it waits", func() bool { return appended.Load() == 64 })
		goes.conn.Close()
		eventually(t, "it is forgotten", func() bool { return stays.register("stays").Count == 1 })
		close(free)
		eventually(t, "all is said", func() bool { return f.Last() == 70 })
	})
}
