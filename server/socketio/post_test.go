package socketio_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/crier/crier/server/socketio"
)

// hearUntil returns what comes before a packet.
func (p *peer) hearUntil(last string) (texts []string) {
	p.t.Helper()
	for {
		text := p.next().text
		if text == last {
			return texts
		}
		texts = append(texts, text)
	}
}

// Each of several emitters lets its socket into a room and out of it, and tells the room what it has just done.
func TestABroadcastReachesThoseWhoWereMembersWhenItWasEmitted(t *testing.T) {
	const rounds = 60
	io, url := serve(t, socketio.Options{})
	fill(t, io, "room")
	peers, sockets := crowd(t, io, url, append(slices.Clone(modes), socket4, socket4)...)
	steady := len(peers) - 1
	sockets[steady].Join("room")
	var emitting sync.WaitGroup
	for i, s := range sockets[:steady] {
		emitting.Go(func() {
			room := io.To("room", "nowhere")
			if i%2 == 0 {
				room = io.To("room").Except("nowhere")
			}
			for n := range rounds {
				s.Join("room")
				_ = room.Emit("in", i, n)
				_ = s.To("room").Emit("others", i, n)
				s.Leave("room")
				_ = room.Emit("out", i, n)
			}
		})
	}
	emitting.Wait()
	_ = io.Emit("end")
	for i, p := range peers {
		var mine, want []string
		for _, text := range p.hearUntil(`2["end"]`) {
			if i == steady || strings.Contains(text, fmt.Sprintf(`",%d,`, i)) {
				mine = append(mine, text)
			}
		}
		for n := range rounds {
			if i < steady {
				want = append(want, fmt.Sprintf(`2["in",%d,%d]`, i, n))
			}
		}
		if i == steady {
			checkSteady(t, mine, steady, rounds)
		} else if !slices.Equal(mine, want) {
			t.Errorf("%v: who comes and goes hears %q", p.mode, mine)
		}
	}
}

// checkSteady checks what a socket hears that is in the room all the time: all of it, in each emitter's order.
func checkSteady(t *testing.T, heard []string, emitters, rounds int) {
	t.Helper()
	next := make([]int, emitters)
	for _, text := range heard {
		var name string
		var i, n int
		if _, err := fmt.Sscanf(strings.NewReplacer("2[", "", `"`, "", ",", " ", "]", "").Replace(text), "%s %d %d", &name, &i, &n); err != nil {
			t.Fatal(text, err)
		}
		if want := []string{"in", "others", "out"}[next[i]%3]; name != want || n != next[i]/3 {
			t.Fatalf("%s comes when %q %d is due", text, want, next[i]/3)
		}
		next[i]++
	}
	for i := range next {
		if next[i] != 3*rounds {
			t.Errorf("emitter %d is heard %d times", i, next[i])
		}
	}
}

// Broadcasts of two namespaces, of large rooms and small ones, and what goes to one socket alone.
func TestWhatOneEmitterSaysComesInItsOrder(t *testing.T) {
	const rounds = 100
	io, url := serve(t, socketio.Options{})
	fill(t, io, "room")
	other := io.Of("/other")
	fromOther := make(chan *socketio.Socket, 1)
	other.OnConnect(func(s *socketio.Socket) { fromOther <- s })
	peers, sockets := crowd(t, io, url, modes...)
	var emitting sync.WaitGroup
	want := make([][]string, len(peers))
	var others []*socketio.Socket
	for i, p := range peers {
		p.enter("/other")
		others = append(others, receive(t, fromOther, "OnConnect"))
		sockets[i].Join(fmt.Sprint("small", i))
	}
	for i, s := range sockets {
		o := others[i]
		emitting.Go(func() {
			for n := range rounds {
				say := func(packet string, emit func(string, ...any) error) {
					want[i] = append(want[i], fmt.Sprintf(packet, i, n))
					if err := emit("news", i, n); err != nil {
						t.Error(err)
					}
				}
				say(`2["news",%d,%d]`, io.Emit)
				say(`2["news",%d,%d]`, s.Emit)
				say(`2["news",%d,%d]`, io.To("room", s.ID()).Emit)
				say(`2/other,["news",%d,%d]`, o.Emit)
				say(`2/other,["news",%d,%d]`, other.Emit)
				say(`2["news",%d,%d]`, io.To(fmt.Sprint("small", i)).Emit)
				say(`2["news",%d,%d]`, io.Emit)
				say(`2/other,["news",%d,%d]`, o.Emit)
			}
		})
	}
	emitting.Wait()
	_ = io.Emit("end")
	for i, p := range peers {
		heard := p.hearUntil(`2["end"]`)
		mine := slices.DeleteFunc(heard, func(text string) bool { return !strings.Contains(text, fmt.Sprintf(`",%d,`, i)) })
		for n := range want[i] {
			if n >= len(mine) || mine[n] != want[i][n] {
				t.Fatalf("%v: of %d packets, that in place %d is not %s", p.mode, len(mine), n, want[i][n])
			}
		}
		if len(mine) > len(want[i]) {
			t.Errorf("%v hears %d packets too many", p.mode, len(mine)-len(want[i]))
		}
	}
}

func TestWhatWasEmittedComesBeforeTheEnd(t *testing.T) {
	for name, end := range map[string]func(*socketio.Server, *socketio.Socket){
		"of the socket":  func(_ *socketio.Server, s *socketio.Socket) { s.Disconnect(false) },
		"of the session": func(_ *socketio.Server, s *socketio.Socket) { s.Disconnect(true) },
		"of everybody's": func(io *socketio.Server, _ *socketio.Socket) { io.DisconnectSockets(true) },
		"of the server": func(io *socketio.Server, _ *socketio.Socket) {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			_ = io.Close(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inEveryMode(t, func(t *testing.T, m mode) {
				io, url := serve(t, socketio.Options{})
				fill(t, io, "room")
				peers, sockets := crowd(t, io, url, m)
				const many = 100
				var want []string
				for n := range many {
					_ = io.Emit("all", n)
					_ = sockets[0].Emit("one", n)
					want = append(want, fmt.Sprintf(`2["all",%d]`, n), fmt.Sprintf(`2["one",%d]`, n))
				}
				end(io, sockets[0])
				for _, text := range want {
					peers[0].expect(text)
				}
				if name != "of the socket" {
					peers[0].ended()
				}
			})
		})
	}
}
