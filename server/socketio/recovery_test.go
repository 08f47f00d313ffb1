package socketio_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/crier/crier/server/socketio"
)

// modes4 are those of clients that can be recovered.
var modes4 = append(modes[:4:4], mode{4, "polling msgpack"}, mode{4, "websocket msgpack"})

func inEveryMode4(t *testing.T, test func(t *testing.T, m mode)) {
	for _, m := range modes4 {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			test(t, m)
		})
	}
}

// wish is the CONNECT with which the peer wants its socket back.
func (p *peer) wish() string {
	auth := map[string]string{"pid": p.pid}
	if p.seen != "" {
		auth["offset"] = p.seen
	}
	text, err := json.Marshal(auth)
	if err != nil {
		p.t.Fatal(err)
	}
	return "0" + string(text)
}

// back comes back for the socket of p, over a new session, and takes the answer.
func (p *peer) back(url string) *peer {
	p.t.Helper()
	q := dial(p.t, url, p.mode)
	q.seen = p.seen
	q.send(p.wish())
	q.connected()
	return q
}

// recovered is back for a socket that must still be there.
func (p *peer) recovered(url string) *peer {
	p.t.Helper()
	q := p.back(url)
	if q.id != p.id || q.pid != p.pid {
		p.t.Fatalf("%v: it is new: it was %s and is %s", p.mode, p.id, q.id)
	}
	return q
}

// renewed is back for a socket that must not be there any more.
func (p *peer) renewed(url string) *peer {
	p.t.Helper()
	q := p.back(url)
	if q.id == p.id || q.pid == p.pid || q.pid == "" {
		p.t.Fatalf("%v: it is recovered, though it must not be", p.mode)
	}
	return q
}

func TestWhatWasMissedComesBackInOrderAndOnce(t *testing.T) {
	inEveryMode4(t, func(t *testing.T, m mode) {
		h := newHall(t, socketio.Options{})
		p, s := h.join(t, m)
		q, other := h.join(t, m)
		s.Join("a", "b")
		s.SetData("kept")
		emit(t, s, "hello")
		p.expect(`2["hello"]`)
		emit(t, h.To("a"), "unseen", 1) // the client does not take it before it is lost
		emit(t, s.To("a"), "not for it")
		h.lose(t, p)

		emit(t, h, "all", 2)
		emit(t, h.To("a", "b"), "both", 3)
		emit(t, h.To("elsewhere"), "not for it")
		emit(t, h.Except("b"), "not for it")
		emit(t, h.To(other.ID()), "not for it")
		emit(t, h.To(s.ID()), "it alone", "a text at the end")
		emit(t, h.Volatile(), "not for it", "volatile")
		emit(t, h.To("b").Except(other.ID()), "binary", []byte{4, 0xff}, socketio.Binary{})
		emit(t, other.To("a"), "from the other", "说🙂")

		back := p.recovered(h.url)
		now := receive(t, h.came, "OnConnect")
		emit(t, h.To("b"), "newer", 5)
		back.expect(`2["unseen",1]`, `2["all",2]`, `2["both",3]`, `2["it alone","a text at the end"]`)
		got := back.next()
		if got.text != `52-["binary",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]` ||
			fmt.Sprint(got.attachments) != "[[4 255] []]" {
			t.Errorf("got %s, %v", got.text, got.attachments)
		}
		back.expect(`2["from the other","说🙂"]`, `2["newer",5]`)
		rooms := now.Rooms()
		slices.Sort(rooms[1:])
		if !now.Recovered() || s.Recovered() || now == s || now.Data() != "kept" ||
			!slices.Equal(rooms, []string{s.ID(), "a", "b"}) {
			t.Errorf("recovered %v, data %v, rooms %q", now.Recovered(), now.Data(), rooms)
		}
		emit(t, now.Broadcast(), "to the other")
		q.expect(`2["all",2]`)
		for q.next().text != `2["to the other"]` {
		}
	})
}

func TestASocketIsRecoveredBeforeAnyEvent(t *testing.T) {
	inEveryMode4(t, func(t *testing.T, m mode) {
		h := newHall(t, atOnce)
		p, _ := h.join(t, m)
		h.lose(t, p)
		p = p.recovered(h.url)
		h.lose(t, p)
		emit(t, h, "first")
		p = p.recovered(h.url)
		h.lose(t, p) // before it takes what was replayed
		p = p.recovered(h.url)
		p.expect(`2["first"]`)
	})
}

