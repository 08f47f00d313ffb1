package plain_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/websocket"
)

// Twenty clients do what makes a line as often as they can; the log has ten lines at once and one a second.
func TestWhatClientsCanBringAboutIsBoundedInTheLog(t *testing.T) {
	const clients, times = 20, 50
	for what, test := range map[string]struct {
		line string
		each func(h *house)
	}{
		"texts for hello": {"hello received", func(h *house) {
			c := h.join("/ws/hello")
			c.hears("world")
			for n := range times {
				c.says(fmt.Sprint("text ", n))
			}
			c.says("ping")
			c.hears("pong")
		}},
		"binary for hello": {"hello received", func(h *house) {
			c := h.join("/ws/hello")
			c.hears("world")
			for range times {
				c.sends(frame(true, websocket.OpBinary, "\x00"))
			}
			c.says("ping")
			c.hears("pong")
		}},
		"coming to a chat and going": {"chat: 离开", func(h *house) {
			for range times {
				c := h.join("/ws/chat")
				c.says("stop")
				c.isClosed(websocket.CloseNormal, "stopped as asked")
			}
		}},
		"panics": {"an endpoint panicked", func(h *house) {
			for range times {
				c := h.join("/panics/text")
				c.says("x")
				c.isClosed(websocket.CloseInternalError, "internal error")
			}
		}},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := limited(t, limit.AddressLimits{MaxOpen: 10_000, MaxRate: 10_000})
				o.MaxRate = 10_000
				h := openInMemory(t, o)
				for range clients {
					test.each(h)
				}
				synctest.Wait()
				if got := len(h.log.entries(test.line)); got != 10 {
					t.Errorf("%d lines at once, want 10", got)
				}
				time.Sleep(3 * time.Second)
				test.each(h)
				synctest.Wait()
				lines := h.log.entries(test.line)
				if len(lines) != 13 {
					t.Fatalf("%d lines after 3 s, want 13", len(lines))
				}
				var held float64 // on whichever is written first: connections that end together log together
				for _, line := range lines[10:] {
					held += line["not_logged"].(float64)
				}
				if held != clients*times-10 {
					t.Errorf("%v were not logged, want %d", held, clients*times-10)
				}
			})
		})
	}
}
