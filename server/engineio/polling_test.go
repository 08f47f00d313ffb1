package engineio_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/engineio"
)

// pollingModes are those that stay on long-polling.
var pollingModes = []mode{{3, "polling"}, {3, "jsonp"}, {4, "polling"}, {4, "jsonp"}}

// Who takes nothing is gone, however much it posts: what waits for it would be held for as long as it likes.
func TestASessionThatPostsAndNeverPollsEnds(t *testing.T) {
	for _, m := range pollingModes {
		for name, post := range map[string]packet{
			"heartbeats": {kind: map[int]byte{3: '2', 4: '3'}[m.version]}, "messages": textPacket("busy"),
		} {
			t.Run(fmt.Sprint(m, "/", name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := openOn(t, newPipes(), brisk, func(p *peer) { p.on = func(message) error { return nil } })
					c, p := h.join(m)
					began := time.Now()
					p.say(t, message{data: "taken by nobody"})
					go func() { // ends with the session
						for c.trySend(post) == nil {
							time.Sleep(time.Second)
						}
					}()
					p.expectEnd(t, engineio.ReasonPingTimeout)
					if took := time.Since(began); took > brisk.PingInterval+brisk.PingTimeout+time.Second {
						t.Errorf("it ended after %v", took)
					}
					time.Sleep(2 * time.Second)
				})
			})
		}
	}
}

func TestASessionThatPollsAndPostsLivesOn(t *testing.T) {
	for _, m := range pollingModes {
		synctest.Test(t, func(t *testing.T) {
			h := openOn(t, newPipes(), brisk, nil)
			c, p := h.join(m)
			for range 10 {
				p.say(t, message{data: "taken"})
				if m.version == 3 {
					time.Sleep(4 * time.Second)
					c.hear()
					c.send(packet{kind: '2'})
					c.receive()
					continue
				}
				c.hear()
				if got := c.receive(); got.kind != '2' {
					t.Fatalf("the server sent %+v, want a ping", got)
				}
				c.send(packet{kind: '3'})
			}
			p.expectOpen(t)
			p.Session.Abandon()
		})
	}
}

// An answer holds memory for as long as its client likes to read it, and JSONP makes six bytes of one.
func TestAnAnswerIsOfBoundedSizeAndCountsUntilItIsWritten(t *testing.T) {
	for _, m := range pollingModes {
		c, p := open(t, engineio.Options{MaxQueue: 16 << 20}, nil).join(m)
		said := strings.Repeat("<", 10_000)
		for range 100 {
			p.say(t, message{data: said})
		}
		before, polls := p.Held(), 0
		if m.transport == "jsonp" && before < 6*100*len(said) {
			t.Errorf("%v: %d bytes are counted for 6 MB of script", m, before)
		}
		for heard := 0; heard < 100; polls++ {
			a, err := c.do(patient(t), "GET", c.address("polling"), "", "")
			if err != nil || a.status != http.StatusOK {
				t.Fatal(a.status, err)
			}
			if len(a.body) > 256<<10+100 {
				t.Errorf("%v: an answer has %d bytes", m, len(a.body))
			}
			packets, err := c.unpack(a)
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range packets {
				if got.data != said {
					t.Errorf("%v: in place %d came %.40q", m, heard, got.data)
				}
				heard++
			}
		}
		waitFor(t, "an empty queue", func() bool { return p.Held() == 0 })
		if least := before / (256 << 10); polls < least {
			t.Errorf("%v: %d answers", m, polls)
		}
	}
}

// A heldWriter is an answer whose client takes nothing until it is told to.
type heldWriter struct {
	*httptest.ResponseRecorder
	enter, leave chan struct{}
}

func (w heldWriter) Write(b []byte) (int, error) {
	w.enter <- struct{}{}
	<-w.leave
	return w.ResponseRecorder.Write(b)
}