// Each time it is lost with something unseen.
func TestASocketIsRecoveredAgainAndAgain(t *testing.T) {
	inEveryMode4(t, func(t *testing.T, m mode) {
		h := newHall(t, atOnce)
		p, s := h.join(t, m)
		s.Join("room")
		for n := range 10 {
			emit(t, h.To("room"), "seen", n)
			p.expect(fmt.Sprintf(`2["seen",%d]`, n))
			emit(t, s, "unseen", n)
			h.lose(t, p)
			emit(t, h.To("room"), "missed", n)
			p = p.recovered(h.url)
			s = receive(t, h.came, "OnConnect")
			if n%2 == 0 { // and lost again before it takes what was replayed
				h.lose(t, p)
				p = p.recovered(h.url)
				s = receive(t, h.came, "OnConnect")
			}
			p.expect(fmt.Sprintf(`2["unseen",%d]`, n), fmt.Sprintf(`2["missed",%d]`, n))
		}
	})
}

// A phone that changes its network is back long before its old connection is given up.
func TestStatsCountWhoCameBack(t *testing.T) {
	inEveryMode4(t, func(t *testing.T, m mode) {
		h := newHall(t, socketio.Options{})
		p, _ := h.join(t, m)
		h.lose(t, p)
		emit(t, h, "missed")
		if got := h.Stats().Recovery; got.Sessions != 1 || got.Packets != 1 || got.Bytes == 0 {
			t.Errorf("one is lost, and the stats are %+v", got)
		}
		p = p.recovered(h.url)
		receive(t, h.came, "OnConnect")
		p.expect(`2["missed"]`)
		p.pid = strings.Repeat("A", len(p.pid))
		p.renewed(h.url)
		if got := h.Stats().Recovery; got.Sessions != 0 || got.Recovered != 1 || got.New != 1 {
			t.Errorf("one is back and one is new, and the stats are %+v", got)
		}
	})
}

func TestAClientIsBackBeforeTheServerKnowsThatItWasLost(t *testing.T) {
	inEveryMode4(t, func(t *testing.T, m mode) {
		h := newHall(t, socketio.Options{})
		var order journal
		h.OnConnect(func(s *socketio.Socket) {
			order.note(fmt.Sprint("connect ", s.Recovered()))
			s.OnDisconnect(func(r socketio.Reason) { order.note("disconnect " + string(r)) })
		})
		p, s := h.join(t, m)
		s.Join("room")
		emit(t, h.To("room"), "seen")
		p.expect(`2["seen"]`)
		emit(t, h.To("room"), "unseen")

		back := p.recovered(h.url)
		if got := receive(t, h.left, "OnDisconnect"); got != socketio.ReasonTransportClose {
			t.Errorf("the reason is %q", got)
		}
		back.expect(`2["unseen"]`)
		emit(t, h.To("room"), "newer")
		back.expect(`2["newer"]`)
		eventually(t, "OnConnect", func() bool { return len(h.came) == 1 })
		back.send(`1`)
		receive(t, h.left, "OnDisconnect")
		if got := order.read(); !strings.HasPrefix(got, "connect false, disconnect transport close, connect true") {
			t.Errorf("the order is %s", got)
		}
		p.ended()
	})
}

func TestOnConnectWaitsForTheHandlersOfTheEarlierSocket(t *testing.T) {
	h := newHall(t, socketio.Options{})
	entered, release := make(chan struct{}), make(chan struct{})
	h.OnConnect(func(s *socketio.Socket) {
		s.On("slow", func(*socketio.Event) error {
			close(entered)
			<-release
			s.SetData("by the last handler")
			return nil
		})
	})
	p, _ := h.join(t, socket4)
	p.send(`2["slow"]`)
	receive(t, entered, "the handler runs")
	back := p.recovered(h.url)
	emit(t, h, "already there")
	back.expect(`2["already there"]`)
	if len(h.came) > 0 {
		t.Error("OnConnect did not wait")
	}
	close(release)
	if got := receive(t, h.came, "OnConnect").Data(); got != "by the last handler" {
		t.Errorf("its data is %v", got)
	}
}

