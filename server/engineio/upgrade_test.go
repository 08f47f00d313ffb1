package engineio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gobwas/ws"

	"github.com/crier/crier/server/engineio"
)

// upgrading is what a client may be in the middle of when something happens.
type upgrading struct {
	name  string
	reach func(c *client) *wire
}

var steps = []upgrading{
	{"connected", func(c *client) *wire { return c.open() }},
	{"probed", func(c *client) *wire { return c.probe() }},
	{"released", func(c *client) *wire {
		w := c.probe()
		c.take()
		return w
	}},
}

// take makes one poll, which the server must answer though it may have nothing to say.
func (c *client) take() {
	c.t.Helper()
	got, err := c.get(patient(c.t))
	if err != nil {
		c.t.Fatal(err)
	}
	c.inbox = append(c.inbox, got...)
}

// A fault is what may go wrong with a WebSocket.
type fault struct {
	name   string
	happen func(w *wire) error
}

var faults = []fault{
	{"drop", func(w *wire) error { return w.conn.Close() }},
	{"close frame", func(w *wire) error { return w.sayClose(1000, "") }},
	{"garbage", func(w *wire) error { return w.write(packet{kind: 'x', data: "yz"}) }},
	{"an empty message", func(w *wire) error { return w.writeRaw(maskedFrame(ws.OpText, "")) }},
	{"binary garbage", func(w *wire) error { return w.writeRaw(maskedFrame(ws.OpBinary, "\x09\x08")) }},
	{"a wrong probe", func(w *wire) error { return w.write(packet{kind: '2', data: "prove"}) }},
	{"an early message", func(w *wire) error { return w.write(textPacket("too early")) }},
	{"a close packet", func(w *wire) error { return w.write(packet{kind: '1'}) }},
	{"bytes that are no frame", func(w *wire) error { return w.writeRaw(bytes.Repeat([]byte{0xff}, 20)) }},
}

func TestWhateverGoesWrongWithAWebSocketLeavesTheSessionOnPolling(t *testing.T) {
	for _, version := range []int{3, 4} {
		for _, step := range steps {
			for _, fault := range faults {
				t.Run(fmt.Sprintf("EIO%d/%s/%s", version, step.name, fault.name), func(t *testing.T) {
					t.Parallel()
					checkFault(t, mode{version, "polling"}, step, fault)
				})
			}
		}
	}
}

func checkFault(t *testing.T, m mode, step upgrading, fault fault) {
	c, p := open(t, engineio.Options{}, nil).join(m)
	p.say(t, message{data: "before"})
	w := step.reach(c)
	p.say(t, message{data: "during"})
	if err := fault.happen(w); err != nil {
		t.Fatal(err)
	}
	if fault.name != "drop" {
		if err := w.expectHangup(); err != nil {
			t.Error(err)
		}
	}
	p.say(t, message{data: "after"})
	for _, want := range []string{"before", "during", "after"} {
		if got := c.hear(); got.data != want {
			t.Fatalf("the client heard %q, want %q", got.data, want)
		}
	}
	c.say(message{data: "I am here"})
	if got := p.hear(t); got.data != "I am here" || p.Transport() != engineio.Polling {
		t.Errorf("the server heard %+v over %s", got, p.Transport())
	}
	c.ws = c.openWhenPossible(p)
	c.send(packet{kind: '2', data: "probe"})
	if got := c.receive(); got.data != "probe" {
		t.Fatalf("the probe was answered with %+v", got)
	}
	c.send(packet{kind: '5'})
	p.say(t, message{data: "at last"})
	if got := c.hear(); got.data != "at last" || p.Transport() != engineio.WebSocket {
		t.Errorf("the client heard %+v over %s", got, p.Transport())
	}
	p.expectOpen(t)
}

func TestMessagesSentAtEachStepOfAnUpgradeArriveOnceAndInOrder(t *testing.T) {
	for _, version := range []int{3, 4} {
		c, p := open(t, engineio.Options{}, nil).join(mode{version, "polling"})
		p.say(t, message{data: "before"})
		w := c.open()
		p.say(t, message{true, "connected"})
		if err := w.write(packet{kind: '2', data: "probe"}); err != nil {
			t.Fatal(err)
		}
		p.say(t, message{data: "probing"})
		if got, err := w.read(); err != nil || got.data != "probe" {
			t.Fatal(got, err)
		}
		p.say(t, message{data: "probed"})
		c.take()
		p.say(t, message{data: "paused"})
		if err := w.write(packet{kind: '5'}, textPacket("mine")); err != nil {
			t.Fatal(err)
		}
		p.say(t, message{data: "upgrading"})
		p.hear(t)
		p.say(t, message{true, "upgraded"})

		polled := len(c.inbox)
		c.ws = w
		for i, want := range []string{"before", "connected", "probing", "probed", "paused", "upgrading", "upgraded"} {
			if got := c.hear(); got.data != want {
				t.Errorf("EIO %d: in place %d the client heard %q, want %q", version, i, got.data, want)
			}
		}
		if polled != 4 {
			t.Errorf("EIO %d: %d messages came over long-polling, want 4", version, polled)
		}
	}
}

