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

// inMadeUpHall runs a test of what takes time. back is peer.back over the bubble's network.
func inMadeUpHall(t *testing.T, o socketio.Options, test func(t *testing.T, h *hall, open func() *peer, back func(*peer) *peer)) {
	inMadeUpTime(t, o, func(t *testing.T, io *socketio.Server, d dialer) {
		enter := func(connect string) *peer {
			p := socket4.openIn(t, d)
			p.start()
			p.send(connect)
			p.connected()
			return p
		}
		test(t, furnished(io, ""), func() *peer { return enter(`0`) }, func(p *peer) *peer {
			q := enter(p.wish())
			q.seen = p.seen
			return q
		})
	})
}

func TestASessionComesBackWithinItsTime(t *testing.T) {
	for _, m := range []struct {
		away  time.Duration
		again bool
	}{{2*time.Minute - time.Second, true}, {2*time.Minute + time.Second, false}} {
		t.Run(m.away.String(), func(t *testing.T) {
			inMadeUpHall(t, socketio.Options{}, func(t *testing.T, h *hall, open func() *peer, back func(*peer) *peer) {
				p := open()
				time.Sleep(10 * time.Minute) // of the bubble's time
				p.mute.Store(true)
				time.Sleep(10 * time.Second)
				emit(t, h, "sent while nobody knew that it was lost")
				if got := <-h.left; got != socketio.ReasonPingTimeout {
					t.Errorf("the reason is %q", got)
				}
				time.Sleep(m.away)
				if q := back(p); (q.id == p.id) != m.again {
					t.Errorf("it is recovered: %v", q.id == p.id)
				} else if m.again {
					q.expect(`2["sent while nobody knew that it was lost"]`)
				}
			})
		})
	}
}

// What was sent to others does not count, however much it is and however long ago.
func TestAQuietClientIsRecoveredOnABusyServer(t *testing.T) {
	o := socketio.Options{Recovery: socketio.Recovery{MaxPackets: 10}}
	inMadeUpHall(t, o, func(t *testing.T, h *hall, open func() *peer, back func(*peer) *peer) {
		quiet, busy := open(), open()
		s, other := <-h.came, <-h.came // in any order
		if s.ID() != busy.id {
			s = other
		}
		s.Join("busy")
		emit(t, h, "first")
		quiet.expect(`2["first"]`)
		for n := range 100 {
			emit(t, h.To("busy"), "n", n)
			emit(t, s, "n", n)
			emit(t, h.To(s.ID()), "n", n)
		}
		for range 301 {
			busy.next()
		}
		time.Sleep(time.Hour) // of the bubble's time
		quiet.cut()
		<-h.left
		emit(t, h, "last")
		q := back(quiet)
		if q.id != quiet.id {
			t.Fatal("it is new")
		}
		q.expect(`2["last"]`)
	})
}

// Whoever speaks to a room and hears nobody else is no less there.
func TestASpeakerWhomNobodyAnswersIsRecovered(t *testing.T) {
	h := newHall(t, socketio.Options{Recovery: socketio.Recovery{MaxPackets: 10}})
	p, s := h.join(t, socket4)
	_, other := h.join(t, socket4)
	s.Join("room")
	other.Join("room")
	emit(t, other.To("room"), "heard")
	p.expect(`2["heard"]`)
	for range 100 {
		emit(t, s.To("room"), "said")
		emit(t, s.Broadcast(), "said")
	}
	h.lose(t, p)
	p.recovered(h.url)
}

func TestWhatIsNotHeldAnyMoreMakesTheSocketNew(t *testing.T) {
	big := strings.Repeat("x", 10_000)
	for _, one := range []struct {
		name   string
		limits socketio.Recovery
		missed int
		data   string
		again  bool
	}{
		{"as many events as are held", socketio.Recovery{MaxPackets: 10}, 10, "", true},
		{"one more", socketio.Recovery{MaxPackets: 10}, 11, "", false},
		{"as many bytes as are held", socketio.Recovery{MaxBytes: 105_000}, 10, big, true},
		{"more bytes", socketio.Recovery{MaxBytes: 105_000}, 11, big, false},
		{"an event that is more than all", socketio.Recovery{MaxBytes: 5_000}, 1, big, false},
	} {
		t.Run(one.name, func(t *testing.T) {
			h := newHall(t, socketio.Options{Recovery: one.limits})
			p, _ := h.join(t, socket4)
			emit(t, h, "seen")
			p.expect(`2["seen"]`)
			h.lose(t, p)
			for n := range one.missed {
				emit(t, h, "missed", n, one.data)
			}
			if !one.again {
				p.renewed(h.url)
				return
			}
			p = p.recovered(h.url)
			for n := range one.missed {
				p.expect(fmt.Sprintf(`2["missed",%d,"%s"]`, n, one.data))
			}
		})
	}
}