func TestOnlyALostTransportIsRecoveredFrom(t *testing.T) {
	for _, one := range []struct {
		name      string
		end       func(h *hall, p *peer)
		recovered bool
	}{
		{"the client closes its engine", func(_ *hall, p *peer) { p.leave() }, true},
		{"the connection is cut", func(_ *hall, p *peer) { p.cut() }, true},
		{"a packet can't be read", func(_ *hall, p *peer) { p.send(`2[`) }, true}, // a forced close, as in the reference
		{"the client disconnects", func(_ *hall, p *peer) { p.send(`1`) }, false},
		{"the server disconnects", func(h *hall, _ *peer) { h.DisconnectSockets(false) }, false},
		{"the server closes the session", func(h *hall, _ *peer) { h.DisconnectSockets(true) }, false},
		{"an Engine.IO packet can't be read", func(_ *hall, p *peer) { _ = p.write(engineMessage{data: []byte("x")}) },
			false},
	} {
		t.Run(one.name, func(t *testing.T) {
			h := newHall(t, socketio.Options{})
			p, _ := h.join(t, socket4)
			one.end(h, p)
			receive(t, h.left, "OnDisconnect")
			if one.recovered {
				p.recovered(h.url)
			} else {
				p.renewed(h.url)
			}
		})
	}
}

func TestAReplayLargerThanTheQueueIsNotBegun(t *testing.T) {
	o := socketio.Options{}
	o.Engine.MaxQueue = 64 << 10
	h := newHall(t, o)
	for fits, events := range map[bool]int{true: 60, false: 70} {
		p, _ := h.join(t, socket4)
		h.lose(t, p)
		for n := range events {
			emit(t, h, "n", n, strings.Repeat("x", 1000))
		}
		if !fits {
			p.renewed(h.url)
			continue
		}
		p = p.recovered(h.url)
		for n := range events {
			p.expect(fmt.Sprintf(`2["n",%d,"%s"]`, n, strings.Repeat("x", 1000)))
		}
	}
}

// What was still on its way when it was cut off may arrive, so it depends on the line whether the rest fits.
func TestASlowConsumerIsRecoveredWholeOrNotAtAll(t *testing.T) {
	o := socketio.Options{}
	o.Engine.MaxQueue = 1 << 20
	h := newHall(t, o)
	p := open(t, h.url, socket4) // reads nothing
	p.send(`0`)
	receive(t, h.came, "OnConnect")
	sent := 0
	for ; len(h.left) == 0; sent++ {
		_ = h.Emit("n", sent, strings.Repeat("x", 10_000))
	}
	if got := <-h.left; got != socketio.ReasonSlowConsumer {
		t.Fatalf("the reason is %q", got)
	}
	p.start()
	p.connected()
	next := 0
	number := func(got packet) {
		var n int
		if _, err := fmt.Sscanf(got.text, `2["n",%d,`, &n); err != nil || n != next {
			t.Fatalf("%.30s comes where %d should", got.text, next)
		}
		next, p.seen = next+1, got.offset
	}
	for got := range p.packets {
		number(got)
	}
	q := p.back(h.url)
	t.Logf("it had %d of %d, and is recovered: %v", next, sent, q.id == p.id)
	if q.id != p.id {
		return
	}
	for next < sent {
		number(q.next())
	}
}

func TestEveryBroadcastIsThereOnceAcrossTheSeam(t *testing.T) {
	const events, speakers = 1000, 2
	inEveryMode4(t, func(t *testing.T, m mode) {
		h := newHall(t, atOnce)
		p, s := h.join(t, m)
		id := s.ID()
		s.Join("room")
		emit(t, s, "begin")
		p.expect(`2["begin"]`)
		var speaking sync.WaitGroup
		for speaker := range speakers {
			speaking.Go(func() {
				for n := range events {
					switch n % 3 {
					case 0:
						emit(t, h.To("room"), "n", speaker, n)
					case 1:
						emit(t, h.To(id), "n", speaker, n)
					default:
						emit(t, h, "n", speaker, n)
					}
				}
			})
		}
		next, taken := map[int]int{}, 0
		for taken < events*speakers {
			got := p.next()
			var speaker, n int
			if _, err := fmt.Sscanf(got.text, `2["n",%d,%d]`, &speaker, &n); err != nil {
				t.Fatal(got.text, err)
			}
			if n != next[speaker] {
				t.Fatalf("speaker %d: %d comes where %d should", speaker, n, next[speaker])
			}
			next[speaker]++
			if taken++; taken%100 == 0 {
				if taken%200 == 0 { // else the server does not know yet
					p.leave()
				}
				old := p
				p = p.recovered(h.url)
				old.cut()
			}
		}
		speaking.Wait()
		if !maps.Equal(next, map[int]int{0: events, 1: events}) {
			t.Error(next)
		}
	})
}
