package engineio_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/engineio"
)

// overfeed sends numbered messages until the session takes no more, and checks that it never held more than limit.
func overfeed(t *testing.T, p *peer, limit int) {
	t.Helper()
	filling := strings.Repeat("x", 10_000)
	for i := range 10_000 {
		err := p.Send(engineio.Message{Data: fmt.Appendf(nil, "%d %s", i, filling)})
		if held := p.Held(); held > limit {
			t.Fatalf("the session holds %d bytes, the limit is %d", held, limit)
		}
		if err != nil {
			if !errors.Is(err, engineio.ErrSlowConsumer) && !errors.Is(err, engineio.ErrClosed) {
				t.Error(err)
			}
			return
		}
	}
	t.Fatal("100 MB were taken for a client that reads nothing")
}

func TestAClientThatTakesNothingIsCutOffAlone(t *testing.T) {
	const limit = 1 << 20
	run(t, func(t *testing.T, m mode) {
		h := open(t, engineio.Options{MaxQueue: limit}, nil)
		c, p := h.join(m)
		neighbour, other := h.join(m)
		overfeed(t, p, limit)
		p.expectEnd(t, engineio.ReasonSlowConsumer)

		other.say(t, message{data: "unharmed"})
		if got := neighbour.hear(); got.data != "unharmed" {
			t.Errorf("a neighbour heard %+v", got)
		}
		other.expectOpen(t)
		if c.ws == nil {
			if _, err := c.get(patient(t)); err == nil || !strings.Contains(err.Error(), unknownSession) {
				t.Error("a poll after the end:", err)
			}
			return
		}
		expectPrefixAndClose(t, c)
	})
}

// expectPrefixAndClose checks that what a slow client finds on the wire is the beginning of what was sent, and then why
// it ends.
func expectPrefixAndClose(t *testing.T, c *client) {
	t.Helper()
	for i := 0; ; i++ {
		p, err := c.tryReceive()
		var closed closeError
		if errors.As(err, &closed) {
			if closed != (closeError{1013, "slow consumer"}) {
				t.Errorf("the client was told %v", closed)
			}
			c.ws.sayClose(closed.code, "")
			c.expectHangupAtOnce()
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if number, _, _ := strings.Cut(p.data, " "); number != fmt.Sprint(i) {
			t.Fatalf("in place %d came %s", i, number)
		}
	}
}

func TestWhatAcceptSendsIsBoundedToo(t *testing.T) {
	runInBubble(t, func(t *testing.T, m mode) {
		refused := make(chan error, 1)
		h := openOn(t, newPipes(), engineio.Options{MaxQueue: 1000}, func(p *peer) {
			var err error
			for range 100 {
				if err = p.Send(engineio.Message{Data: make([]byte, 100)}); err != nil {
					break
				}
			}
			synctest.Wait() // the session fails while there is no handler yet
			refused <- err
		})
		c := h.stranger(m)
		if m.transport == "websocket" {
			if w, _, err := c.handshake(); err == nil {
				w.expectHangup()
			}
		} else if a, err := c.do(patient(t), "GET", c.address("polling"), "", ""); err != nil || a.status != http.StatusOK {
			t.Error(a, err)
		}
		if err := <-refused; !errors.Is(err, engineio.ErrSlowConsumer) {
			t.Error("Send:", err)
		}
		h.peer().expectEnd(t, engineio.ReasonSlowConsumer)
		waitFor(t, "the session forgotten", func() bool { return h.sv.Len() == 0 })
	})
}

// stall asks for an answer and does not read it.
func stall(c *client) net.Conn {
	c.t.Helper()
	conn, err := c.house.line.Dial(patient(c.t))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	_, target, _ := strings.Cut(c.address("polling"), "engine.test")
	if _, err := io.WriteString(conn, "GET "+target+" HTTP/1.1\r\nHost: engine.test\r\n\r\n"); err != nil {
		c.t.Fatal(err)
	}
	return conn
}

func TestAPollWhoseAnswerIsNotReadHoldsNoSecondOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := engineio.Options{WriteTimeout: 9 * time.Second}
		c, p := openOn(t, newPipes(), o, nil).join(mode{4, "polling"})
		stall(c)
		synctest.Wait()
		p.say(t, message{data: "one"})
		synctest.Wait()
		began := time.Now()
		p.say(t, message{data: "two"})
		second := make(chan []packet)
		go func() {
			got, _ := c.get(patient(t))
			second <- got
		}()
		synctest.Wait()
		if held := p.Held(); held == 0 {
			t.Error("a second answer was made while the first was on its way")
		}
		p.expectEnd(t, engineio.ReasonSlowConsumer)
		expectAfter(t, "the end", began, o.WriteTimeout)
		if got := <-second; len(got) != 1 || got[0].kind != '1' {
			t.Errorf("the second poll was answered with %+v, want CLOSE", got)
		}
	})
}

