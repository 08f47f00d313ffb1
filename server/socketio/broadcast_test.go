package socketio_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/crier/crier/server/socketio"
)

// crowd connects peers to the main namespace and returns them with their sockets.
func crowd(t testing.TB, io *socketio.Server, url string, modes ...mode) (peers []*peer, sockets []*socketio.Socket) {
	t.Helper()
	connected := make(chan *socketio.Socket, 1)
	io.OnConnect(func(s *socketio.Socket) { connected <- s })
	for _, m := range modes {
		peers = append(peers, join(t, url, m))
		sockets = append(sockets, receive(t, connected, "OnConnect"))
	}
	return peers, sockets
}

// heard returns the names of the events that came before "end".
func (p *peer) heard() (events []string) {
	p.t.Helper()
	for {
		name := strings.Split(p.next().text, `"`)[1]
		if name == "end" {
			return events
		}
		events = append(events, name)
	}
}

func TestABroadcastReachesEachOfItsSocketsOnce(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	peers, s := crowd(t, io, url, socket4, socket3, poll4, socket4)
	s[0].Join("a", "b")
	s[1].Join("b", "c")
	s[2].Join("c")
	s[0].Join("a") // again: once is enough

	for _, one := range []struct {
		name      string
		broadcast interface {
			Emit(string, ...any) error
		}
		heard []int
	}{
		{"everybody", io, []int{0, 1, 2, 3}},
		{"one room", io.To("a"), []int{0}},
		{"rooms that overlap", io.To("a", "b", "c"), []int{0, 1, 2}},
		{"rooms one by one", io.To("a").To("b"), []int{0, 1}},
		{"a room twice", io.To("b", "b"), []int{0, 1}},
		{"a room that is not there", io.To("nowhere"), nil},
		{"all but a room", io.Except("c"), []int{0, 3}},
		{"a room but those in another", io.To("b").Except("c"), []int{0}},
		{"exceptions that overlap", io.To("a", "c").Except("b", "nowhere").Except("a"), []int{2}},
		{"one socket by its id", io.To(s[2].ID()), []int{2}},
		{"a socket and its room", io.To(s[0].ID(), "a"), []int{0}},
		{"all but a socket", io.Except(s[1].ID()), []int{0, 2, 3}},
		{"a socket's others", s[0].Broadcast(), []int{1, 2, 3}},
		{"a socket's others in a room", s[0].To("b"), []int{1}},
		{"a socket's others in rooms", s[0].To("b", "c"), []int{1, 2}},
		{"a socket's others but a room", s[0].Except("c"), []int{3}},
		{"a socket to itself", s[0].To(s[0].ID()), nil},
		{"local", io.Local().To("a"), []int{0}},
		{"compressed or not", io.To("a").Compress(false).Compress(true), []int{0}},
	} {
		if err := one.broadcast.Emit("news"); err != nil {
			t.Fatal(err)
		}
		if err := io.Emit("end"); err != nil {
			t.Fatal(err)
		}
		for i, p := range peers {
			want := 0
			if slices.Contains(one.heard, i) {
				want = 1
			}
			if got := len(p.heard()); got != want {
				t.Errorf("%s: socket %d hears it %d times, and not %d", one.name, i, got, want)
			}
		}
	}
}

func TestABroadcastDoesNotChangeTheOneItCameFrom(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	_, s := crowd(t, io, url, socket4, socket4, socket4)
	s[0].Join("a")
	s[1].Join("b")
	s[2].Join("c")
	base := io.To("a")
	_, _, _ = base.To("b"), base.Except("a"), base.To("c")
	two := base.To("b")
	_ = base.To("c")
	if got := len(base.Sockets()); got != 1 {
		t.Errorf("the base reaches %d sockets", got)
	}
	if got := len(two.Sockets()); got != 2 || !slices.Contains(two.Sockets(), s[1]) {
		t.Errorf("the first one made of it reaches %d sockets, or others", got)
	}
}

