package engineio_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/engineio"
)

// runInBubble runs f in every mode, with a clock of its own that moves when nobody has anything to do.
func runInBubble(t *testing.T, f func(t *testing.T, m mode)) {
	for _, m := range modes {
		t.Run(m.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, m) })
		})
	}
}

// brisk are options with a heartbeat that the tests' patience is enough for.
var brisk = engineio.Options{PingInterval: 5 * time.Second, PingTimeout: 3 * time.Second}

// expectAfter checks how much time has passed since began, to the millisecond.
func expectAfter(t *testing.T, what string, began time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(began).Round(time.Millisecond); got != want {
		t.Errorf("%s after %v, want %v", what, got, want)
	}
}

// listen reads and drops what the server sends, as a client does that hears and never answers.
func (c *client) listen() {
	go func() {
		for {
			if _, err := c.tryReceive(); err != nil {
				return
			}
		}
	}()
}

func TestAHeartbeatKeepsASessionAlive(t *testing.T) {
	runInBubble(t, func(t *testing.T, m mode) {
		c, p := openOn(t, newPipes(), brisk, nil).join(m)
		for range 5 {
			began := time.Now()
			if m.version == 3 {
				time.Sleep(7 * time.Second) // late, but within both times
				c.send(packet{kind: '2'})
				if got := c.receive(); got.kind != '3' {
					t.Errorf("a ping was answered with %+v", got)
				}
				continue
			}
			if got := c.receive(); got.kind != '2' {
				t.Errorf("the server sent %+v, want a ping", got)
			}
			expectAfter(t, "a ping", began, brisk.PingInterval)
			time.Sleep(2 * time.Second)
			c.send(packet{kind: '3'})
		}
		p.expectOpen(t)
	})
}

func TestAClientThatFallsSilentIsNoticed(t *testing.T) {
	for name, listens := range map[string]bool{"and hears": true, "and deaf": false} {
		t.Run(name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, m mode) {
				c, p := openOn(t, newPipes(), brisk, nil).join(m)
				began := time.Now()
				if listens {
					c.listen()
				}
				p.expectEnd(t, engineio.ReasonPingTimeout)
				expectAfter(t, "the end", began, brisk.PingInterval+brisk.PingTimeout)
			})
		})
	}
}

func TestAClientThatFallsSilentAfterAHeartbeatIsNoticedToo(t *testing.T) {
	runInBubble(t, func(t *testing.T, m mode) {
		c, p := openOn(t, newPipes(), brisk, nil).join(m)
		if m.version == 3 {
			c.send(packet{kind: '2'})
		} else {
			c.receive()
			c.send(packet{kind: '3'})
		}
		synctest.Wait()
		began := time.Now()
		c.listen()
		p.expectEnd(t, engineio.ReasonPingTimeout)
		expectAfter(t, "the end", began, brisk.PingInterval+brisk.PingTimeout)
	})
}

func TestAMessageExcusesAMissingPongOnce(t *testing.T) {
	runInBubble(t, func(t *testing.T, m mode) {
		c, p := openOn(t, newPipes(), brisk, nil).join(m)
		if m.version == 3 {
			t.Skip("the client's own pings count there, and nothing else")
		}
		c.receive()
		pinged := time.Now()
		time.Sleep(2 * time.Second)
		c.say(message{data: "busy"})
		time.Sleep(2 * time.Second)
		p.expectOpen(t)
		c.say(message{data: "still busy"})
		c.listen()
		p.expectEnd(t, engineio.ReasonPingTimeout)
		expectAfter(t, "the end", pinged, 2*time.Second+brisk.PingTimeout)
	})
}

func TestOnlyPingsKeepAnOldClientAlive(t *testing.T) {
	runInBubble(t, func(t *testing.T, m mode) {
		if m.version == 4 {
			t.Skip("there the server pings")
		}
		c, p := openOn(t, newPipes(), brisk, nil).join(m)
		began := time.Now()
		time.Sleep(7 * time.Second)
		c.say(message{data: "busy"})
		p.expectEnd(t, engineio.ReasonPingTimeout)
		expectAfter(t, "the end", began, brisk.PingInterval+brisk.PingTimeout)
	})
}

