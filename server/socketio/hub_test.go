package socketio

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/crier/crier/server/engineio"
)

// crowded returns a hub with sockets in it, each in its own and in common rooms. They are all of one session.
func crowded(t *testing.T, sockets int) (*hub, []*Socket) {
	sessions := make(chan *engineio.Session, 1)
	engine, err := engineio.New(engineio.Options{}, func(s *engineio.Session) engineio.Handler {
		sessions <- s
		return &client{io: new(Server)}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = engine.Close(ctx)
	})
	engine.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/?EIO=4&transport=polling", nil))
	c := &client{session: <-sessions}
	h := &hub{record: newRecord(Recovery{})}
	h.init(engine)
	var all []*Socket
	for n := range sockets {
		s := &Socket{id: fmt.Sprint("s", n), client: c}
		h.add(s, func(*Socket) {})
		h.join(s, []string{"all", fmt.Sprint("pair", n/2), fmt.Sprint("own", n)})
		all = append(all, s)
	}
	return h, all
}

func TestAHubForgetsEmptyRooms(t *testing.T) {
	h, sockets := crowded(t, 1000)
	if len(h.rooms) != 1+500+1000 || len(h.rooms["all"].members) != 1000 {
		t.Fatalf("%d rooms", len(h.rooms))
	}
	for n, s := range sockets[1:] {
		if n%2 == 0 {
			h.leave(s, []string{"all", fmt.Sprint("pair", (n+1)/2), fmt.Sprint("own", n+1), "never joined"})
			if len(s.rooms) != 0 {
				t.Fatalf("%s is in %d rooms", s.id, len(s.rooms))
			}
		}
		h.remove(s)
		h.remove(s)
		h.join(s, []string{"all", "another"})
	}
	last := sockets[0]
	if len(h.rooms) != 3 || len(h.sockets) != 1 || len(h.everyone.members) != 1 || len(last.rooms) != 3 {
		t.Errorf("%d rooms, %d sockets, %d members", len(h.rooms), len(h.sockets), len(h.everyone.members))
	}
	if got := cap(h.everyone.members); got > 128 {
		t.Errorf("one member has memory for %d", got)
	}
	h.remove(last)
	if len(h.rooms)+len(h.sockets)+len(h.everyone.members) != 0 {
		t.Errorf("an empty hub holds %d rooms, %d sockets, %d members", len(h.rooms), len(h.sockets), len(h.everyone.members))
	}
}

// A socket that a middleware put into rooms, and that was then refused, leaves nothing behind.
func TestAHubForgetsWhoWasNotLetIn(t *testing.T) {
	h, _ := crowded(t, 1)
	before := len(h.rooms)
	s := &Socket{id: "refused"}
	h.join(s, []string{"all", "mine"})
	h.remove(s)
	if len(h.rooms) != before || len(h.rooms["all"].members) != 1 || s.lastRooms != nil {
		t.Error("it is still in a room")
	}
}
