package handlers_test

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/socketio"
)

// A failing stands between a room and its store, and refuses what it is told to.
type failing struct {
	feed.Store
	mu  sync.Mutex
	err error
}

func (s *failing) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *failing) Append(ctx context.Context, entries []feed.Entry, results []feed.Result) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return s.Store.Append(ctx, entries, results)
}

func TestWhatIsNotStoredIsNotSaid(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		store := &failing{Store: memory.New(0)}
		f := newFeed(t, store, feed.Options{})
		_, _, url := serveOn(t, f, socketio.Options{})
		c := connect(t, url, version)
		c.register("Ann")
		store.fail(syscall.ENOSPC)
		if got := c.get("message", `1`, `{"id":1}`); got.code() != "not_stored" || got.Error.Message == "" ||
			got.Offset != 0 {
			t.Errorf("on a full disk it is answered %+v", got)
		}
		c.send(`2["message",2]`)
		c.get("message", `3`)
		if got := c.registerWith("Ann", `{"since":0}`); got.Offset != 0 { // and no news before it
			t.Errorf("the newest is %d", got.Offset)
		}
		if !errors.Is(f.Health(), syscall.ENOSPC) {
			t.Errorf("its health is %v", f.Health())
		}
		store.fail(nil)
		if got := c.get("message", `1`, `{"id":1}`); got.Offset != 1 || got.Error != nil {
			t.Errorf("with room again it is answered %+v", got)
		}
		c.hears(1)
	})
}

func TestAFeedThatIsFullOrClosedRefuses(t *testing.T) {
	for code, err := range map[string]error{"busy": feed.ErrBusy, "too_large": feed.ErrTooLarge,
		"not_stored": feed.ErrClosed} {
		_, _, url := serveOn(t, refusing{newFeed(t, memory.New(0), feed.Options{}), err}, socketio.Options{})
		c := connect(t, url, 4)
		for range 200 { // more than may be pending
			if got := c.get("message", `1`); got.code() != code {
				t.Fatalf("%v is answered %+v", err, got)
			}
		}
	}
}

type refusing struct {
	*feed.Log
	err error
}

func (r refusing) Append(string, feed.Entry, feed.Done) error { return r.err }

func TestAFeedThatCannotBeReadIsSaidSo(t *testing.T) {
	f := newFeed(t, memory.New(0), feed.Options{})
	fill(t, f, 10)
	_, _, url := serveOn(t, unreadable{f}, socketio.Options{})
	c := connect(t, url, 4)
	if got := c.registerWith("Ann", `{"since":1}`); got.Error == nil || got.Error.Code != "not_read" || got.Name != "" {
		t.Errorf("f is answered %+v", got)
	}
	if got := c.get("history"); got.code() != "not_read" {
		t.Errorf("history is answered %+v", got)
	}
	if got := c.register("Ann"); got.Count != 1 {
		t.Errorf("%d are registered", got.Count)
	}
	c.get("message", `1`, `{"id":1}`)
	c.news()
	if got := c.get("message", `1`, `{"id":1}`); got.Offset != 11 || got.At == 0 {
		t.Errorf("a repetition, for which nothing is read, is answered %+v", got)
	}
}

type unreadable struct{ *feed.Log }

func (unreadable) Recent(uint64, uint64, int, int) (feed.Page, bool)  { return feed.Page{}, false }
func (unreadable) RecentBefore(uint64, int, int) ([]feed.Entry, bool) { return nil, false }

func (unreadable) Read(context.Context, uint64, uint64, int, int) (feed.Page, error) {
	return feed.Page{}, feed.ErrDamaged
}

func (unreadable) Before(context.Context, uint64, int, int) ([]feed.Entry, error) {
	return nil, feed.ErrDamaged
}