func TestAnAnswerThatIsReadInTheEndIsFollowedByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := openOn(t, newPipes(), engineio.Options{}, nil).join(mode{4, "polling"})
		first := stall(c)
		synctest.Wait()
		p.say(t, message{data: "one"})
		synctest.Wait()
		p.say(t, message{data: "two"})
		second := stall(c)
		for want, conn := range map[string]net.Conn{"4one": first, "4two": second} {
			if want == "4two" {
				time.Sleep(5 * time.Second)
			}
			go func() {
				res, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Error(err)
					return
				}
				if body, err := io.ReadAll(res.Body); err != nil || string(body) != want {
					t.Errorf("an answer was %q, %v, want %q", body, err, want)
				}
			}()
		}
		synctest.Wait()
		p.expectOpen(t)
	})
}

func TestAWebSocketThatTakesNoByteForTheWriteTimeoutIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := engineio.Options{WriteTimeout: 9 * time.Second}
		_, p := openOn(t, newPipes(), o, nil).join(mode{4, "websocket"})
		p.say(t, message{data: "anybody there?"})
		began := time.Now()
		p.expectEnd(t, engineio.ReasonSlowConsumer)
		expectAfter(t, "the end", began, o.WriteTimeout)
	})
}

func TestAWebSocketThatTakesALittleAtATimeIsOnlySlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := engineio.Options{WriteTimeout: 9 * time.Second, PingInterval: time.Hour}
		c, p := openOn(t, newPipes(), o, nil).join(mode{4, "websocket"})
		said := message{data: someLetters(10_000)}
		p.say(t, said, message{data: "and more"})
		var got []byte
		for len(got) < 10_000 {
			time.Sleep(8 * time.Second)
			b := make([]byte, 500)
			c.ws.conn.SetReadDeadline(time.Now().Add(patience))
			n, err := c.ws.conn.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b[:n]...)
		}
		c.ws.in.Reset(io.MultiReader(strings.NewReader(string(got)), c.ws.conn))
		if c.hear() != said || c.hear().data != "and more" {
			t.Error("what came is not what was sent")
		}
		p.expectOpen(t)
	})
}

func someLetters(n int) string {
	b := []byte(someBytes(n))
	for i := range b {
		b[i] = 'a' + b[i]%26
	}
	return string(b)
}

func TestABodyMayBeSlowButNotStandStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := engineio.Options{WriteTimeout: 9 * time.Second, PingInterval: time.Hour}
		c, p := openOn(t, newPipes(), o, nil).join(mode{4, "polling"})
		conn := slowBody(c, "6", "")
		for _, b := range "4slow!" {
			time.Sleep(8 * time.Second)
			io.WriteString(conn, string(b))
		}
		if got := p.hear(t); got.data != "slow!" {
			t.Errorf("the server heard %+v", got)
		}
		go io.Copy(io.Discard, conn)
		synctest.Wait()

		still := slowBody(c, "6", "4st")
		go io.Copy(io.Discard, still)
		synctest.Wait()
		began := time.Now()
		p.expectEnd(t, engineio.ReasonTransportError)
		expectAfter(t, "the end", began, o.WriteTimeout)
	})
}

func TestAStalledClientIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := openOn(t, newPipes(), engineio.Options{}, nil).join(mode{4, "websocket"})
		if synctest.Wait(); !p.Ready() {
			t.Error("a client that keeps up is not ready")
		}
		p.say(t, message{data: "hello"})
		if synctest.Wait(); p.Ready() {
			t.Error("a client that takes nothing is ready")
		}
		c.hear()
		if synctest.Wait(); !p.Ready() {
			t.Error("a client that has caught up is not ready")
		}
		p.Session.Close()
		if p.Ready() {
			t.Error("a session that ends is ready")
		}
	})
}

// A slowCloser is a Handler whose Close returns late.
type slowCloser struct{ closing, release chan bool }

func (c *slowCloser) Message(bool, []byte) error { return nil }

func (c *slowCloser) Close(engineio.Reason) {
	close(c.closing)
	<-c.release
}

// What finds a queue full writes to other clients too.
func TestAHandlerThatIsSlowToCloseHoldsUpNoOtherClient(t *testing.T) {
	const limit = 1 << 20
	for _, m := range []mode{{4, "polling"}, {4, "websocket"}} {
		h := open(t, engineio.Options{MaxQueue: limit}, nil)
		slow, sessions := &slowCloser{make(chan bool), make(chan bool)}, make(chan *engineio.Session, 1)
		release := sync.OnceFunc(func() { close(slow.release) })
		t.Cleanup(release)
		accept := func(s *engineio.Session) engineio.Handler { sessions <- s; return slow }
		h.handler.Store(&accept)
		h.connect(m)
		h.handler.Store(nil)
		overfeed(t, &peer{Session: <-sessions}, limit)
		<-slow.closing
		for range 2 * runtime.GOMAXPROCS(0) { // some share its worker
			neighbour, other := h.join(m)
			other.say(t, message{data: "unharmed"})
			if got := neighbour.hear(); got.data != "unharmed" {
				t.Errorf("%v: a neighbour heard %+v", m, got)
			}
		}
		release()
	}
}
