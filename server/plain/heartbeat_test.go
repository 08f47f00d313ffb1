package plain_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/plain"
	"github.com/crier/crier/server/websocket"
)

func TestQuietClientsArePinged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openInMemory(t, plain.Options{PingInterval: 30 * time.Second, PingTimeout: 10 * time.Second})
		c := h.join("/ws/echo")
		for range 3 {
			quiet := time.Now()
			c.expect(websocket.OpPing, "")
			if took := time.Since(quiet); took != 30*time.Second {
				t.Errorf("pinged after %v, want 30 s", took)
			}
			time.Sleep(9 * time.Second)
			c.sends(frame(true, websocket.OpPong, ""))
		}
		c.says("still here")
		c.hears("STILL HERE!!!")
	})
}

func TestClientsThatTalkAreNotPinged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openInMemory(t, plain.Options{PingInterval: 30 * time.Second, PingTimeout: 10 * time.Second})
		c := h.join("/ws/echo")
		for i := range 20 {
			time.Sleep(29 * time.Second)
			switch i % 3 {
			case 0:
				c.says("ping")
				c.hears("pong")
			case 1:
				c.sends(frame(true, websocket.OpPing, ""))
				c.expect(websocket.OpPong, "")
			case 2:
				c.sends(frame(true, websocket.OpPong, ""))
			}
		}
	})
}

func TestAnythingAnswersAPing(t *testing.T) {
	for name, answer := range map[string][]byte{
		"a message": frame(true, websocket.OpBinary, ""),
		"a ping":    frame(true, websocket.OpPing, "x"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := openInMemory(t, plain.Options{}).join("/ws/hello")
				c.hears("world")
				c.expect(websocket.OpPing, "")
				c.sends(answer)
				if op, _, err := c.next(); err != nil || op == websocket.OpClose {
					t.Errorf("the client was answered with %x, %v", op, err)
				}
			})
		})
	}
}

func TestClose1008WhenAPingIsNotAnswered(t *testing.T) {
	for _, e := range endpoints {
		synctest.Test(t, func(t *testing.T) {
			h := openInMemory(t, plain.Options{})
			c := h.join(e.path)
			if e.greeting != "" {
				c.hears(e.greeting)
			}
			began := time.Now()
			c.expect(websocket.OpPing, "")
			c.isTold(websocket.ClosePolicyViolation, "ping timeout")
			if took := time.Since(began); took != 45*time.Second {
				t.Errorf("given up after %v, want the 25 s and 20 s that are the defaults", took)
			}
			time.Sleep(websocket.CloseGrace)
			synctest.Wait()
			if h.sv.Len() != 0 {
				t.Error("the client is not forgotten")
			}
		})
	}
}

func TestClientsThatTakeNothingAreCutOffInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openInMemory(t, plain.Options{WriteTimeout: 5 * time.Second})
		c := h.join("/ws/chat")
		c.says("nobody reads this")
		time.Sleep(5*time.Second - time.Millisecond)
		if synctest.Wait(); h.sv.Len() != 1 {
			t.Error("cut off before its time was over")
		}
		time.Sleep(time.Millisecond)
		if synctest.Wait(); h.sv.Len() != 0 {
			t.Error("not cut off when its time was over")
		}
	})
}

// A cut-off client has the write timeout to take what is left, and then its grace.
func TestSlowConsumersAreCutOffEvenIfTheyNeverReadOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openInMemory(t, plain.Options{WriteTimeout: 5 * time.Second, MaxQueue: 1000})
		c := h.join("/ws/echo")
		c.says(long("x", 600), long("y", 600)) // the first is on its way; the second finds no room
		time.Sleep(5*time.Second + websocket.CloseGrace)
		if synctest.Wait(); h.sv.Len() != 0 {
			t.Error("the slow consumer is still there")
		}
	})
}

func TestUnfinishedMessagesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openInMemory(t, plain.Options{}).join("/ws/echo")
		c.sends(frame(false, websocket.OpText, "to be conti"))
		for _, op := range []websocket.OpCode{websocket.OpPing, websocket.OpClose} {
			got, payload, err := c.next()
			if err != nil || got != op {
				t.Fatalf("got %x %q, %v, want %x", got, payload, err, op)
			}
			if want := "\x03\xf0a message that was not complete after 30s"; op == websocket.OpClose && payload != want {
				t.Errorf("closed with %q, want %q", payload, want)
			}
		}
	})
}
