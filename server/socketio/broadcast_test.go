package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

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
	io.To(s[0].ID()).Join("a", "b")
	io.Local().Join("all")
	if got := s[0].Rooms(); !slices.Equal(got, []string{s[0].ID(), "a", "b", "all"}) {
		t.Errorf("rooms %q", got)
	}
	io.To("b").Leave("a", s[0].ID(), "never joined")
	if got := s[0].Rooms(); !slices.Equal(got, []string{s[0].ID(), "all", "b"}) {
		t.Errorf("rooms %q after Leave", got)
	}
	if got := io.To("a").Sockets(); len(got) != 0 {
		t.Errorf("the room has %d sockets", len(got))
	}
	if got, ok := io.Socket(s[0].ID()); got != s[0] || !ok || io.Len() != 2 || len(io.Sockets()) != 2 {
		t.Error("the namespace does not know its sockets")
	}
	io.To("b").Disconnect(false)
	peers[0].expect(`1`)
	if s[0].Connected() || !s[1].Connected() || io.Len() != 1 {
		t.Error("the wrong one was disconnected")
	}
	if _, ok := io.Socket(s[0].ID()); ok {
		t.Error("a socket that was disconnected is still known")
	}
	io.To("all").Disconnect(true)
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
			t.Fatalf("step %d: a broadcast to %q except %q reaches %d sockets, the model %d", step, to, except, len(got), len(want))
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

func TestVolatileEventsAreDroppedBetweenPolls(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	connected := make(chan *socketio.Socket, 1)
	io.OnConnect(func(s *socketio.Socket) { connected <- s })
	p := open(t, url, poll4) // polls by hand
	p.send(`0`)
	s := receive(t, connected, "OnConnect")
	for _, emit := range []func(string, ...any) error{
		s.Volatile().Emit, io.Volatile().Emit, io.To(s.ID()).Volatile().Emit, s.Emit, s.Volatile().Compress(false).Emit,
	} {
		if err := emit("now"); err != nil {
			t.Error(err)
		}
	}
	got, err := p.poll()
	if err != nil || len(got) != 2 || string(got[1].data) != `42["now"]` {
		t.Errorf("after CONNECT the client hears %v, and not one event: %v", got[1:], err)
	}

	polled := make(chan []engineMessage)
	go func() { // ends with the poll
		got, _ := p.poll()
		polled <- got
	}()
	for n := 0; ; n++ { // once the poll waits, nothing is in the way
		_ = s.Volatile().Emit("now", n)
		select {
		case got := <-polled:
			if len(got) == 0 || !strings.HasPrefix(string(got[0].data), `42["now",`) {
				t.Errorf("a waiting poll hears %v", got)
			}
			return
		case <-time.After(time.Millisecond):
			if n > int(patience/time.Millisecond) {
				t.Fatal("a waiting poll hears no volatile event")
			}
		}
	}
}

func TestVolatileEventsAreDroppedWhenAWebSocketIsFull(t *testing.T) {
	server, url := serve(t, socketio.Options{})
	connected := make(chan *socketio.Socket, 1)
	server.OnConnect(func(s *socketio.Socket) { connected <- s })
	p := open(t, url, socket4) // reads nothing for now
	p.send(`0`)
	s := receive(t, connected, "OnConnect")
	for n := range 50 {
		if err := s.Volatile().Emit("early", n); err != nil {
			t.Fatal(err)
		}
	}
	chunk := strings.Repeat("x", 256<<10)
	writable := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		_, err := server.Volatile().EmitWithAck(ctx, "probe")
		return err != nil // it was asked, and does not answer
	}
	for writable() {
		if err := s.Emit("chunk", chunk); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 50 {
		if err := server.Volatile().Emit("dropped", n); err != nil {
			t.Fatal(err)
		}
	}
	p.start()
	p.connected()
	eventually(t, "the WebSocket is writable again", writable)
	if err := s.Emit("end"); err != nil {
		t.Fatal(err)
	}
	early := 0
	for {
		text := p.next().text
		switch {
		case strings.HasPrefix(text, `2["early"`):
			early++
		case strings.HasPrefix(text, `2["dropped"`):
			t.Errorf("%s was kept", text)
		}
		if text == `2["end"]` {
			break
		}
	}
	if early != 50 {
		t.Errorf("%d of 50 volatile events came while the WebSocket was writable", early)
	}
}

