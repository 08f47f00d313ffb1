package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/crier/crier/server/socketio"
)

func TestFetchSocketsTellsWhatIsKnownOfEach(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		peers, s := crowd(t, io, url, m, m)
		s[0].Join("a")
		s[0].SetData(struct {
			Name string `json:"name"`
		}{"Ann"})
		all, err := io.FetchSockets(t.Context())
		if err != nil || len(all) != 2 {
			t.Fatalf("%d sockets, %v", len(all), err)
		}
		some, err := io.In("a").FetchSockets(t.Context())
		if err != nil || len(some) != 1 {
			t.Fatalf("%d sockets in the room, %v", len(some), err)
		}
		r := some[0]
		var data struct{ Name string }
		if err := r.BindData(&data); err != nil || data.Name != "Ann" || r.Data() != s[0].Data() {
			t.Errorf("data %v, %v", data, err)
		}
		if r.ID() != s[0].ID() || !slices.Equal(r.Rooms(), []string{s[0].ID(), "a"}) || r.Namespace() != s[0].Namespace() {
			t.Errorf("%q in %q", r.ID(), r.Rooms())
		}
		if h := r.Handshake(); h.Address != "127.0.0.1" || h.Query.Get("t") != "Pxyz" {
			t.Errorf("handshake %+v", h)
		}

		if err := r.Join("b"); err != nil {
			t.Error(err)
		}
		r.Leave("a")
		if got := s[0].Rooms(); !slices.Equal(got, []string{s[0].ID(), "b"}) || len(r.Rooms()) != 2 {
			t.Errorf("rooms %q", got)
		}
		emit(t, r, "hello")
		peers[0].expect(`2["hello"]`)
		go func() {
			peers[0].next()
			peers[0].send(`31["yes"]`)
		}()
		if answer, err := r.EmitWithAck(t.Context(), "there?"); err != nil || string(answer[0].JSON()) != `"yes"` {
			t.Errorf("answer %v, %v", answer, err)
		}
		r.Disconnect(false)
		peers[0].expect(`1`)
		if _, err := r.EmitWithAck(t.Context(), "there?"); err != socketio.ErrDisconnected {
			t.Errorf("one that has left: %v", err)
		}
		late, cancel := context.WithCancel(t.Context())
		cancel()
		if all, err := io.FetchSockets(late); len(all) != 1 || !errors.Is(err, context.Canceled) {
			t.Errorf("%d sockets, %v", len(all), err)
		}
	})
}

func TestAllSocketsOfANamespaceCanBeMoved(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		peers, s := crowd(t, io, url, m, m)
		if err := io.SocketsJoin("a", "b"); err != nil {
			t.Fatal(err)
		}
		s[1].Leave("a")
		if got := io.Rooms(); !maps.Equal(got, map[string]int{"a": 1, "b": 2}) {
			t.Errorf("rooms %v", got)
		}
		if io.In("a", "b").Len() != 2 || s[0].In("a").Len() != 0 || s[0].In("b").Len() != 1 || io.Except("a").Len() != 1 {
			t.Error("Len counts others than Sockets")
		}
		io.SocketsLeave("a", "b")
		if got := io.Rooms(); len(got) != 0 {
			t.Errorf("rooms %v", got)
		}
		io.DisconnectSockets(true)
		for _, p := range peers {
			if got := p.ended(); m.version == 4 && len(got) > 1 {
				t.Errorf("a client heard %q", got)
			}
		}
	})
}

func TestAnAnswerSaysWhoseItIs(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	peers, s := crowd(t, io, url, socket4, socket3, socket4)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		peers[1].next()
		peers[1].send(`31["mine"]`)
		peers[0].next() // and is silent
		peers[2].next()
		peers[2].cut()
		eventually(t, "one has answered, and one has left", func() bool {
			return socketio.Awaited(s[1])+socketio.Awaited(s[2]) == 0
		})
		cancel()
	}()
	answers, err := io.EmitWithAck(ctx, "whose?")
	if len(answers) != 1 || answers[0].Socket != s[1].ID() || string(answers[0].Args[0].JSON()) != `"mine"` {
		t.Errorf("answers %v", answers)
	}
	missing := (*socketio.MissingAcksError)(nil)
	if !errors.As(err, &missing) || missing.Missing != 2 || missing.Sent != 3 {
		t.Fatal(err)
	}
	slices.Sort(missing.Sockets)
	if want := slices.Sorted(slices.Values([]string{s[0].ID(), s[2].ID()})); !slices.Equal(missing.Sockets, want) {
		t.Errorf("missing are %q, not %q", missing.Sockets, want)
	}
}

func TestNamespacesAreListedAndTold(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{})
		var told journal
		io.OnNewNamespace(func(ns *socketio.Namespace) {
			told.note(ns.Name())
			if io.Of(ns.Name()) != ns {
				t.Error("the namespace is not there yet")
			}
			ns.OnConnect(func(s *socketio.Socket) { told.note("in " + s.Namespace().Name()) })
			if ns.Name() == "/panic" {
				panic("in a hook")
			}
		})
		io.OfFunc(func(name string, _ json.RawMessage) bool { return name == "/child" })
		io.Of("/b")
		io.Of("/a")
		io.Of("/b")
		io.Of("/panic")
		if got := told.read(); got != "/b, /a, /panic" {
			t.Errorf("told of %s", got)
		}
		p := join(t, url, m)
		p.enter("/child")
		p.enter("/panic")
		eventually(t, "both are in", func() bool { return io.Of("/child").Len() == 1 && io.Of("/panic").Len() == 1 })
		var names []string
		for _, ns := range io.Namespaces() {
			names = append(names, ns.Name())
		}
		if !slices.Equal(names, []string{"/", "/a", "/b", "/child", "/panic"}) {
			t.Errorf("namespaces %q", names)
		}
		var came string
		eventually(t, "what a hook has registered runs for the first client too", func() bool {
			came += told.read()
			return strings.Contains(came, "in /child") && strings.Contains(came, "in /panic")
		})
	})
}
