package plain_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/server/plain"
	"github.com/crier/crier/server/websocket"
)

// Each test meets one close code over a real connection, as the client sees it.

func TestClose1000AsTheClientAsked(t *testing.T) {
	onEach(t, plain.Options{}, func(t *testing.T, h *house, c *client) {
		c.sends(closing(websocket.CloseNormal, "work is done"))
		c.isClosed(websocket.CloseNormal, "work is done")
	})
}

func TestCloseOfTheClientIsAnsweredWithItsOwnWords(t *testing.T) {
	h := open(t, plain.Options{})
	for _, end := range []goodbye{
		{websocket.CloseGoingAway, ""},
		{3000, "a library's own"},
		{4999, "再见"},
		{4000, strings.Repeat("r", 123)},
	} {
		c := h.join("/ws/echo")
		c.says("last")
		c.sends(closing(end.code, end.reason))
		c.hears("LAST!!!") // what was answered before still arrives
		c.isClosed(end.code, end.reason)
	}
}

func TestCloseWithoutACodeIsAnsweredWithoutOne(t *testing.T) {
	c := open(t, plain.Options{}).join("/ws/echo")
	c.sends(frame(true, websocket.OpClose, ""))
	c.isClosed(websocket.CloseNoStatus, "")
}

func TestClose1001WhenTheServerGoesAway(t *testing.T) {
	onEach(t, plain.Options{}, func(t *testing.T, h *house, c *client) {
		h.sv.Drain(false)
		c.isClosed(websocket.CloseGoingAway, "server going away")
	})
}

func TestClose1002AfterAProtocolError(t *testing.T) {
	unmasked := websocket.AppendFrame(nil, websocket.OpText, []byte("unmasked"))
	for name, test := range map[string]struct {
		sent   []byte
		reason string
	}{
		"unmasked":           {unmasked, "frames from client to server must be masked"},
		"a continuation":     {frame(true, websocket.OpContinuation, "of nothing"), "unexpected continuation data frame"},
		"2^63 bytes":         {[]byte{0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0}, "a length of 2^63 bytes or more"},
		"a code not to send": {closing(websocket.CloseAbnormal, ""), "a close frame with a code that may not be sent"},
		"an unknown kind":    {frame(true, 0x3, ""), "use of reserved op code"},
		"half a close code":  {frame(true, websocket.OpClose, "\x03"), "a close frame with half a code"},
		"a split ping":       {frame(false, websocket.OpPing, "half"), "control frame is not final"},
		"a length of 9 bytes": {[]byte{0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'},
			"a length that is not in its shortest form"},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, plain.Options{}).join("/ws/echo")
			c.sends(test.sent)
			c.isTold(websocket.CloseProtocolError, test.reason)
		})
	}
}

func TestClose1003ForBinaryWhereOnlyTextIsTaken(t *testing.T) {
	for _, path := range []string{"/ws/chat", "/ws/news"} {
		c := open(t, plain.Options{}).join(path)
		c.sends(frame(true, websocket.OpBinary, "\x00"))
		c.isClosed(websocket.CloseUnsupported, "this endpoint takes text only")
	}
}

func TestClose1007ForTextThatIsNotUTF8(t *testing.T) {
	for name, sent := range map[string][]byte{
		"in one frame": frame(true, websocket.OpText, "caf\xe9"),
		"split":        append(frame(false, websocket.OpText, "caf\xc3"), frame(true, websocket.OpContinuation, "e")...),
		"cut short":    append(frame(false, websocket.OpText, "caf"), frame(true, websocket.OpContinuation, "\xc3")...),
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, plain.Options{}, func(t *testing.T, h *house, c *client) {
				c.sends(sent)
				c.isTold(websocket.CloseInvalidPayload, "text that is not UTF-8")
			})
		})
	}
}

func TestClose1008ForAnOriginThatIsNotAllowed(t *testing.T) {
	h := open(t, plain.Options{RefuseOrigin: func(r *http.Request) string {
		if r.Header.Get("Origin") == "https://good.example" {
			return ""
		}
		return "this page's origin is not allowed"
	}})
	for _, e := range endpoints {
		c := h.join(e.path, "Origin", "https://bad.example")
		c.sends(append(text("ping"), text("stop")...)) // neither is looked at
		c.isClosed(websocket.ClosePolicyViolation, "this page's origin is not allowed")
		good := h.join(e.path, "Origin", "https://good.example")
		good.says("stop")
		if _, end, err := good.read(); err != nil || end.code != websocket.CloseNormal {
			t.Error("the allowed origin's end:", end, err)
		}
	}
	if len(h.room.visitors()) != 1 {
		t.Errorf("%d visitors were in the room, want the one of the allowed origin", len(h.room.visitors()))
	}
}

func TestClose1008ForTooManyMessages(t *testing.T) {
	onEach(t, plain.Options{MaxRate: 1}, func(t *testing.T, h *house, c *client) {
		c.sends(append(append(text("ping"), text("ping")...), text("ping")...))
		c.hears("pong", "pong") // two at once are allowed
		c.isClosed(websocket.ClosePolicyViolation, "too many messages in a second")
	})
}

