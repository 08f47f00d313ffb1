package handlers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/socketio"
)

// A paced feed is read when the test lets it, until it is let go.
type paced struct {
	*feed.Log
	asked, let chan struct{}
	letGo      func()
}

func newPaced(f *feed.Log) paced {
	let := make(chan struct{}, 10)
	return paced{f, make(chan struct{}, 1000), let, sync.OnceFunc(func() { close(let) })}
}

func (p paced) Read(ctx context.Context, after, end uint64, limit, maxBytes int) (feed.Page, error) {
	p.asked <- struct{}{}
	<-p.let
	return p.Log.Read(ctx, after, end, limit, maxBytes)
}

// Recent holds little.
func (p paced) Recent(after, end uint64, limit, maxBytes int) (feed.Page, bool) {
	if p.Last() > after+8 {
		return feed.Page{}, false
	}
	return p.Log.Recent(after, end, limit, maxBytes)
}

// awaitReads returns when the feed has been asked so many times more. The last waits to be let, if those before were.
func (p paced) awaitReads(t testing.TB, n int) {
	t.Helper()
	for range n {
		select {
		case <-p.asked:
		case <-time.After(patience):
			t.Fatal("not within ", patience, ": the feed is read")
		}
	}
}

// pageEnd is where the first page of what c misses ends.
const pageEnd = 256

// hearsAPage has c register and hear the first page. The feed is asked for the second.
func (p paced) hearsAPage(c *client) {
	c.t.Helper()
	p.let <- struct{}{}
	c.registerWith("Ann", `{"since":0}`)
	c.hears(upTo(1, pageEnd)...)
	p.awaitReads(c.t, 2)
}

// cuts are the ways in which a client is lost: what the server knows when it is back.
var cuts = map[string]func(c *client, io *socketio.Server){
	"before the server knows": func(*client, *socketio.Server) {},
	"when the server knows":   (*client).lose,
}

// lose ends the only connection and waits until the server knows.
func (c *client) lose(io *socketio.Server) {
	c.t.Helper()
	c.conn.Close()
	eventually(c.t, "its session has ended", func() bool { return io.Sessions() == 0 })
}

// talk has a guest say so many things. They are stored when it returns, or soon will be.
func talk(t testing.TB, room *handlers.Core, things int) {
	guest := room.Visit(newEar())
	for n := range things {
		say(guest, json.RawMessage(fmt.Sprint(n)), func(_, failure any) {
			if failure != nil {
				t.Error(failure)
			}
		})
	}
}

// A client that is lost between two pages has not seen the end of the first; and then it is lost again.
func TestWhoIsLostInTheMiddleOfCatchingUpIsToldTheRest(t *testing.T) {
	for when, cut := range cuts {
		t.Run(when, func(t *testing.T) {
			f := newPaced(newFeed(t, memory.New(0), feed.Options{}))
			room, io, url := serveOn(t, f, socketio.Options{})
			t.Cleanup(f.letGo)
			fill(t, f.Log, 2000)
			c := connect(t, url, 4)
			f.let <- struct{}{}
			c.registerWith("Ann", `{"since":0}`)
			f.awaitReads(t, 1)
			seen := uint64(0)
			for range 2 {
				c.hears(upTo(seen+1, seen+pageEnd-100)...)
				seen += pageEnd - 100
				f.awaitReads(t, 1)
				cut(c, io)
				talk(t, room, 10)
				c = c.again(url)
				f.let <- struct{}{} // what was asked for the socket that is gone
				f.let <- struct{}{}
				c.goesOn("Ann")
				f.awaitReads(t, 1)
			}
			f.letGo()
			c.hears(upTo(seen+1, 2020)...)
			c.ask("message", `"newer"`)
			if _, m := c.news(); m.Offset != 2021 || m.From != "Ann" {
				t.Errorf("then it hears %+v", m)
			}
			c.hearsNothing()
		})
	}
}

func TestWhoIsLostWhenItHasCaughtUpIsToldNothingAgain(t *testing.T) {
	for when, cut := range cuts {
		t.Run(when, func(t *testing.T) {
			f := newFeed(t, memory.New(0), feed.Options{})
			room, io, url := serveOn(t, f, socketio.Options{})
			fill(t, f, 1000)
			c := connect(t, url, 4)
			c.registerWith("Ann", `{"since":0}`)
			c.hears(upTo(1, 1000)...)
			c.hearsNothing() // its answer comes behind all
			for last := uint64(1000); last < 1030; last += 10 {
				cut(c, io)
				talk(t, room, 10)
				c = c.back(url)
				c.hears(upTo(last+1, last+10)...)
				c.hearsNothing()
			}
		})
	}
}

// While two speak as fast as the server takes it, a client catches up, and is lost again and again: between two pages,
// in the middle of one, at the seam.
func TestNothingIsLostOrDoubledHoweverOftenACatchUpIsCut(t *testing.T) {
	const before, each = 3000, 1000
	for when, cut := range cuts {
		t.Run(when, func(t *testing.T) {
			f := newFeed(t, memory.New(0), feed.Options{})
			room, io, url := serveOn(t, f, socketio.Options{Recovery: socketio.Recovery{Pause: 1}})
			fill(t, f, before)
			c := connect(t, url, 4)
			c.registerWith("Ann", `{"since":0}`)
			var all sync.WaitGroup
			defer all.Wait()
			for range 2 {
				all.Go(func() { talk(t, room, each) })
			}
			for last := uint64(0); last < before+2*each; last++ {
				if last%97 == 0 {
					cut(c, io)
					c = c.onward(url, "Ann")
				}
				c.hears(last + 1)
			}
			c.hearsNothing()
		})
	}
}