func TestAnAnswerOnItsWayCountsAsQueued(t *testing.T) {
	h := open(t, engineio.Options{}, nil)
	c, p := h.join(mode{4, "polling"})
	waitFor(t, "the end of the first answer", func() bool { return p.Held() == 0 })
	p.say(t, message{data: "hello"})
	held, flushed := p.Held(), p.Flushed()
	w := heldWriter{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	var asking sync.WaitGroup
	asking.Go(func() { h.sv.ServeHTTP(w, httptest.NewRequest("GET", c.address("polling"), nil)) })
	<-w.enter
	select {
	case <-flushed:
		t.Error("what was sent is said to be gone")
	default:
	}
	if got := p.Held(); got != held || h.sv.Stats().Queued != held {
		t.Errorf("%d bytes are held, want %d", got, held)
	}
	p.Session.Abandon()
	if got := p.Held(); got != held || h.sv.Len() != 1 {
		t.Errorf("after the end %d bytes are held, want %d; %d sessions", got, held, h.sv.Len())
	}
	close(w.leave)
	asking.Wait()
	<-flushed
	if p.Held() != 0 || h.sv.Len() != 0 {
		t.Errorf("%d bytes are held by %d sessions when all is over", p.Held(), h.sv.Len())
	}
}

func TestAnEndedSessionOnPollingHoldsNothing(t *testing.T) {
	for _, m := range pollingModes {
		h := open(t, engineio.Options{MaxSessions: 1}, nil)
		c, p := h.join(m)
		p.say(t, message{data: strings.Repeat("x", 1<<20)})
		_ = c.trySend(packet{kind: '9', data: "bad"})
		p.expectEnd(t, engineio.ReasonParseError)
		waitFor(t, "the session's end", func() bool { return h.sv.Len() == 0 })
		if held := p.Held(); held != 0 {
			t.Errorf("%v: %d bytes are held", m, held)
		}
		h.join(m)
	}
}

// A session that has ended keeps its place for as long as what is queued for its client takes memory.
func TestThePlaceOfASessionIsGivenAwayWhenItHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openOn(t, newPipes(), engineio.Options{MaxSessions: 1, PingInterval: time.Hour}, nil)
		c, p := h.join(mode{4, "websocket"})
		p.say(t, message{data: strings.Repeat("x", 1<<20)})
		c.ws.writeRaw([]byte("\x83\x81\x01\x02\x03\x04x"))
		p.expectEnd(t, engineio.ReasonTransportError)
		synctest.Wait()
		if queued := h.sv.Stats().Queued; queued == 0 {
			t.Error("nothing is counted")
		}
		h.stranger(mode{4, "polling"}).expectRefused(503, "10", `{"code":4,"message":"Too many sessions"}`)
		time.Sleep(23 * time.Second) // the client does not read
		synctest.Wait()
		if p.Held() != 0 || h.sv.Len() != 0 {
			t.Errorf("%d bytes are held by %d sessions", p.Held(), h.sv.Len())
		}
		_, p = h.join(mode{4, "polling"})
		p.Session.Abandon()
	})
}

func TestAPollIsRefusedOnceTheClientHasSaidThatItGoesOnOverWebSocket(t *testing.T) {
	for range 50 {
		h := open(t, engineio.Options{}, echo)
		c, p := h.join(mode{4, "polling"})
		w := c.probe()
		answers := make(chan *httptest.ResponseRecorder, 1)
		go func() { // and it may be there first
			answers <- h.within(context.Background(), "GET", c.address("polling"), "")
		}()
		w.write(packet{kind: '5'})
		if a := <-answers; a.Code != http.StatusBadRequest {
			t.Fatalf("the poll was answered with %d %s", a.Code, a.Body)
		}
		c.ws = w
		c.say(message{data: "hello"})
		if got := c.hear(); got.data != "hello" {
			t.Errorf("the client heard %+v", got)
		}
		p.expectOpen(t)
	}
}

// The two come over two connections, and the POST may be served first.
func TestAGoodbyeWaitsForThePollThatWasMadeBeforeIt(t *testing.T) {
	for _, first := range []string{"GET", "POST"} {
		h := open(t, engineio.Options{}, nil)
		c, p := h.join(mode{4, "polling"})
		posted := make(chan error, 1)
		post := func() { posted <- c.post(patient(t), packet{kind: '1'}) }
		if first == "POST" {
			go post()
			waitFor(t, "the POST", p.Posting)
		} else {
			waiting := make(chan struct{})
			go func() {
				waitFor(t, "a poll", p.Ready)
				close(waiting)
				post()
			}()
			defer func() { <-waiting }()
		}
		got, err := c.get(patient(t))
		if err != nil || len(got) != 1 || got[0] != (packet{kind: '6'}) {
			t.Errorf("%s first: the poll was answered with %+v, %v; want NOOP", first, got, err)
		}
		if err := <-posted; err != nil {
			t.Errorf("%s first: the good-bye was answered with %v", first, err)
		}
		if _, err := c.get(patient(t)); err == nil || !strings.Contains(err.Error(), unknownSession) {
			t.Errorf("%s first: the next poll was answered with %v", first, err)
		}
		p.expectEnd(t, engineio.ReasonTransportClose)
	}
}