func TestCompressDecidesWhatIsCompressed(t *testing.T) {
	o := socketio.Options{}
	o.Engine.CompressWebSocket = true
	server, url := serve(t, o)
	long := strings.Repeat("text ", 1000)
	server.OnConnect(func(s *socketio.Socket) {
		for _, emit := range []func(string, ...any) error{
			s.Emit, s.Compress(false).Emit, s.Compress(true).Emit, server.Emit, server.Compress(false).Emit, server.To(s.ID()).Compress(false).Emit,
		} {
			_ = emit("news", long)
		}
		_ = s.Emit("short")
	})
	offer := wsflate.Parameters{ServerNoContextTakeover: true, ClientNoContextTakeover: true}
	var dialer ws.Dialer
	dialer.Extensions = append(dialer.Extensions, offer.Option())
	conn, early, _, err := dialer.Dial(t.Context(), strings.Replace(url, "http", "ws", 1)+"?EIO=3&transport=websocket")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	from := reader(conn, early)
	var compressed []bool
	for range 9 { // OPEN and CONNECT come first
		h, err := ws.ReadHeader(from)
		if err == nil {
			_, err = io.CopyN(io.Discard, from, h.Length)
		}
		if err != nil {
			t.Fatal(err)
		}
		compressed = append(compressed, h.Rsv1())
	}
	if want := []bool{false, false, true, false, true, true, false, false, false}; !slices.Equal(compressed, want) {
		t.Errorf("compressed frames: %v, want %v", compressed, want)
	}
}

func TestEmitWithAckCollectsTheAnswers(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	peers, s := crowd(t, io, url, socket4, poll4, socket3, socket4, socket4)
	for _, p := range peers[:3] {
		go func() { // answers once
			text := p.next().text
			id := strings.TrimSuffix(strings.TrimPrefix(text, "2"), `["how many?"]`)
			p.send(`3` + id + `["` + p.mode.String() + `"]`)
		}()
	}
	answers, err := io.Except(s[3].ID(), s[4].ID()).EmitWithAck(t.Context(), "how many?")
	if err != nil || len(answers) != 3 {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	var who []string
	for _, a := range answers {
		var name string
		if err := a.Bind(&name); err != nil {
			t.Error(err)
		}
		who = append(who, name)
	}
	slices.Sort(who)
	if fmt.Sprint(who) != "[EIO3-websocket EIO4-polling EIO4-websocket]" {
		t.Errorf("answers of %v", who)
	}

	// One answers, one leaves, one is kicked, two stay silent.
	collected := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		answers, err := io.EmitWithAck(ctx, "and now?")
		if len(answers) != 1 {
			t.Errorf("%d answers", len(answers))
		}
		collected <- err
	}()
	text := peers[0].next().text
	id := strings.TrimSuffix(strings.TrimPrefix(text, "2"), `["and now?"]`)
	peers[0].send(`3` + id + `[]`)
	peers[0].send(`3` + id + `[]`) // again: once counts
	peers[3].next()
	peers[3].cut()
	peers[4].next()
	s[4].Disconnect(false)
	err = receive(t, collected, "EmitWithAck's end")
	var missing *socketio.MissingAcksError
	if !errors.As(err, &missing) || missing.Missing != 4 || missing.Sent != 5 || missing.Event != "and now?" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	if want := `socketio: 4 of 5 clients did not acknowledge "and now?": context deadline exceeded`; err.Error() != want {
		t.Errorf("the error is %q", err)
	}
}

func TestEmitWithAckEndsWithTheLastSocket(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	peers, s := crowd(t, io, url, socket4, socket4)
	if answers, err := io.To("nowhere").EmitWithAck(t.Context(), "anybody?"); len(answers) != 0 || err != nil {
		t.Errorf("nobody was asked: %v, %v", answers, err)
	}
	all, one := make(chan error), make(chan error)
	go func() {
		_, err := io.EmitWithAck(context.Background(), "all?")
		all <- err
	}()
	go func() {
		_, err := s[0].EmitWithAck(context.Background(), "one?")
		one <- err
	}()
	peers[0].next()
	peers[0].next()
	peers[1].next()
	peers[0].leave()
	peers[1].send(`1`)
	if err := receive(t, all, "the end"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Error(err)
	}
	if err := receive(t, one, "the end"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Error(err)
	}
	if err := s[0].Emit("after"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("Emit says %v", err)
	}
	if _, err := s[0].EmitWithAck(t.Context(), "after"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("EmitWithAck says %v", err)
	}
}

func TestWhatCannotBeSentIsAnError(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	peers, s := crowd(t, io, url, socket4)
	for _, emit := range []func(string, ...any) error{s[0].Emit, io.Emit, io.To("room").Emit, s[0].Volatile().Emit} {
		for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
			if err := emit(name); err == nil || !strings.Contains(err.Error(), "reserved") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := emit("news", func() {}); err == nil || !strings.Contains(err.Error(), "argument 1") {
			t.Errorf("a function as argument: %v", err)
		}
	}
	if _, err := s[0].EmitWithAck(t.Context(), "connect"); err == nil {
		t.Error("a reserved name is emitted with an ack")
	}
	if _, err := io.EmitWithAck(t.Context(), "news", make(chan int)); err == nil {
		t.Error("a channel is emitted")
	}
	if err := s[0].Emit("", `odd "name"`); err != nil {
		t.Error(err)
	}
	peers[0].expect(`2["","odd \"name\""]`) // and nothing before it
}