func TestTheOldestLostSessionsAreGivenUp(t *testing.T) {
	long := strings.Repeat("x", 900)
	for name, limits := range map[string]socketio.Recovery{
		"by their number": {MaxSessions: 4}, // of which one address has half while no other has any
		"by their rooms":  {MaxBytes: 3_000},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHall(t, socketio.Options{Recovery: limits})
			var peers []*peer
			for range 3 {
				p, s := h.join(t, socket4)
				s.Join(long)
				peers = append(peers, p)
			}
			for _, p := range peers {
				h.lose(t, p)
			}
			peers[0].renewed(h.url)
			peers[1].recovered(h.url)
			peers[2].recovered(h.url)
		})
	}
}

// The rooms that count are those that it was in when an event was sent.
func TestRoomsCountFromWhenTheyWereJoined(t *testing.T) {
	h := newHall(t, socketio.Options{})
	p, s := h.join(t, socket4)
	s.Join("early")
	emit(t, h.To("late"), "before it came")
	emit(t, h.Except("late"), "before it went out of the way")
	s.Join("late")
	emit(t, h.To("late"), "afterwards")
	h.lose(t, p)
	emit(t, h.Except("late"), "not for it")
	p = p.recovered(h.url)
	s = receive(t, h.came, "OnConnect")
	p.expect(`2["before it went out of the way"]`, `2["afterwards"]`)

	// What it missed from a room that it has left by now cannot be told any more.
	emit(t, h.To("early"), "unseen")
	s.Leave("early")
	h.lose(t, p)
	p = p.renewed(h.url)
	s = receive(t, h.came, "OnConnect")

	// It has seen all that the room was sent before it left.
	s.Join("early")
	emit(t, h.To("early"), "seen")
	p.expect(`2["seen"]`)
	s.Leave("early")
	emit(t, h.To("early"), "not for it")
	emit(t, s, "unseen")
	h.lose(t, p)
	p.recovered(h.url)
}

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

// Clients before 3.0 are sent what they always were, in the company of others too.
func TestClientsOfEIO3SeeNothingOfRecovery(t *testing.T) {
	for _, m := range modes {
		if m.version != 3 {
			continue
		}
		t.Run(m.String(), func(t *testing.T) {
			h := newHall(t, socketio.Options{})
			old, s := h.join(t, m)
			p, _ := h.join(t, socket4)
			s.Join("room")
			text := strings.Repeat("说", 800)
			emit(t, h, "news", text)
			emit(t, h.Volatile(), "a name alone")
			emit(t, h, "binary", []byte{1})
			emit(t, s, "direct", "text")
			for _, one := range []*peer{old, p} {
				got := one.next()
				escaped := one == old && !m.msgpack()
				if strings.HasSuffix(got.text, `说"]`) == escaped || (got.offset != "") != (one == p) {
					t.Errorf("%v: got %.40s, offset %q", one.mode, got.text, got.offset)
				}
			}
			got := old.next().text
			if got == `2["a name alone"]` { // it may be dropped
				got = old.next().text
			}
			if got != `51-["binary",{"_placeholder":true,"num":0}]` {
				t.Error(got)
			}
			old.expect(`2["direct","text"]`)
			h.lose(t, old)
			emit(t, h, "missed")
			again := dial(t, h.url, m)
			again.connected()
			emit(t, h, "now")
			again.expect(`2["now"]`)
		})
	}
}

func TestWithoutRecoveryNothingIsAdded(t *testing.T) {
	h := newHall(t, socketio.Options{Recovery: socketio.Recovery{Disabled: true}})
	p, s := h.join(t, socket4)
	emit(t, h, "news", "text")
	emit(t, s, "direct")
	for range 2 {
		if got := p.next(); got.offset != "" {
			t.Error(got)
		}
	}
	h.lose(t, p)
	q := dial(t, h.url, socket4)
	q.send(p.wish())
	q.connected()
	if p.pid != "" || q.pid != "" || q.id == p.id {
		t.Errorf("pid %q, then %q", p.pid, q.pid)
	}
}

// A client takes any string at the end of an event for its offset.
func TestAVolatileEventThatEndsInTextHasTheOffsetOfWhatWasBeforeIt(t *testing.T) {
	h := newHall(t, socketio.Options{})
	p, s := h.join(t, socket4)
	emit(t, h, "n", 1)
	p.expect(`2["n",1]`)
	before := p.seen
	for _, args := range [][]any{{"text"}, {}, {1, "text"}} {
		for _, to := range []emitter{s.Volatile(), h.Volatile()} {
			emit(t, to, "volatile", args...)
			if got := p.next(); got.offset != before {
				t.Errorf("%v: the offset is %q, and that of the last event %q", args, got.offset, before)
			}
		}
	}
	emit(t, s.Volatile(), "volatile", "text", 2)
	if got := p.next(); got.offset != "" {
		t.Errorf("an offset that nobody needs: %v", got)
	}
	emit(t, h, "n", 2)
	h.lose(t, p)
	emit(t, h.Volatile(), "lost for good")
	p = p.recovered(h.url)
	p.expect(`2["n",2]`)
}