// All sessions of a server share one timer: none may be forgotten, late, or ended with another.
func TestEachSessionOfManyHasItsOwnHeartbeat(t *testing.T) {
	runInBubble(t, func(t *testing.T, m mode) {
		h := openOn(t, newPipes(), brisk, nil)
		const clients, apart = 40, 100 * time.Millisecond
		silent := func(n int) bool { return n%8 == 3 }
		var peers []*peer
		var opened []time.Time
		var alive sync.WaitGroup
		for n := range clients {
			c, p := h.join(m)
			peers, opened = append(peers, p), append(opened, time.Now())
			if silent(n) {
				c.listen()
			} else {
				alive.Go(func() { c.keepAlive(brisk.PingInterval) })
			}
			time.Sleep(apart)
		}
		for n, p := range peers {
			if silent(n) {
				p.expectEnd(t, engineio.ReasonPingTimeout)
				due := opened[n].Add(brisk.PingInterval + brisk.PingTimeout)
				if off := time.Since(due).Abs(); off > brisk.PingInterval/1000 {
					t.Errorf("session %d ended %v off its time", n, off)
				}
			}
		}
		time.Sleep(10 * brisk.PingInterval)
		synctest.Wait()
		for n, p := range peers {
			if !silent(n) {
				p.expectOpen(t)
				p.Session.Close()
			}
		}
		alive.Wait()
	})
}

// A machine may pause a process for longer than a heartbeat may take.
func TestAClientThatAnsweredWhileTheProcessStoodStillIsNotTimedOut(t *testing.T) {
	runInBubble(t, func(t *testing.T, m mode) {
		for _, answers := range []bool{true, false} {
			h := openOn(t, newPipes(), brisk, nil)
			c, p := h.join(m)
			if m.version == 4 {
				if got, err := c.tryReceive(); err != nil || got.kind != '2' {
					t.Fatalf("the client received %+v, %v", got, err)
				}
			}
			silent := brisk.PingTimeout
			if m.version == 3 {
				silent = brisk.PingInterval + brisk.PingTimeout/2 // then the server looks for the first time
			}
			synctest.Wait() // the heart has set its timer
			p.Oversleep(brisk.PingTimeout)
			time.Sleep(silent) // the heart sees this as over, and longer
			p.expectOpen(t)
			if !answers {
				p.expectEnd(t, engineio.ReasonPingTimeout)
				continue
			}
			if err := c.trySend(packet{kind: map[int]byte{3: '2', 4: '3'}[m.version]}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(brisk.PingTimeout / 2)
			p.expectOpen(t)
			p.Session.Abandon()
		}
	})
}

// keepAlive does what its side of the heartbeat asks for, until the session ends.
func (c *client) keepAlive(interval time.Duration) {
	for c.version == 3 {
		time.Sleep(interval)
		if c.trySend(packet{kind: '2'}) != nil {
			return
		}
		if got, err := c.tryReceive(); err != nil || got.kind != '3' {
			return
		}
	}
	for {
		got, err := c.tryReceive()
		if err != nil || got.kind == '1' || got.kind == '2' && c.trySend(packet{kind: '3'}) != nil {
			return
		}
	}
}

func TestAHeartbeatFromTheWrongSideEndsTheSession(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		c, p := open(t, engineio.Options{}, nil).join(m)
		wrong := packet{kind: '2'}
		if m.version == 3 {
			wrong.kind = '3'
		}
		_ = c.trySend(wrong)
		p.expectEnd(t, engineio.ReasonTransportError)
	})
}

func TestAnUpgradeBeginsTheHeartbeatAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := openOn(t, newPipes(), brisk, nil).join(mode{4, "polling"})
		c.receive() // a ping
		c.upgrade()
		synctest.Wait()
		upgraded := time.Now()
		if got := c.receive(); got.kind != '2' {
			t.Errorf("the server sent %+v, want a ping", got)
		}
		expectAfter(t, "a ping", upgraded, brisk.PingInterval)
		p.expectEnd(t, engineio.ReasonPingTimeout)
		expectAfter(t, "the end", upgraded, brisk.PingInterval+brisk.PingTimeout)
	})
}

