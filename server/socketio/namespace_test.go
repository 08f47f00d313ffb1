package socketio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/crier/crier/server/socketio"
)

// both runs a test with a client of each protocol revision.
func both(t *testing.T, test func(t *testing.T, m mode)) {
	for _, m := range []mode{socket4, socket3} {
		t.Run(m.String(), func(t *testing.T) { test(t, m) })
	}
}

// enter connects to a namespace that lets the client in.
func (p *peer) enter(name string) {
	p.t.Helper()
	p.send(`0` + name + `,`)
	if got := p.next().text; !strings.HasPrefix(got, `0`+name+`,`) {
		p.t.Fatalf("%v: %s", p.mode, got)
	}
}

func TestNamespacesAreApart(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		admin := io.Of("admin") // the slash may be missing
		if admin != io.Of("/admin") || admin.Name() != "/admin" || io.Name() != "/" {
			t.Errorf("names %q and %q", admin.Name(), io.Name())
		}
		io.OnConnect(func(s *socketio.Socket) { echo(s); s.Join("room") })
		admin.OnConnect(func(s *socketio.Socket) {
			s.Join("room")
			s.On("where", func(e *socketio.Event) error { return e.Ack(s.Namespace().Name()) })
		})
		p := join(t, url, m)
		p.enter("/admin")
		p.send(`20["echo"]`)
		p.expect(`30[]`)
		p.send(`2/admin,0["where"]`)
		p.expect(`3/admin,0["/admin"]`)
		_ = io.To("room").Emit("news", 1)
		_ = admin.To("room").Emit("news", 2)
		_ = admin.Emit("news", []byte{3})
		p.expect(`2["news",1]`, `2/admin,["news",2]`, `51-/admin,["news",{"_placeholder":true,"num":0}]`)
		p.send(`1/admin,`)
		eventually(t, "the socket has left", func() bool { return admin.Len() == 0 })
		if io.Len() != 1 {
			t.Error("it has left the main namespace too")
		}
		p.send(`21["echo"]`)
		p.expect(`31[]`)
		p.enter("/admin") // it may come again
		if m.version == 3 {
			p.send(`2/admin?token=x,1["where"]`) // as the reference server has it
			p.expect(`3/admin,1["/admin"]`)
		}
	})
}

func TestUnknownNamespacesAreRefused(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		io.OnConnect(echo)
		p := join(t, url, m)
		for _, name := range []string{"/nowhere", "/__proto__", "/ spaces", "/说"} {
			p.send(`0` + name + `,`)
			p.expect(`4` + name + `,{"message":"Invalid namespace"}`)
		}
		p.send(`21["echo"]`)
		p.expect(`31[]`)
	})
}

func TestDynamicNamespacesAreMadeForThoseWhoseNamesMatch(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		rooms := io.OfPattern(regexp.MustCompile(`^/room-[0-9]+$`))
		rooms.OnConnect(func(s *socketio.Socket) {
			s.On("where", func(e *socketio.Event) error { return e.Ack(s.Namespace().Name()) })
		})
		members := io.OfFunc(func(name string, auth json.RawMessage) bool {
			var a struct{ Token string }
			return json.Unmarshal(auth, &a) == nil && a.Token == name
		})
		var no atomic.Bool
		no.Store(true)
		members.Use(func(*socketio.Socket) error {
			if no.Load() {
				return errors.New("asked as well")
			}
			return nil
		})

		p, q := join(t, url, m), join(t, url, m)
		p.enter("/room-1")
		q.enter("/room-1")
		p.enter("/room-22")
		p.send(`2/room-22,0["where"]`)
		p.expect(`3/room-22,0["/room-22"]`)
		p.send(`0/room-x,`)
		p.expect(`4/room-x,{"message":"Invalid namespace"}`)

		yes, wrong := `0/vip,{"token":"/vip"}`, `0/vip,{"token":"x"}`
		if m.version == 3 {
			yes, wrong = `0/vip?token=/vip,`, `0/vip?token=x,`
		}
		p.send(wrong)
		p.expect(`4/vip,{"message":"Invalid namespace"}`)
		p.send(yes)
		if got := p.next().text; !strings.Contains(got, "asked as well") {
			t.Errorf("got %s", got)
		}
		no.Store(false)
		p.send(yes)
		if got := p.next().text; !strings.HasPrefix(got, `0/vip,`) {
			t.Errorf("got %s", got)
		}
		q.send(wrong) // that it exists is no reason to let everybody in
		q.expect(`4/vip,{"message":"Invalid namespace"}`)
		p.send(`1/vip,`)
		eventually(t, "the namespace is forgotten", func() bool { return len(members.Namespaces()) == 0 })

		var names []string
		for _, ns := range rooms.Namespaces() {
			names = append(names, ns.Name())
		}
		slices.Sort(names)
		if !slices.Equal(names, []string{"/room-1", "/room-22"}) || len(members.Namespaces()) != 0 {
			t.Errorf("namespaces %q", names)
		}
		_ = rooms.Emit("news")
		got := []string{p.next().text, p.next().text}
		slices.Sort(got)
		if !slices.Equal(got, []string{`2/room-1,["news"]`, `2/room-22,["news"]`}) {
			t.Errorf("got %q", got)
		}
		q.expect(`2/room-1,["news"]`)
	})
}

