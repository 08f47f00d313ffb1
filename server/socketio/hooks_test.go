package socketio_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/crier/crier/server/socketio"
)

// noteRooms has a journal told of the rooms of a namespace; names stand for the ids of sockets.
func noteRooms(ns *socketio.Namespace, told *journal, names *strings.Replacer) {
	ns.OnCreateRoom(func(room string) { told.note(names.Replace("+" + room)) })
	ns.OnJoinRoom(func(room, id string) { told.note(names.Replace(room + "<" + id)) })
	ns.OnLeaveRoom(func(room, id string) { told.note(names.Replace(room + ">" + id)) })
	ns.OnDeleteRoom(func(room string) { told.note(names.Replace("-" + room)) })
}

func TestHooksAreToldOfRooms(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		h := newHall(t, socketio.Options{MaxRooms: 3})
		p, s := h.join(t, m)
		var told journal
		noteRooms(h.Namespace, &told, strings.NewReplacer(s.ID(), "s"))
		s.Join("a", "b", "a")
		if got := told.read(); got != "+a, a<s, +b, b<s" {
			t.Errorf("join: %s", got)
		}
		if err := s.Join("c", "d"); err == nil || told.read() != "" {
			t.Error("rooms that it did not join were told")
		}
		s.Leave("a", "never joined")
		if got := told.read(); got != "a>s, -a" {
			t.Errorf("leave: %s", got)
		}
		h.lose(t, p)
		if got := told.read(); got != "s>s, -s, b>s, -b" {
			t.Errorf("end: %s", got)
		}
		_, other := h.join(t, m)
		var got string
		eventually(t, "a new socket's own room is told", func() bool {
			got += told.read()
			return strings.Contains(got, "<")
		})
		if got != fmt.Sprintf("+%[1]s, %[1]s<%[1]s", other.ID()) && got != fmt.Sprintf("+%[1]s%[1]s<%[1]s", other.ID()) {
			t.Errorf("a new socket: %s", got)
		}
	})
}

func TestHooksOfRoomsMayChangeRoomsAndPanic(t *testing.T) {
	h := newHall(t, socketio.Options{})
	_, s := h.join(t, socket4)
	var told journal
	noteRooms(h.Namespace, &told, strings.NewReplacer(s.ID(), "s"))
	h.OnJoinRoom(func(room, _ string) {
		if room == "a" {
			s.Leave("a")
			s.Join("b")
			if got := told.read(); got != "+a, a<s" {
				t.Errorf("told before: %s", got)
			}
			panic("in a hook")
		}
	})
	s.Join("a")
	if got := told.read(); got != "a>s, -a, +b, b<s" {
		t.Errorf("told after: %s", got)
	}
}

// Rooms are filled and emptied by many at once: what is told of each room alternates, and ends with what is true.
func TestHooksAreToldOfRoomsInOrder(t *testing.T) {
	h := newHall(t, socketio.Options{})
	var mu sync.Mutex
	members, there := map[string]int{}, map[string]bool{}
	count := func(room string, d int) {
		mu.Lock()
		defer mu.Unlock()
		if members[room] += d; members[room] < 0 || !there[room] {
			t.Errorf("%s has %d members, and is there: %v", room, members[room], there[room])
		}
	}
	exists := func(room string, yes bool) {
		mu.Lock()
		defer mu.Unlock()
		if there[room] == yes || members[room] != 0 {
			t.Errorf("%s with %d members is there: %v twice", room, members[room], yes)
		}
		there[room] = yes
	}
	h.OnCreateRoom(func(room string) { exists(room, true) })
	h.OnDeleteRoom(func(room string) { exists(room, false) })
	h.OnJoinRoom(func(room, _ string) { count(room, 1) })
	h.OnLeaveRoom(func(room, _ string) { count(room, -1) })
	_, one := h.join(t, socket4)
	_, two := h.join(t, socket3)
	var all sync.WaitGroup
	for _, s := range []*socketio.Socket{one, one, two, two} {
		all.Go(func() {
			for range 500 {
				s.Join("a", "b")
				s.Leave("b", "a")
			}
		})
	}
	all.Wait()
	one.Leave("a", "b")
	two.Leave("a", "b")
	eventually(t, "the end is told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return members["a"]+members["b"] == 0 && !there["a"] && !there["b"]
	})
}

