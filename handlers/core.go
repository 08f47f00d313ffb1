package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// A Feed holds what was said. [feed.Log] is one; what each method promises is told there.
type Feed interface {
	Append(turn string, e feed.Entry, done feed.Done) error
	Known(e *feed.Entry) (first feed.Result, known bool)
	Follow(f func(*feed.Entry))
	Seam(ctx context.Context, f func(last uint64)) error
	Last() uint64
	Bounds() feed.Bounds
	Recent(after, end uint64, limit, maxBytes int) (p feed.Page, ok bool)
	Read(ctx context.Context, after, end uint64, limit, maxBytes int) (feed.Page, error)
	RecentBefore(before uint64, limit, maxBytes int) (entries []feed.Entry, ok bool)
	Before(ctx context.Context, before uint64, limit, maxBytes int) ([]feed.Entry, error)
}

// A Core is what all ears share: the events, what is said, and who hears it. All methods may be called concurrently.
type Core struct {
	opts   Options
	log    *slog.Logger
	io     *socketio.Server
	feed   Feed
	events []*Event

	speakers room // of all registered clients

	paces atomic.Pointer[paces]

	readFault *rate.Limiter // lets a line into the log now and then,
	tellFault *rate.Limiter // as do these
	panics    *rate.Limiter
	catching  atomic.Int64   // how many catch up, or wait to
	work      sync.WaitGroup // goroutines that catch up, and that read the feed's store

	fresh fresh // the tail's alone

	mu sync.Mutex // guards the following

	also Audience
}

// A room is where speakers hear each other.
type room struct {
	roll      roll
	everybody *socketio.Broadcast // its clients of Socket.IO
}

// An Audience hears the news beside the clients of Socket.IO.
type Audience interface {
	// Wanted says whether anybody would hear them.
	Wanted() bool
	// Publish must queue and return: the feed waits for it. Calls come one at a time, in the order of the news. data
	// is JSON, with binary parts as base64.
	Publish(data json.RawMessage, from, id string, at int64, offset uint64) error
}

// Also adds an audience. There is one at most.
func (c *Core) Also(a Audience) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.also = a
}

func (c *Core) audience() Audience {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.also
}

// Wait returns when no goroutine is left. It is called when all clients have left and the feed has closed. A read that
// the feed's store does not answer is waited for.
func (c *Core) Wait() { c.work.Wait() }

// find returns the event of that name; nil if there is none.
func (c *Core) find(name string) *Event {
	for _, ev := range c.events {
		if ev.Name == name {
			return ev
		}
	}
	return nil
}

// nameOf returns the name that a speaker speaks under; "" for none. One that only told its name in the handshake must
// have a name that f would take now.
func (c *Core) nameOf(sp *speaker) (string, error) {
	switch {
	case sp.registered || sp.name == "" && sp.badName == nil:
		return sp.name, nil
	case sp.badName != nil:
		return "", sp.badName
	case !c.speakers.roll.mayBear(sp, sp.name):
		return "", errLooksTaken
	}
	return sp.name, nil
}

// unregister is called once, when a client has left. Its catch-up has ended when it returns.
func (c *Core) unregister(sp *speaker, at listener) {
	sp.stopCatchUp()
	c.speakers.roll.remove(sp, at.turn())
}

// guarded returns a panic of f as an error, where no handler of a client is running: it must not end the process.
func (c *Core) guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if c.panics.Allow() {
				c.log.Error("a callback panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}