func TestDynamicNamespacesAreForgottenWhenTheyAreEmpty(t *testing.T) {
	io, url := serve(t, socketio.Options{Recovery: socketio.Recovery{Disabled: true}})
	rooms := io.OfPattern(regexp.MustCompile(`^/room-`))
	late := make(chan struct{})
	left := make(chan string, 1)
	rooms.OnConnect(func(s *socketio.Socket) {
		s.OnDisconnect(func(socketio.Reason) {
			if s.Namespace().Name() == "/room-late" {
				<-late
			}
			left <- s.Namespace().Name()
		})
	})
	p, q := join(t, url, socket4), join(t, url, socket4)
	p.enter("/room-1")
	q.enter("/room-1")
	p.send(`1/room-1,`)
	receive(t, left, "OnDisconnect")
	if got := len(rooms.Namespaces()); got != 1 {
		t.Errorf("%d namespaces while somebody is in one", got)
	}
	q.cut()
	receive(t, left, "OnDisconnect")
	eventually(t, "the namespace is forgotten", func() bool { return len(rooms.Namespaces()) == 0 })

	for n := range 100 { // one client can't pile them up
		name := fmt.Sprint("/room-", n)
		p.enter(name)
		p.send(`1` + name + `,`)
		receive(t, left, "OnDisconnect")
	}
	eventually(t, "all are forgotten", func() bool { return len(rooms.Namespaces()) == 0 })

	p.enter("/room-late")
	ns := rooms.Namespaces()[0]
	p.send(`1/room-late,`)
	eventually(t, "the socket has left", func() bool { return ns.Len() == 0 })
	p.enter("/room-late")
	if now := rooms.Namespaces(); len(now) != 1 || now[0] != ns {
		t.Error("it is forgotten while a handler of its last socket still runs")
	}
	close(late)
	receive(t, left, "OnDisconnect")

	kept := io.Of("/room-late") // asked for by name, it stays
	if kept != ns {
		t.Error("Of makes another")
	}
	p.send(`1/room-late,`)
	receive(t, left, "OnDisconnect")
	p.enter("/room-late")
	if io.Of("/room-late") != kept || kept.Len() != 1 {
		t.Error("a namespace that was asked for by name is forgotten")
	}
}

// Clients come and go at the same time: whoever knocks is let in, whatever becomes of the namespace at that moment.
func TestADynamicNamespaceLetsInWhoComesWhileItIsForgotten(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	rooms := io.OfPattern(regexp.MustCompile(`^/room$`))
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			p := join(t, url, socket4)
			for range 300 {
				p.enter("/room")
				p.send(`1/room,`)
			}
		})
	}
	t.Cleanup(func() {
		eventually(t, "the namespace is forgotten", func() bool { return len(rooms.Namespaces()) == 0 })
	})
}

func TestASessionJoinsOnlySoManyNamespaces(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{MaxNamespaces: 3})
		io.OfPattern(regexp.MustCompile(`^/`))
		p := join(t, url, m)
		p.enter("/1")
		p.enter("/2")
		p.send(`0/3,`)
		want := `4/3,{"message":"Too many namespaces"}`
		if m.version == 3 {
			want = `4/3,"Too many namespaces"`
		}
		p.expect(want)
		p.send(`1/1,`)
		eventually(t, "there is room again", func() bool {
			p.send(`0/3,`)
			return strings.HasPrefix(p.next().text, `0/3,`)
		})
	})
}

// Sockets that come and go while their handlers are held up count as well: each costs a goroutine.
func TestSocketsWhoseHandlersStillRunCount(t *testing.T) {
	io, url := serve(t, socketio.Options{MaxNamespaces: 4})
	held, release := make(chan struct{}, 100), make(chan struct{})
	io.Of("/slow").OnConnect(func(*socketio.Socket) { held <- struct{}{}; <-release })
	p := join(t, url, socket4)
	let := 0
	for range 100 {
		p.send(`0/slow,`)
		if got := p.next().text; !strings.HasPrefix(got, `0/slow,`) {
			if got != `4/slow,{"message":"Too many namespaces"}` {
				t.Fatal(got)
			}
			break
		}
		let++
		p.send(`1/slow,`)
	}
	if let != 3 {
		t.Errorf("%d sockets of one session have handlers that are held up", let)
	}
	close(release)
	eventually(t, "there is room again", func() bool {
		p.send(`0/slow,`)
		return strings.HasPrefix(p.next().text, `0/slow,`)
	})
}
