package socketio_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crier/crier/server/socketio"
)

func TestOnlyItsOwnOffsetAndSecretBringASocketBack(t *testing.T) {
	for _, one := range []struct {
		name  string
		wish  func(p *peer, old string)
		again bool
	}{
		{"no offset", func(p *peer, _ string) { p.seen = "" }, true},
		{"one from before CONNECT", func(p *peer, old string) { p.seen = old }, true},
		{"one of another life", func(p *peer, _ string) { p.seen = "abcdef" + p.seen[6:] }, true},
		{"one that is malformed", func(p *peer, _ string) { p.seen = "hello" }, false},
		{"one that is malformed behind its epoch", func(p *peer, _ string) { p.seen = p.seen[:6] + "!!!!!!!!" }, false},
		{"one of the future", func(p *peer, _ string) { p.seen = p.seen[:6] + "AAAAABBB" }, false},
		{"another secret", func(p *peer, _ string) { p.pid = p.id + p.id }, false},
		{"half a secret", func(p *peer, _ string) { p.pid = p.id }, false},
		{"no secret", func(p *peer, _ string) { p.pid = "" }, false},
		{"a pid of the right length that names nobody", func(p *peer, _ string) { p.pid = strings.Repeat("x", 48) }, false},
	} {
		for _, lost := range []bool{true, false} {
			t.Run(fmt.Sprint(one.name, ", lost: ", lost), func(t *testing.T) {
				h := newHall(t, socketio.Options{})
				before, _ := h.join(t, socket4)
				emit(t, h, "earlier")
				before.expect(`2["earlier"]`)
				emit(t, h, "not for it")
				p, _ := h.join(t, socket4)
				emit(t, h, "n", 1)
				p.expect(`2["n",1]`)
				emit(t, h, "n", 2)
				if lost {
					h.lose(t, p)
				}
				wanted := &peer{t: t, mode: p.mode, id: p.id, pid: p.pid, seen: p.seen}
				one.wish(wanted, before.seen)
				q := wanted.back(h.url)
				if (q.id == p.id) != one.again {
					t.Fatalf("it is recovered: %v", q.id == p.id)
				}
				if one.again { // from CONNECT on
					q.expect(`2["n",1]`, `2["n",2]`)
				} else if !lost && wanted.pid != p.pid && h.Len() != 3 {
					t.Error("the socket that somebody asked for with a wrong secret has ended")
				}
			})
		}
	}
}

func TestMiddlewareIsAskedAgainOnlyIfItShallBe(t *testing.T) {
	for _, ask := range []bool{false, true} {
		t.Run(fmt.Sprint("ask: ", ask), func(t *testing.T) {
			h := newHall(t, socketio.Options{Recovery: socketio.Recovery{AskMiddleware: ask, Pause: 1}})
			var order journal
			var refuse atomic.Bool
			h.Use(func(s *socketio.Socket) error {
				order.note(fmt.Sprint("asked, recovered: ", s.Recovered()))
				s.Join("of the middleware")
				if refuse.Load() {
					return errors.New("not today")
				}
				return nil
			})
			p, s := h.join(t, socket4)
			s.Join("room")
			h.lose(t, p)
			emit(t, h.To("room"), "missed")
			p = p.recovered(h.url)
			p.expect(`2["missed"]`)
			if got := receive(t, h.came, "OnConnect").Rooms(); len(got) != 3 {
				t.Errorf("its rooms are %q", got)
			}
			want := "asked, recovered: false"
			if ask {
				want += ", asked, recovered: true"
			}
			if got := order.read(); got != want {
				t.Error(got)
			}
			if !ask {
				return
			}
			refuse.Store(true)
			h.lose(t, p)
			q := dial(t, h.url, socket4)
			q.send(p.wish())
			q.expect(`4{"message":"not today"}`)
			refuse.Store(false)
			p.recovered(h.url) // nothing was lost by it
		})
	}
}

// What is said in a namespace that only lost sockets are in is said for them.
func TestANamespaceStaysForThoseWhoMayComeBack(t *testing.T) {
	inMadeUpHall(t, socketio.Options{}, func(t *testing.T, h *hall, open func() *peer, back func(*peer) *peer) {
		rooms := h.OfPattern(regexp.MustCompile(`^/room-`))
		left := make(chan bool, 1)
		rooms.OnConnect(func(s *socketio.Socket) { s.OnDisconnect(func(socketio.Reason) { left <- true }) })
		p := open()
		p.send(`0/room-1,`)
		var answer peer
		answer.t = t
		answer.readConnect("0" + strings.TrimPrefix(p.next().text, `0/room-1,`))
		p.cut()
		<-left
		emit(t, rooms, "missed")
		q := open()
		q.send(`0/room-1,` + answer.wish()[1:])
		if got := q.next().text; !strings.Contains(got, answer.pid) {
			t.Fatal(got)
		}
		q.expect(`2/room-1,["missed"]`)
		q.cut()
		<-left
		time.Sleep(2*time.Minute + time.Second) // of the bubble's time
		if got := rooms.Namespaces(); len(got) != 0 {
			t.Error("a namespace stays when nobody can come back to it any more")
		}
	})
}
