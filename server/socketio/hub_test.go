package socketio

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/crier/crier/server/engineio"
)

// crowded returns a hub with sockets in it, each in its own and in common rooms. They are all of one session.
func crowded(t *testing.T, sockets int) (*hub, []*seat) {
	sessions := make(chan *engineio.Session, 1)
	sv, err := engineio.New(engineio.Options{}, func(s *engineio.Session) engineio.Handler {
		sessions <- s
		return &client{Conn: Conn{core: new(core)}}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = sv.Close(ctx)
	})
	sv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/?EIO=4&transport=polling", nil))
	session, h := <-sessions, new(hub)
	h.init(&core{engine: sv, flusher: engine.Flusher(sv), recovery: newTestRecord()})
	var all []*seat
	for n := range sockets {
		s := &seat{id: fmt.Sprint("s", n), session: session}
		h.add(s, func() {})
		_ = h.join(s, []string{"all", fmt.Sprint("pair", n/2), fmt.Sprint("own", n)})
		all = append(all, s)
	}
	return h, all
}

// Counting whom a broadcast reaches writes nothing that a worker reads while it walks the rooms without the hub's
// lock. Here another broadcast is counted in the middle of such a walk.
func TestCountingDoesNotDisturbAWalk(t *testing.T) {
	h, all := crowded(t, 40)
	for _, s := range all {
		_ = h.join(s, []string{"r1", "r2", "y"})
	}
	_ = h.join(all[0], []string{"x"})
	h.mu.Lock()
	walked := h.newTask(&audience{rooms: []string{"r1", "r2"}})
	h.mu.Unlock()
	got, calls := map[*seat]int{}, 0
	walked.reach.each(walked.reach.to[0].room.members[0].worker, func(m *member) {
		got[m.seat]++
		if calls++; calls != len(all) { // it has walked r1, and goes on with r2
			return
		}
		for _, counted := range []audience{
			{rooms: []string{"x"}, except: []string{"y"}, but: all[0].id}, {rooms: []string{"x"}, except: []string{"y"}},
			{rooms: []string{"r1", "r2"}, except: []string{"x"}}, {except: []string{"y"}, but: all[1].id},
		} {
			h.unheard(&counted)
		}
	})
	for s, n := range got {
		if n != 1 {
			t.Errorf("%s would be sent the broadcast %d times", s.id, n)
		}
	}
	if len(got) != len(all) {
		t.Errorf("%d of %d sockets were reached", len(got), len(all))
	}
}

func TestABroadcastForNobodyIsSeenToBeOne(t *testing.T) {
	h, all := crowded(t, 4)
	_ = h.join(all[0], []string{"alone", "also"})
	_ = h.join(all[1], []string{"two"})
	_ = h.join(all[2], []string{"two"})
	coming := &seat{id: "coming", session: all[0].session} // a middleware has put it into a room
	_ = h.join(coming, []string{"coming"})
	for _, one := range []struct {
		to      audience
		unheard bool
	}{
		{audience{rooms: []string{"alone"}}, false},
		{audience{rooms: []string{"alone"}, but: all[0].id}, true},
		{audience{rooms: []string{"alone"}, but: all[1].id}, false},
		{audience{rooms: []string{"alone"}, except: []string{"also"}}, true},
		{audience{rooms: []string{"alone"}, except: []string{all[0].id}}, true},
		{audience{rooms: []string{all[0].id}, except: []string{"also"}}, true},
		{audience{rooms: []string{"two"}, but: all[1].id}, false},
		{audience{rooms: []string{"nobody"}}, true},
		{audience{rooms: []string{"coming"}}, true},
		{audience{}, false},
	} {
		if got := h.unheard(&one.to); got != one.unheard {
			t.Errorf("%+v: nobody hears it: %v", one.to, got)
		}
	}
}

func TestAHubForgetsEmptyRooms(t *testing.T) {
	h, sockets := crowded(t, 1000)
	if len(h.rooms) != 1+500+1000 || len(h.rooms["all"].members) != 1000 {
		t.Fatalf("%d rooms", len(h.rooms))
	}
	for n, s := range sockets[1:] {
		if n%2 == 0 {
			h.quit(s, []string{"all", fmt.Sprint("pair", (n+1)/2), fmt.Sprint("own", n+1), "never joined"})
			if len(s.rooms) != 0 {
				t.Fatalf("%s is in %d rooms", s.id, len(s.rooms))
			}
		}
		h.remove(s, "")
		h.remove(s, "")
		_ = h.join(s, []string{"all", "another"})
	}
	last := sockets[0]
	if len(h.rooms) != 3 || len(h.sockets) != 1 || len(h.everyone.members) != 1 || len(last.rooms) != 3 {
		t.Errorf("%d rooms, %d sockets, %d members", len(h.rooms), len(h.sockets), len(h.everyone.members))
	}
	if got := cap(h.everyone.members); got > 128 {
		t.Errorf("one member has memory for %d", got)
	}
	h.remove(last, "")
	if len(h.rooms)+len(h.sockets)+len(h.everyone.members) != 0 {
		t.Errorf("an empty hub holds %d rooms, %d sockets, %d members", len(h.rooms), len(h.sockets), len(h.everyone.members))
	}
}

// A socket that a middleware put into rooms, and that was then refused, leaves nothing behind.
func TestAHubForgetsWhoWasNotLetIn(t *testing.T) {
	h, _ := crowded(t, 1)
	before := len(h.rooms)
	s := &seat{id: "refused"}
	_ = h.join(s, []string{"all", "mine"})
	h.remove(s, "")
	if len(h.rooms) != before || len(h.rooms["all"].members) != 1 || s.lastRooms != nil {
		t.Error("it is still in a room")
	}
}