func TestASlowHookOfRoomsIsLoggedAndBounded(t *testing.T) {
	var book logBook
	h := newHall(t, socketio.Options{Logger: book.logger()})
	_, s := h.join(t, socket4)
	holding, release := make(chan bool), make(chan bool)
	h.OnJoinRoom(func(room, _ string) {
		if room == "hold" {
			close(holding)
			<-release
		}
	})
	go s.Join("hold") // ends with release
	receive(t, holding, "the hook")
	for range socketio.MaxRoomChanges {
		s.Join("a")
		s.Leave("a")
	}
	close(release)
	eventually(t, "it is logged", func() bool {
		return strings.Contains(book.text(), fmt.Sprint("changes were not told\" changes=", socketio.MaxRoomChanges))
	})
}

func TestHooksAreToldOfOutgoingEvents(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		h := newHall(t, socketio.Options{})
		p, s := h.join(t, m)
		q, _ := h.join(t, m)
		var told journal
		s.OnAnyOutgoing(func(event string, args []any) { told.note(fmt.Sprint(event, args)) })
		h.OnAnyOutgoing(func(e *socketio.OutgoingEvent) {
			switch {
			case e.Socket != nil:
				told.note(fmt.Sprint("one ", e.Name, e.Args, e.Socket == s))
			default:
				told.note(fmt.Sprint("many ", e.Name, e.Args, e.To.Len()))
			}
			if e.Name == "hello" {
				emit(t, s, "more") // a hook may emit
			}
		})
		emit(t, s, "hello", 1)
		if got := told.read(); got != "one hello[1] true, one more[] true, more[], hello[1]" {
			t.Errorf("one: %s", got)
		}
		emit(t, h, "all", "x")
		emit(t, s.Broadcast(), "others")
		emit(t, h.To("nobody"), "nobody")
		if got := told.read(); got != "many all[x] 2, all[x], many others[] 1" {
			t.Errorf("many: %s", got)
		}
		p.expect(`2["more"]`, `2["hello",1]`, `2["all","x"]`)
		q.expect(`2["all","x"]`, `2["others"]`)
		s.OffAnyOutgoing()
		emit(t, h, "all")
		if got := told.read(); got != "many all[] 2" {
			t.Errorf("afterwards: %s", got)
		}
		s.OnAnyOutgoing(func(string, []any) { told.note("again") })
		h.lose(t, p)
		if emit(t, h, "late"); told.read() != "many late[] 1" || socketio.Tapped(h.Namespace) != 0 {
			t.Error("one that has left is told")
		}
	})
}

func TestHandlersCanBeTakenAway(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		h := newHall(t, socketio.Options{OnUnknownEvent: func(e *socketio.Event) { _ = e.Ack("unknown") }})
		p, s := h.join(t, m)
		var told journal
		note := func(what string) func(*socketio.Event) error {
			return func(e *socketio.Event) error {
				if e.Name() != "done" {
					told.note(what)
				}
				return nil
			}
		}
		s.On("done", func(e *socketio.Event) error { return e.Ack() })
		ask := func(want string) {
			t.Helper()
			p.send(`20["x"]`)
			p.next() // the answer, which may come before the last handler has run;
			p.send(`21["done"]`)
			p.next() // this one comes behind all of them
			if got := told.read(); got != want {
				t.Errorf("%s ran, not %s", got, want)
			}
		}
		s.OnAny(note("any"))
		s.PrependAny(note("first"))
		s.Once("x", note("once"))
		s.On("x", func(e *socketio.Event) error { told.note("on"); return e.Ack() })
		ask("first, any, on, once")
		ask("first, any, on")
		s.OffAny()
		s.Once("x", note("never"))
		s.Use(func(e *socketio.Event) error {
			if e.Name() == "x" && told.read() == "refuse" {
				return errors.New("refused")
			}
			return nil
		})
		told.note("refuse")
		ask("")
		s.Once("x", func(e *socketio.Event) error { s.Once("x", note("again")); return nil })
		ask("on, never")
		ask("on, again")
		s.Off("x")
		s.Once("y", note("y"))
		for _, text := range []string{`2["x"]`, `2["y"]`, `2["y"]`} {
			p.send(text)
		}
		eventually(t, "y is handled", func() bool { return told.read() == "y" })
	})
}