// The catch-up ends with its socket, and with nothing else of the session.
func TestWhoLeavesWhileItCatchesUpMayComeBackInTheSameSession(t *testing.T) {
	f := newPaced(newFeed(t, memory.New(0), feed.Options{}))
	_, _, url := serveOn(t, f, socketio.Options{})
	t.Cleanup(f.letGo)
	fill(t, f.Log, 1000)
	stays, c := connect(t, url, 4), connect(t, url, 4)
	f.hearsAPage(c)
	c.send("1")
	c.send("0")
	if got := c.next(); !strings.HasPrefix(got, "0") {
		t.Fatalf("its CONNECT is answered %s", got)
	}
	f.letGo()
	eventually(t, "the earlier socket is forgotten", func() bool { return stays.register("stays").Count == 1 })
	c.registerWith("Ann", fmt.Sprintf(`{"since":%d}`, pageEnd))
	c.hears(upTo(pageEnd+1, 1000)...)
}

// What it asked for while it was being told is done when the connection is lost already.
func TestWhoIsRenamedWhileItCatchesUpAndIsLostIsToldTheRest(t *testing.T) {
	f := newPaced(newFeed(t, memory.New(0), feed.Options{}))
	_, io, url := serveOn(t, f, socketio.Options{})
	t.Cleanup(f.letGo)
	fill(t, f.Log, 1000)
	c := connect(t, url, 4)
	f.hearsAPage(c)
	c.send(`2["f","Anna"]`)
	c.lose(io)
	f.letGo()
	c = c.back(url)
	c.hears(upTo(pageEnd+1, 1000)...)
	c.ask("message", `"newer"`)
	if _, m := c.news(); m.Offset != 1001 || m.From != "Anna" {
		t.Errorf("then it hears %+v", m)
	}
}

// The feed can tell again what a client missed, so it is not held for those who come back: a large catch-up leaves
// everybody else's recovery alone.
func TestACatchUpDoesNotPushOutWhatOthersNeedToComeBack(t *testing.T) {
	f := newFeed(t, memory.New(0), feed.Options{})
	_, io, url := serveOn(t, f, socketio.Options{Recovery: socketio.Recovery{MaxPackets: 100}})
	fill(t, f, 1000)
	ann := connect(t, url, 4)
	ann.register("Ann")
	ann.ask("message", `"one that she hears"`)
	ann.news()
	ann.lose(io)
	late := connect(t, url, 4)
	late.registerWith("Late", `{"since":0}`)
	late.hears(upTo(1, 1001)...)
	late.get("message", `"missed"`)
	if data, m := ann.back(url).news(); data != `"missed"` || m.From != "Late" {
		t.Errorf("she hears %s from %s", data, m.From)
	}
}

// One on polling that is lost before it has taken its first page is new, and told the page again.
func TestWhoHasNotTakenAPageIsToldItAgain(t *testing.T) {
	const page, entries = 10, 50 // a page is what fits into 128 KiB
	f := newFeed(t, memory.New(0), feed.Options{})
	_, _, url := serveOn(t, f, socketio.Options{Engine: engineio.Options{MaxQueue: 300 << 10}})
	fillLong(t, f, entries, 12_000)
	p := openPoll(t, url)
	p.post("40")
	pid := p.connected()
	p.post(`421["f","Ann",{"since":0}]`)
	p.next() // the answer
	p.hears(1, page/2)
	p.post("1")
	q := openPoll(t, url)
	q.post(fmt.Sprintf(`40{"pid":%q}`, pid)) // as one that has not seen what it polled
	if q.connected() == pid {
		t.Fatal("it is recovered, and has missed a page")
	}
	q.post(`421["f","Ann",{"since":0}]`)
	q.next() // the answer
	q.hears(1, entries)
	q.post("1")
}

// A fragile feed panics when it is read, once it is broken.
type fragile struct {
	paced
	broken *atomic.Bool
}

func (f fragile) Read(ctx context.Context, after, end uint64, limit, maxBytes int) (feed.Page, error) {
	page, err := f.paced.Read(ctx, after, end, limit, maxBytes)
	if f.broken.Load() {
		panic("broken")
	}
	return page, err
}

func TestAPanicWhileARecoveredSocketIsToldTheRestLeavesNobodyOnTheRoll(t *testing.T) {
	f := newPaced(newFeed(t, memory.New(0), feed.Options{}))
	var broken atomic.Bool
	_, _, url := serveOn(t, fragile{f, &broken}, socketio.Options{})
	t.Cleanup(f.letGo)
	fill(t, f.Log, 1000)
	stays, c := connect(t, url, 4), connect(t, url, 4)
	f.hearsAPage(c)
	c.back(url)
	f.let <- struct{}{} // what was asked for the socket that is gone
	f.awaitReads(t, 1)
	broken.Store(true)
	f.letGo()
	eventually(t, "it is forgotten", func() bool { return stays.register("stays").Count == 1 })
}
