package plain_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/plain"
	"github.com/crier/crier/server/websocket"
)

func TestDrainTurnsNewClientsAway(t *testing.T) {
	for restart, want := range map[bool]goodbye{
		false: {websocket.CloseGoingAway, "server going away"},
		true:  {websocket.CloseServiceRestart, "server restarting"},
	} {
		h := open(t, plain.Options{})
		h.sv.Drain(restart)
		h.sv.Drain(!restart) // the first call counts
		for _, e := range endpoints {
			h.join(e.path).isClosed(want.code, want.reason)
		}
		if len(h.room.visitors()) != 0 {
			t.Error("somebody was let into the room")
		}
	}
}

func TestDrainSendsWhatIsQueuedFirst(t *testing.T) {
	const texts = 50
	h := open(t, plain.Options{})
	lively, lazy := h.enter("/ws/chat"), h.enter("/ws/chat")
	said := long("x", 60_000) // together more than the kernel takes at once: some wait in the queue
	for range texts {
		lively.says(said)
		lively.hears("1说: " + said)
	}
	h.sv.Drain(false)
	heard, end, err := lazy.read()
	if want := (goodbye{websocket.CloseGoingAway, "server going away"}); err != nil || end != want || len(heard) != texts {
		t.Errorf("heard %d of %d texts, and then %v, %v", len(heard), texts, end, err)
	}
}

func TestWhatComesAfterTheGoodbyeIsDropped(t *testing.T) {
	h := open(t, plain.Options{})
	c := h.join("/ws/news")
	c.says("ping")
	c.hears("pong")
	h.sv.Drain(false)
	c.says(`{"type":"message","data":"too late"}`)
	c.isClosed(websocket.CloseGoingAway, "server going away")
	if h.room.time != 0 {
		t.Error("it was said, and nobody was told that it was taken")
	}
}

func TestCloseWaitsForTheClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openInMemory(t, plain.Options{})
		polite, rude := h.join("/ws/echo"), h.join("/ws/chat")
		closed := make(chan error, 1)
		began := time.Now()
		go func() { closed <- h.sv.Close(context.Background()) }() // ends with the clients
		polite.isClosed(websocket.CloseGoingAway, "server going away")
		if synctest.Wait(); h.sv.Len() != 1 {
			t.Errorf("%d clients, want the one that has not answered", h.sv.Len())
		}
		if got := h.ask("/ws/echo").answer; got.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a new client was answered with %s", got.Status)
		}
		rude.isTold(websocket.CloseGoingAway, "server going away")
		if err := <-closed; err != nil {
			t.Error("Close:", err)
		}
		if took := time.Since(began); took != websocket.CloseGrace {
			t.Errorf("Close took %v, want the grace of %v", took, websocket.CloseGrace)
		}
	})
}

func TestCloseCutsOffWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openInMemory(t, plain.Options{RefuseOrigin: func(r *http.Request) string { return r.Header.Get("Origin") }})
		for _, e := range endpoints {
			h.join(e.path) // reads nothing
		}
		h.join("/ws/echo", "Origin", "https://bad.example") // is being told so
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		began := time.Now()
		if err := h.sv.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error("Close:", err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("Close took %v, want 1 s", took)
		}
		if h.sv.Len() != 0 {
			t.Errorf("%d clients are left", h.sv.Len())
		}
		if err := h.sv.Close(context.Background()); err != nil {
			t.Error("Close again:", err)
		}
	})
}

func TestCloseOfAnEmptyServerReturnsAtOnce(t *testing.T) {
	for _, prepare := range []func(*plain.Server){func(*plain.Server) {}, func(sv *plain.Server) { sv.Drain(true) }} {
		sv, err := plain.New(plain.Options{})
		if err != nil {
			t.Fatal(err)
		}
		prepare(sv)
		if err := sv.Close(context.Background()); err != nil {
			t.Error("Close:", err)
		}
	}
}

// Clients that arrive, talk and leave while the server closes: all end, and nothing is left behind (goleak).
func TestCloseInTheMiddleOfEverything(t *testing.T) {
	for range 20 {
		h := open(t, plain.Options{MaxClients: 8})
		busy := make(chan struct{})
		for i := range 16 {
			path := endpoints[i%len(endpoints)].path
			go func() { // ends when the server takes no more
				defer func() { busy <- struct{}{} }()
				for h.visit(path) {
				}
			}()
		}
		waitFor(t, "there are clients", func() bool { return h.sv.Len() > 2 })
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if err := h.sv.Close(ctx); err != nil {
			t.Error("Close:", err)
		}
		cancel()
		for range 16 {
			<-busy
		}
		if h.sv.Len() != 0 {
			t.Errorf("%d clients are left", h.sv.Len())
		}
	}
}

// visit is one short life of a client; false if the server takes no more.
func (h *house) visit(path string) bool {
	conn, err := h.dial()
	if err != nil {
		return false
	}
	defer conn.Close()
	c := &client{t: h.t, conn: conn}
	if err := c.handshake(path, nil); err != nil || c.answer.StatusCode != http.StatusSwitchingProtocols {
		return false
	}
	c.write(text(`{"type":"message","data":1}`), text("stop")) // fails if the server was faster
	_, end, err := c.read()
	if err == nil {
		c.write(closing(end.code, ""))
	}
	return true
}

func TestOptionsHaveTheseDefaults(t *testing.T) {
	o := plain.Defaults()
	if o.PingInterval != 25*time.Second || o.PingTimeout != 20*time.Second || o.WriteTimeout != 20*time.Second ||
		o.MaxPayload != 1_000_000 || o.MaxQueue != 4<<20 || o.MaxClients != 10_000 || o.MaxRate != 200 || o.Compression {
		t.Errorf("the defaults are %+v", o)
	}
	if o.RefuseOrigin(new(http.Request)) != "" {
		t.Error("without RefuseOrigin somebody is refused")
	}
}

func TestOptionsThatMakeNoSenseAreRefusedByName(t *testing.T) {
	for name, o := range map[string]plain.Options{
		"PingInterval": {PingInterval: -1},
		"PingTimeout":  {PingTimeout: time.Microsecond},
		"WriteTimeout": {WriteTimeout: -time.Second},
		"MaxPayload":   {MaxPayload: -1},
		"MaxQueue":     {MaxQueue: -1},
		"MaxClients":   {MaxClients: -1},
		"MaxRate":      {MaxRate: -1},
	} {
		if _, err := plain.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", fmt.Sprintf("%+v", o)[:60], err)
		}
	}
}
