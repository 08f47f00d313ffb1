package engineio_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/crier/crier/server/engineio"
)

// While the handler does not return nothing is read, and so the client's heartbeats are not heard. The client is there all the
// same, and hears enough to stay.
func TestTheHeartbeatStandsStillWhileAMessageIsHandled(t *testing.T) {
	for _, m := range modes {
		if m.polls() {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			h := openOn(t, newPipes(), brisk, nil)
			c, p := h.join(m)
			release := make(chan struct{})
			p.on = func(message) error { <-release; return nil }
			synctest.Wait()
			began := time.Now()
			c.say(message{data: "long"})
			var last atomic.Int64
			answers := make(chan string, 100)
			go func() { // one at a time, however long it takes
				for a := range answers {
					c.ws.conn.SetWriteDeadline(time.Time{})
					_, _ = c.ws.conn.Write(maskedFrame(ws.OpText, a))
				}
			}()
			go func() { // a client that leaves when it hears nothing for as long as a real one waits
				defer close(answers)
				for {
					got, err := c.ws.read()
					if err != nil {
						return
					}
					last.Store(int64(time.Since(began)))
					if got.kind == '2' {
						answers <- "3"
					}
				}
			}()
			if m.version == 3 {
				time.Sleep(brisk.PingInterval)
				answers <- "2"
			}
			for time.Since(began) < 50*time.Second {
				time.Sleep(time.Second)
				if silent := time.Since(began) - time.Duration(last.Load()); silent > brisk.PingInterval+brisk.PingTimeout {
					t.Fatalf("%v: the client heard nothing for %v", m, silent)
				}
			}
			p.expectOpen(t)
			close(release)
			synctest.Wait()
			p.expectOpen(t)
			quiet := time.Now()
			if m.version == 3 { // it is heard again, and nothing is excused any more
				p.expectEnd(t, engineio.ReasonPingTimeout)
				expectAfter(t, "the end", quiet, brisk.PingInterval+brisk.PingTimeout)
				return
			}
			time.Sleep(10 * brisk.PingInterval)
			p.expectOpen(t)
			p.Session.Abandon()
		})
	}
}

func TestTheHeartbeatStandsStillForAMinuteAtMost(t *testing.T) {
	for _, m := range modes {
		if m.polls() {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			h := openOn(t, newPipes(), brisk, nil)
			c, p := h.join(m)
			release := make(chan struct{})
			p.on = func(message) error { <-release; return nil }
			synctest.Wait()
			began := time.Now()
			c.say(message{data: "long"})
			c.listen()
			if reason := <-p.closed; reason != engineio.ReasonPingTimeout {
				t.Errorf("%v: it ended with %q", m, reason)
			}
			took := time.Since(began)
			if least := engineio.MostStandstill + brisk.PingInterval; took < least || took > least+2*brisk.PingTimeout {
				t.Errorf("%v: it ended after %v", m, took)
			}
			close(release)
		})
	}
}