func TestClose1008ForAMessageOfTooManyFragments(t *testing.T) {
	c := open(t, plain.Options{}).join("/ws/echo")
	fragments := frame(false, websocket.OpText, "")
	for range 1024 {
		fragments = append(fragments, frame(false, websocket.OpContinuation, "")...)
	}
	c.sends(fragments)
	c.isTold(websocket.ClosePolicyViolation, "a message of more than 1024 fragments")
}

func TestClose1009ForAMessageThatIsTooBig(t *testing.T) {
	onEach(t, plain.Options{MaxPayload: 1000}, func(t *testing.T, h *house, c *client) {
		c.sends(frame(true, websocket.OpText, long("x", 1001)))
		c.isTold(websocket.CloseTooBig, "a message of more than 1000 bytes")
	})
	t.Run("by fragments", func(t *testing.T) {
		c := open(t, plain.Options{MaxPayload: 1000}).join("/ws/echo")
		c.sends(frame(false, websocket.OpBinary, long("x", 600)), frame(false, websocket.OpContinuation, long("x", 401)))
		c.isTold(websocket.CloseTooBig, "a message of more than 1000 bytes")
	})
	t.Run("by its header", func(t *testing.T) {
		c := open(t, plain.Options{}).join("/ws/echo")
		c.sends([]byte{0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4})
		c.isTold(websocket.CloseTooBig, "a message of more than 1000000 bytes")
	})
}

func TestClose1011WhenTheEndpointPanics(t *testing.T) {
	h := open(t, plain.Options{})
	bystander := h.join("/ws/echo")
	for _, test := range []struct {
		where string
		sent  []byte
	}{{"open", nil}, {"text", text("hello")}, {"binary", frame(true, websocket.OpBinary, "")}} {
		c := h.join("/panics/" + test.where)
		c.sends(test.sent)
		c.isClosed(websocket.CloseInternalError, "internal error")
	}
	last := h.join("/panics/closed")
	last.says("stop")
	last.isClosed(websocket.CloseNormal, "stopped as asked")
	bystander.says("still here")
	bystander.hears("STILL HERE!!!")
	waitFor(t, "all panics are logged", func() bool { return len(h.log.entries("an endpoint panicked")) == 4 })
}

func TestClose1012WhenTheServerRestarts(t *testing.T) {
	onEach(t, plain.Options{}, func(t *testing.T, h *house, c *client) {
		h.sv.Drain(true)
		c.isClosed(websocket.CloseServiceRestart, "server restarting")
	})
}

func TestClose1013WhenThereAreTooManyConnections(t *testing.T) {
	h := open(t, plain.Options{MaxClients: 2})
	one, two := h.enter("/ws/chat"), h.join("/ws/echo")
	h.join("/ws/news")
	h.join("/ws/news")
	for _, e := range endpoints {
		h.join(e.path).isClosed(websocket.CloseTryAgainLater, "too many connections")
	}
	one.says("stop")
	one.isClosed(websocket.CloseNormal, "stopped as asked")
	waitFor(t, "there is room", func() bool { return h.sv.Len() == 3 })
	three := h.join("/ws/echo")
	three.says("in")
	three.hears("IN!!!")
	two.says("still")
	two.hears("STILL!!!")
}

// What is there to learn and test with does not take the places of those who talk, nor the other way round.
func TestNewsHavePlacesOfTheirOwn(t *testing.T) {
	h := open(t, plain.Options{MaxClients: 1, MaxToys: 2})
	for range 2 {
		h.join("/ws/echo")
	}
	h.join("/ws/hello").isClosed(websocket.CloseTryAgainLater, "too many connections")
	ann := h.enter("/ws/news")
	ann.says(`{"type":"f","speaker":"Ann"}`)
	ann.hears(`{"type":"ack","for":"f","id":"v1","name":"Ann"}`)
	h.join("/ws/news").isClosed(websocket.CloseTryAgainLater, "too many connections")
}

func TestThoseWhoAreToldToGoAreNotManyEither(t *testing.T) {
	h := open(t, plain.Options{MaxClients: 2})
	h.join("/ws/echo")
	h.join("/ws/echo")
	for range 2 {
		h.join("/ws/echo") // told, and does not answer
	}
	waitFor(t, "the next ones get a plain answer", func() bool {
		return h.ask("/ws/echo").answer.StatusCode == http.StatusServiceUnavailable
	})
	waitFor(t, "those who do not answer are cut off, and there is room to tell others", func() bool {
		c := h.ask("/ws/echo")
		return c.answer.StatusCode == http.StatusSwitchingProtocols
	})
}

func TestClientsThatDoNotSayGoodbyeAreCutOff(t *testing.T) {
	h := open(t, plain.Options{})
	c := h.join("/ws/echo")
	began := time.Now()
	c.says("stop", "but", "I", "stay")
	c.isTold(websocket.CloseNormal, "stopped as asked")
	waitFor(t, "the client is forgotten", func() bool { return h.sv.Len() == 0 })
	if took := time.Since(began); took < websocket.CloseGrace/2 || took > 2*websocket.CloseGrace {
		t.Errorf("cut off after %v, want about %v", took, websocket.CloseGrace)
	}
	c.hangsUp()
}