func TestAPollIsReleasedOnceTheWebSocketIsProved(t *testing.T) {
	c, p := open(t, engineio.Options{}, nil).join(mode{4, "polling"})
	released := make(chan []packet)
	go func() {
		got, _ := c.get(patient(t))
		released <- got
	}()
	waitFor(t, "a poll", p.Ready)
	w := c.probe()
	for _, when := range []string{"that waited", "that came later"} {
		if got := <-released; len(got) != 1 || got[0] != (packet{kind: '6'}) {
			t.Errorf("the poll %s was answered with %+v, want NOOP", when, got)
		}
		if when == "that waited" {
			go func() {
				got, _ := c.get(patient(t))
				released <- got
			}()
		}
	}
	if err := w.write(packet{kind: '5'}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the upgrade", func() bool { return p.Transport() == engineio.WebSocket })
}

func TestASecondUpgradeDoesNotDisturbTheFirst(t *testing.T) {
	c, p := open(t, engineio.Options{}, nil).join(mode{4, "polling"})
	first := c.open()
	waitFor(t, "the first is tried out", p.Probed) // the client hears of it a moment before
	expectTakenAndClosed(t, c, "beside the first")
	for _, step := range []packet{{kind: '2', data: "probe"}, {kind: '5'}} {
		if err := first.write(step); err != nil {
			t.Fatal(err)
		}
		if step.kind == '2' {
			if got, err := first.read(); err != nil || got.data != "probe" {
				t.Fatalf("the probe was answered with %+v, %v", got, err)
			}
			expectTakenAndClosed(t, c, "beside the first, which is proved,")
		}
	}
	c.ws = first
	p.say(t, message{data: "hello"})
	c.hear()
	expectTakenAndClosed(t, c, "behind the first")
	p.say(t, message{data: "again"})
	c.hear()
	p.expectOpen(t)
}

// expectTakenAndClosed opens a WebSocket that the session has no use for: it is treated as by the reference server.
func expectTakenAndClosed(t *testing.T, c *client, where string) {
	t.Helper()
	w := c.open()
	defer w.conn.Close()
	var closed closeError
	if _, err := w.read(); !errors.As(err, &closed) {
		t.Errorf("a second WebSocket %s was told %v, want a close frame", where, err)
	}
}

func TestAnUpgradeInTheMiddleOfAPostWaitsForItsEnd(t *testing.T) {
	for _, version := range []int{3, 4} {
		c, p := open(t, engineio.Options{}, nil).join(mode{version, "polling"})
		body := map[int]string{3: "10:4from afar", 4: "4from afar"}[version]
		posting := slowBody(c, fmt.Sprint(len(body)), body[:len(body)-4])
		waitFor(t, "the POST", p.Posting)
		w := c.probe()
		if err := w.write(packet{kind: '5'}, textPacket("from the WebSocket")); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the upgrade", p.Switched)
		p.say(t, message{data: "for the WebSocket"})
		if c.get(patient(t)); len(p.messages) > 0 || p.Transport() != engineio.Polling {
			t.Errorf("EIO %d: the upgrade did not wait", version)
		}
		io.WriteString(posting, body[len(body)-4:])
		for _, want := range []string{"from afar", "from the WebSocket"} {
			if got := p.hear(t); got.data != want {
				t.Errorf("EIO %d: the server heard %+v, want %s", version, got, want)
			}
		}
		c.ws = w
		if got := c.hear(); got.data != "for the WebSocket" {
			t.Errorf("EIO %d: the client heard %+v", version, got)
		}
		p.expectOpen(t)
	}
}

func TestOnceUpgradedAWebSocketThatIsLostEndsTheSession(t *testing.T) {
	for _, version := range []int{3, 4} {
		c, p := open(t, engineio.Options{}, nil).join(mode{version, "upgrade"})
		c.ws.conn.Close()
		p.expectEnd(t, engineio.ReasonTransportClose)
	}
}

func TestTheServerClosesInTheMiddleOfAnUpgrade(t *testing.T) {
	for name, end := range map[engineio.Reason]func(h *house, p *peer){
		engineio.ReasonForcedClose:    func(_ *house, p *peer) { p.Session.Close() },
		engineio.ReasonServerShutdown: func(h *house, _ *peer) { go h.sv.Close(patient(h.t)) },
	} {
		for _, step := range steps {
			h := open(t, engineio.Options{}, nil)
			c, p := h.join(mode{4, "polling"})
			w := step.reach(c)
			p.say(t, message{data: "last words"})
			end(h, p)
			waitFor(t, "the good-bye", p.Leaving)
			if step.name != "released" { // the client polls on
				if got := c.hear(); got.data != "last words" {
					t.Errorf("%s, %s: the client heard %+v", name, step.name, got)
				}
				c.expectFarewell(0)
				if err := w.expectHangup(); err != nil {
					t.Error(err)
				}
			} else { // the client has stopped to poll, and goes on
				w.write(packet{kind: '5'})
				c.ws, c.inbox = w, nil
				if got := c.hear(); got.data != "last words" {
					t.Errorf("%s, %s: the client heard %+v", name, step.name, got)
				}
				code := 1000
				if name == engineio.ReasonServerShutdown {
					code = 1001
				}
				c.expectFarewell(code)
				c.ws.conn.Close()
			}
			p.expectEnd(t, name)
		}
	}
}

// within serves a request without a network in between. It is for tests that need two things at the same moment.
func (h *house) within(ctx context.Context, method, address, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	w := httptest.NewRecorder()
	h.sv.ServeHTTP(w, r)
	return w
}

// A brokenWriter is an answer to a client that is gone.
type brokenWriter struct{ *httptest.ResponseRecorder }

func (brokenWriter) Write([]byte) (int, error) { return 0, errString("broken pipe") }

func TestAPollThatIsDroppedAfterTheUpgradeDoesNoHarm(t *testing.T) {
	h := open(t, engineio.Options{}, nil)
	c, p := h.join(mode{4, "polling"})
	w := c.open()
	var dropped sync.WaitGroup
	dropped.Go(func() {
		h.sv.ServeHTTP(brokenWriter{httptest.NewRecorder()}, httptest.NewRequest("GET", c.address("polling"), nil))
	})
	waitFor(t, "a poll", p.Ready)
	w.write(packet{kind: '5'})
	dropped.Wait()
	c.ws = w
	p.say(t, message{data: "hello"})
	if got := c.hear(); got.data != "hello" {
		t.Errorf("the client heard %+v", got)
	}
	p.expectOpen(t)
}

func TestAPollThatIsGoneBeforeItsAnswerEndsTheSession(t *testing.T) {
	for _, ask := range []func(h *house, address string){
		func(h *house, address string) {
			gone, cancel := context.WithCancel(context.Background())
			cancel()
			h.within(gone, "GET", address, "")
		},
		func(h *house, address string) {
			h.sv.ServeHTTP(brokenWriter{httptest.NewRecorder()}, httptest.NewRequest("GET", address, nil))
		},
	} {
		h := open(t, engineio.Options{}, nil)
		c, p := h.join(mode{4, "polling"})
		p.say(t, message{data: "lost, and the client must come to know of it"})
		ask(h, c.address("polling"))
		p.expectEnd(t, engineio.ReasonTransportError)
	}
}

func TestARequestThatIsOvertakenByTheUpgradeIsRefusedAndDoesNoHarm(t *testing.T) {
	h := open(t, engineio.Options{}, nil)
	c, p := h.join(mode{4, "upgrade"})
	waitFor(t, "the upgrade", func() bool { return p.Transport() == engineio.WebSocket })
	p.say(t, message{data: "for the WebSocket"})
	for _, method := range []string{"GET", "POST"} {
		w := httptest.NewRecorder()
		p.ServeAsPolling(w, httptest.NewRequest(method, c.address("polling"), strings.NewReader("4late")))
		if w.Code != http.StatusBadRequest || w.Body.String() != badRequest {
			t.Errorf("%s: %d %s", method, w.Code, w.Body)
		}
	}
	if got := c.hear(); got.data != "for the WebSocket" {
		t.Errorf("the client heard %+v", got)
	}
	if len(p.messages) > 0 {
		t.Error("the POST was heard")
	}
	p.expectOpen(t)
}

func TestAPostThatMeetsTheUpgradeIsTakenBeforeItOrNotAtAll(t *testing.T) {
	h := open(t, engineio.Options{}, func(p *peer) {
		var busy atomic.Int32
		p.on = func(m message) error {
			if busy.Add(1) > 1 {
				t.Error("two messages of one session are handled at once")
			}
			p.messages <- m
			busy.Add(-1)
			return nil
		}
	})
	for range 100 {
		c, p := h.join(mode{4, "polling"})
		w := c.open()
		var posted sync.WaitGroup
		var answer *httptest.ResponseRecorder
		posted.Go(func() { answer = h.within(context.Background(), "POST", c.address("polling"), "4posted") })
		w.write(packet{kind: '5'}, textPacket("framed"))
		posted.Wait()
		taken := answer.Code == http.StatusOK
		if taken {
			if got := p.hear(t); got.data != "posted" && got.data != "framed" {
				t.Fatalf("the server heard %+v", got)
			}
		}
		if !taken && p.hear(t).data != "framed" {
			t.Fatal("the POST was refused and heard all the same")
		}
		p.expectOpen(t)
		w.conn.Close()
	}
}
