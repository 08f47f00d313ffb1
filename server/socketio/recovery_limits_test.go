package socketio_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/socketio"
)

// inMadeUpHall runs a test of what takes time. back is peer.back over the bubble's network.
func inMadeUpHall(t *testing.T, o socketio.Options, test func(t *testing.T, h *hall, open func() *peer,
	back func(*peer) *peer)) {
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

// However its address is written.
func TestLostSessionsOfOneAddressAreOneShare(t *testing.T) {
	addresses := []string{"192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"}
	var asked atomic.Uint64
	h := newHall(t, socketio.Options{Engine: engineio.Options{Address: func(*http.Request) string {
		return addresses[asked.Add(1)%uint64(len(addresses))]
	}}})
	for range addresses {
		p, _ := h.join(t, socket4)
		h.lose(t, p)
	}
	if n := socketio.LostNetworks(h.Server); n != 1 {
		t.Errorf("they are shares of %d networks", n)
	}
}