func TestAConnectionIsKnownByAPublicID(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		upgraded := make(chan *socketio.Conn, 2)
		io.OnUpgrade(func(c *socketio.Conn) {
			c.Data() // takes no lock
			upgraded <- c
		})
		io.Of("/b")
		sockets := make(chan *socketio.Socket, 2)
		io.OnConnect(func(s *socketio.Socket) { sockets <- s })
		io.Of("/b").OnConnect(func(s *socketio.Socket) { sockets <- s })
		p := join(t, url, m)
		s := receive(t, sockets, "OnConnect")
		c := s.Conn()
		if m.transport == "upgrade" && receive(t, upgraded, "OnUpgrade") != c {
			t.Error("another connection was upgraded")
		}
		if c.Transport() != s.Transport() || c.Protocol() != m.version || len(c.PublicID()) != 16 ||
			strings.Contains(p.sid+s.ID(), c.PublicID()) {
			t.Errorf("%s on %s, EIO %d", c.PublicID(), c.Transport(), c.Protocol())
		}
		p.enter("/b")
		other := receive(t, sockets, "OnConnect of /b")
		if other.Conn() != c || len(c.Sockets()) != 2 || other.Conn().PublicID() != c.PublicID() {
			t.Error("a namespace has a connection of its own")
		}
		over := make(chan struct{})
		other.OnDisconnect(func(socketio.Reason) {
			if c.Data() != "kept" {
				t.Error("the last handler finds no data")
			}
			close(over)
		})
		c.SetData("kept")
		c.Close()
		receive(t, over, "OnDisconnect")
		eventually(t, "the data is forgotten", func() bool { return c.Data() == nil })
		if c.SetData("late"); c.Data() != nil {
			t.Error("data is kept for good")
		}
		if len(upgraded) > 0 {
			t.Error("told of an upgrade twice, or where there was none")
		}
	})
}

func TestAuthIsBoundToAStruct(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		got := make(chan string, 1)
		io.Of("/in").Use(func(s *socketio.Socket) error {
			var auth struct {
				Token string `json:"token"`
			}
			err := s.BindAuth(&auth)
			got <- auth.Token
			return err
		})
		p := join(t, url, m)
		if m.version == 3 {
			p.send(`0/in?token=x,`)
		} else {
			p.send(`0/in,{"token":5}`)
			if text := p.next().text; text != `4/in,{"message":"auth has a wrong member: token must be a string, not a number"}` {
				t.Error(text)
			}
			receive(t, got, "the middleware")
			p.send(`0/in,{"token":"x"}`)
		}
		if token := receive(t, got, "the middleware"); token != "x" {
			t.Errorf("the token is %q", token)
		}
	})
}

func TestHooksThatAreNotSetTakeNoMemory(t *testing.T) {
	h := newHall(t, socketio.Options{})
	_, s := h.join(t, socket4)
	gone := h.To("nobody")
	for what, f := range map[string]func(){
		"an event to nobody":  func() { _ = gone.Emit("x", 1, "text", true) },
		"a room that is left": func() { s.Leave("a") },
	} {
		if n := testing.AllocsPerRun(100, f); n > 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}