func TestAWebSocketThatIsNeverTakenIntoUseIsClosedInTime(t *testing.T) {
	for _, step := range steps {
		synctest.Test(t, func(t *testing.T) {
			o := engineio.Options{UpgradeTimeout: 4 * time.Second}
			c, p := openOn(t, newPipes(), o, nil).join(mode{4, "polling"})
			began := time.Now()
			w := step.reach(c)
			w.expectHangup()
			expectAfter(t, "the WebSocket was closed", began, 4*time.Second)
			synctest.Wait()
			c.inbox = nil
			p.say(t, message{data: "as before"})
			if got := c.hear(); got.data != "as before" || p.Transport() != engineio.Polling {
				t.Errorf("%s: the client heard %+v over %s", step.name, got, p.Transport())
			}
			c.upgrade()
			p.say(t, message{data: "at last"})
			if got := c.hear(); got.data != "at last" {
				t.Errorf("%s: the client heard %+v", step.name, got)
			}
		})
	}
}

func TestAPollThatComesAfterTheProbeIsReleasedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := openOn(t, newPipes(), engineio.Options{}, nil).join(mode{4, "polling"})
		c.probe()
		synctest.Wait()
		for range 3 {
			began := time.Now()
			if got := c.receive(); got != (packet{kind: '6'}) {
				t.Errorf("the poll was answered with %+v, want NOOP", got)
			}
			expectAfter(t, "the poll was released", began, 100*time.Millisecond) // as in the reference server
		}
	})
}

func TestAPollThatWaitsIsReleasedWithTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := openOn(t, newPipes(), engineio.Options{}, nil).join(mode{4, "polling"})
		began := time.Now()
		released := make(chan []packet)
		go func() {
			got, _ := c.get(patient(t))
			released <- got
		}()
		synctest.Wait()
		c.probe()
		if got := <-released; len(got) != 1 || got[0] != (packet{kind: '6'}) {
			t.Errorf("the poll was answered with %+v, want NOOP", got)
		}
		expectAfter(t, "the poll was released", began, 0)
	})
}

func TestAProbeThatArrivesInTimeIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := engineio.Options{UpgradeTimeout: 4 * time.Second}
		c, p := openOn(t, newPipes(), o, nil).join(mode{4, "polling"})
		w := c.probe()
		time.Sleep(3999 * time.Millisecond)
		w.write(packet{kind: '5'})
		c.ws = w
		time.Sleep(10 * time.Second)
		p.say(t, message{data: "hello"})
		c.hear()
		p.expectOpen(t)
	})
}

func TestWhoNeverPollsAgainIsGivenUpAfterGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openOn(t, newPipes(), engineio.Options{}, nil)
		_, p := h.join(mode{4, "polling"})
		p.say(t, message{data: "last words"})
		p.Session.Close()
		began := time.Now()
		<-time.After(29 * time.Second)
		p.expectOpen(t)
		p.expectEnd(t, engineio.ReasonForcedClose)
		expectAfter(t, "the end", began, 30*time.Second)
		synctest.Wait()
		if h.sv.Len() != 0 {
			t.Error("the session is still known")
		}
	})
}

func TestWhoDoesNotAnswerACloseFrameIsHungUpOn(t *testing.T) {
	for name, want := range map[string]time.Duration{"reads": 2 * time.Second, "stalls": 22 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			c, p := openOn(t, newPipes(), engineio.Options{}, nil).join(mode{4, "websocket"})
			p.Session.Close()
			began := time.Now()
			if name == "reads" {
				c.expectFarewell(1000)
				c.ws.expectHangup()
			} else {
				time.Sleep(15 * time.Second)
				p.expectOpen(t)
			}
			p.expectEnd(t, engineio.ReasonForcedClose)
			if name == "reads" {
				expectAfter(t, "the end for a client that "+name, began, want)
			} else if took := time.Since(began); took < 20*time.Second || took > want {
				t.Errorf("the end for a client that %s after %v", name, took)
			}
		})
	}
}