func TestRoomsAreJoinedAndLeft(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	peers, s := crowd(t, io, url, socket4, socket4)
	io.To(s[0].ID()).SocketsJoin("a", "b")
	io.SocketsJoin("all")
	if got := s[0].Rooms(); !slices.Equal(got, []string{s[0].ID(), "a", "b", "all"}) {
		t.Errorf("rooms %q", got)
	}
	io.To("b").SocketsLeave("a", s[0].ID(), "never joined")
	if got := s[0].Rooms(); !slices.Equal(got, []string{s[0].ID(), "all", "b"}) {
		t.Errorf("rooms %q after Leave", got)
	}
	if got := io.To("a").Sockets(); len(got) != 0 {
		t.Errorf("the room has %d sockets", len(got))
	}
	if got, ok := io.Socket(s[0].ID()); got != s[0] || !ok || io.Len() != 2 || len(io.Sockets()) != 2 {
		t.Error("the namespace does not know its sockets")
	}
	io.To("b").DisconnectSockets(false)
	peers[0].expect(`1`)
	if s[0].Connected() || !s[1].Connected() || io.Len() != 1 {
		t.Error("the wrong one was disconnected")
	}
	if _, ok := io.Socket(s[0].ID()); ok {
		t.Error("a socket that was disconnected is still known")
	}
	io.To("all").DisconnectSockets(true)
	if got := peers[1].ended(); !slices.Equal(got, []string{`1`}) {
		t.Errorf("before its end the session heard %q", got)
	}
}

// The rooms are compared with a model of them, after each of many random steps.
func TestRoomsAreWhatTheirSocketsDid(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	modes := make([]mode, 12)
	for i := range modes {
		modes[i] = socket4
	}
	_, sockets := crowd(t, io, url, modes...)
	rooms := []string{"a", "b", "c", sockets[0].ID()}
	in := map[*socketio.Socket]map[string]bool{}
	for _, s := range sockets {
		in[s] = map[string]bool{s.ID(): true}
	}
	some := func() (some []string) {
		for _, r := range rooms {
			if rand.IntN(3) == 0 {
				some = append(some, r)
			}
		}
		return some
	}
	isIn := func(s *socketio.Socket, rooms []string) bool {
		return slices.ContainsFunc(rooms, func(r string) bool { return in[s][r] })
	}
	for step := range 2000 {
		s := sockets[rand.IntN(len(sockets))]
		names := some()
		switch {
		case step%300 == 299:
			s.Disconnect(false)
			delete(in, s)
		case rand.IntN(2) == 0:
			s.Join(names...)
			for _, r := range names {
				if in[s] != nil {
					in[s][r] = true
				}
			}
		default:
			s.Leave(names...)
			for _, r := range names {
				if r != s.ID() {
					delete(in[s], r)
				}
			}
		}
		to, except, from := some(), some(), sockets[rand.IntN(len(sockets))]
		got := from.Broadcast().To(to...).Except(except...).Sockets()
		var want []*socketio.Socket
		for s := range in {
			if s != from && (len(to) == 0 || isIn(s, to)) && !isIn(s, except) {
				want = append(want, s)
			}
		}
		byID := func(a, b *socketio.Socket) int { return strings.Compare(a.ID(), b.ID()) }
		slices.SortFunc(got, byID)
		slices.SortFunc(want, byID)
		if !slices.Equal(got, want) {
			t.Fatalf("step %d: a broadcast to %q except %q reaches %d sockets, the model %d", step, to, except, len(got),
				len(want))
		}
	}
}

func TestAllMembersHearTheSameOrder(t *testing.T) {
	const emitters, each = 12, 200
	io, url := serve(t, socketio.Options{})
	peers, sockets := crowd(t, io, url, append(modes, modes...)...)
	for _, s := range sockets {
		s.Join("room", "same")
	}
	var done sync.WaitGroup
	for n := range emitters {
		done.Go(func() {
			b := []*socketio.Broadcast{io.To("room"), io.To("room", "same"), io.To("room").Except("nowhere"), io.Local()}[n%4]
			for i := range each {
				if err := b.Emit("news", n, i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	var order []string
	for i, p := range peers {
		var heard []string
		for range emitters * each {
			heard = append(heard, p.next().text)
		}
		if i == 0 {
			order = heard
			continue
		}
		if !slices.Equal(heard, order) {
			t.Fatalf("%v hears another order than %v", p.mode, peers[0].mode)
		}
	}
	next := make([]int, emitters)
	for _, text := range order {
		var n, i int
		if _, err := fmt.Sscanf(text, `2["news",%d,%d]`, &n, &i); err != nil || i != next[n] {
			t.Fatalf("%s comes when emitter %d is at %d: %v", text, n, next[n], err)
		}
		next[n]++
	}
}