// What the client says before it ends the session is answered: by the poll that waits, or the one that comes in late.
func TestWhatIsQueuedWhenTheClientEndsTheSessionGoesToItsPoll(t *testing.T) {
	for _, m := range pollingModes {
		for _, last := range []packet{{kind: '1'}, {kind: '9', data: "which no packet begins with"}} {
			h := open(t, engineio.Options{}, echo)
			c, p := h.join(m)
			posted := make(chan error, 1)
			go func() {
				waitFor(t, "a poll", p.Ready)
				posted <- c.post(patient(t), packet{kind: '4', data: "last words"}, last)
			}()
			got, err := c.get(patient(t))
			if err != nil || len(got) != 1 || got[0] != (packet{kind: '4', data: "last words"}) {
				t.Errorf("%v, %c: the poll was answered with %+v, %v", m, last.kind, got, err)
			}
			if err := <-posted; (err == nil) != (last.kind == '1') {
				t.Errorf("%v, %c: the POST was answered with %v", m, last.kind, err)
			}
			if _, err := c.get(patient(t)); err == nil || !strings.Contains(err.Error(), unknownSession) {
				t.Errorf("%v, %c: the next poll was answered with %v", m, last.kind, err)
			}
			waitFor(t, "nothing held", func() bool { return p.Held() == 0 && h.sv.Len() == 0 })
		}
	}
}

// Messages that were taken for an answer are lost with it. That the client has moved on meanwhile does not bring them back.
func TestAnAnswerThatIsLostWhileTheClientMovesOnEndsTheSession(t *testing.T) {
	h := open(t, engineio.Options{}, nil)
	c, p := h.join(mode{4, "polling"})
	w := c.probe()
	p.say(t, message{data: "lost"})
	lost := failingWriter{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	var asking sync.WaitGroup
	asking.Go(func() { h.sv.ServeHTTP(lost, httptest.NewRequest("GET", c.address("polling"), nil)) })
	<-lost.enter
	w.write(packet{kind: '5'})
	waitFor(t, "the upgrade", p.Switched)
	close(lost.leave)
	asking.Wait()
	p.expectEnd(t, engineio.ReasonTransportError)
}

// A failingWriter is a heldWriter whose client is gone then.
type failingWriter heldWriter

func (w failingWriter) Write([]byte) (int, error) {
	w.enter <- struct{}{}
	<-w.leave
	return 0, errString("broken pipe")
}

// What is queued for a client on long-polling goes out over its WebSocket as what was sent, in every form.
func TestAnUpgradeTurnsWhatIsQueuedIntoFrames(t *testing.T) {
	long := strings.Repeat("说\\u001e<\x1f\"", 2000)
	said := []message{{data: "text"}, {true, "\x00\x01\x04\x1e\xff"}, {data: ""}, {data: "说"}, {data: `"\\u001e`}, {true, ""}, {data: long}, {true, long}}
	for _, extra := range []string{"", "b64=1", "j=0", "t=1700000000000-0"} {
		for _, version := range []int{3, 4} {
			h := open(t, engineio.Options{CompressWebSocket: true}, nil)
			c := h.stranger(mode{version, "polling"})
			if extra == "j=0" {
				c.transport = "jsonp"
			}
			a, err := c.do(patient(t), "GET", c.address("polling", extra), "", "")
			if err == nil {
				c.inbox, err = c.unpack(a)
			}
			if err != nil {
				t.Fatal(err)
			}
			c.receive()
			p := h.peer()
			p.say(t, said...)
			c.upgrade()
			p.say(t, said...)
			for i := range 2 * len(said) {
				if got := c.hear(); got != said[i%len(said)] {
					t.Errorf("EIO %d, %q: in place %d came %+.60v", version, extra, i, got)
				}
			}
		}
	}
}

func TestAClientMayPollOtherwiseThanItBegan(t *testing.T) {
	said := []message{{data: `"<说>"`}, {true, "\x00\xff"}, {data: "ascii"}}
	for _, version := range []int{3, 4} {
		for _, ways := range [][2]string{{"polling", "jsonp"}, {"jsonp", "polling"}} {
			c, p := open(t, engineio.Options{}, nil).join(mode{version, ways[0]})
			c.transport = ways[1]
			p.say(t, said...)
			for i, want := range said {
				if got := c.hear(); got != want {
					t.Errorf("EIO %d, %v: in place %d came %+v", version, ways, i, got)
				}
			}
		}
	}
}
