package plain_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/crier/crier/server/plain"
	"github.com/crier/crier/server/websocket"
)

func TestEchoSendsTextBackInUpperCase(t *testing.T) {
	c := open(t, plain.Options{}).join("/ws/echo")
	for said, want := range map[string]string{
		"hello":                "HELLO!!!",
		"":                     "!!!",
		"ärger, ÿ, ǆ, ɐ":       "ÄRGER, Ÿ, Ǆ, Ɐ!!!",
		"你好":                   "你好!!!",
		"Ping":                 "PING!!!",
		" ping":                " PING!!!",
		"stop it":              "STOP IT!!!",
		"a\x00b":               "A\x00B!!!",
		"👋🏽 ok":                "👋🏽 OK!!!",
		long("x", 70_000):      long("X", 70_000) + "!!!",
		long("ɐ", 200_000):     long("Ɐ", 200_000) + "!!!", // grows by half
		long("abc", 50) + "\n": long("ABC", 50) + "\n!!!",
	} {
		c.says(said)
		c.hears(want)
	}
}

func long(s string, times int) string { return strings.Repeat(s, times) }

func TestEchoSendsBinaryBackByteForByte(t *testing.T) {
	c := open(t, plain.Options{}).join("/ws/echo")
	for _, size := range []int{0, 1, 125, 126, 65_535, 65_536, 1_000_000} {
		said := someBytes(size)
		// ends with the write; what comes back may be more than the kernel holds
		go c.write(frame(true, websocket.OpBinary, said))
		c.expect(websocket.OpBinary, said)
	}
}

func someBytes(n int) string {
	source := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(source.Uint32())
	}
	return string(b)
}

func TestEchoAnswersFragmentsAsOneMessage(t *testing.T) {
	c := open(t, plain.Options{}).join("/ws/echo")
	c.sends(
		frame(false, websocket.OpText, "caf\xc3"),
		frame(true, websocket.OpPing, "between"),
		frame(true, websocket.OpContinuation, "\xa9"),
	)
	c.expect(websocket.OpPong, "between")
	c.hears("CAFÉ!!!")
}

func TestEchoAnswersInTheOrderAsked(t *testing.T) {
	c := open(t, plain.Options{MaxRate: 10_000}).join("/ws/echo")
	go func() { // ends with the last write
		for i := range 2000 {
			c.write(text(number("m", i)))
		}
	}()
	for i := range 2000 {
		c.hears(number("M", i) + "!!!")
	}
}

func TestHelloGreetsAndLogsWhatItReceives(t *testing.T) {
	h := open(t, plain.Options{})
	c := h.join("/ws/hello")
	c.hears("world")
	c.says("good morning", long("é", 200)+"x")
	c.sends(frame(true, websocket.OpBinary, "\x00\xff\x00"))
	c.says("ping")
	c.hears("pong") // nothing else was answered, and all has been handled

	logged := h.log.entries("hello received")
	if len(logged) != 3 {
		t.Fatalf("logged %v, want three lines", logged)
	}
	if got := logged[0]; got["text"] != "good morning" || got["bytes"] != 12.0 {
		t.Errorf("logged %v for %q", got, "good morning")
	}
	if got := logged[1]; got["text"] != long("é", 128) || got["bytes"] != 401.0 {
		t.Errorf("logged %v for a text of 401 bytes, want its first 256", got)
	}
	if got := logged[2]; got["binary"] != true || got["bytes"] != 3.0 || got["text"] != nil {
		t.Errorf("logged %v for 3 bytes", got)
	}
}

func TestPingIsAnsweredWithPong(t *testing.T) {
	onEach(t, plain.Options{}, func(t *testing.T, h *house, c *client) {
		c.says("ping")
		c.hears("pong")
		c.says("ping", "ping")
		c.hears("pong", "pong")
	})
}

func TestPingFramesAreAnswered(t *testing.T) {
	onEach(t, plain.Options{}, func(t *testing.T, h *house, c *client) {
		for _, payload := range []string{"", "hello", string(make([]byte, 125))} {
			c.sends(frame(true, websocket.OpPing, payload))
			c.expect(websocket.OpPong, payload)
		}
	})
}

func TestUnaskedPongsAreTaken(t *testing.T) {
	onEach(t, plain.Options{}, func(t *testing.T, h *house, c *client) {
		c.sends(frame(true, websocket.OpPong, "unasked"))
		c.says("ping")
		c.hears("pong")
	})
}

func TestStopClosesNormally(t *testing.T) {
	onEach(t, plain.Options{}, func(t *testing.T, h *house, c *client) {
		c.sends(append(text("stop"), text("ping")...)) // what comes behind it is not answered any more
		c.isClosed(websocket.CloseNormal, "stopped as asked")
		waitFor(t, "the client is forgotten", func() bool { return h.sv.Len() == 0 })
	})
}

func TestWhatWasAnsweredBeforeStopArrives(t *testing.T) {
	c := open(t, plain.Options{}).join("/ws/echo")
	c.says("one", "two", "stop")
	c.hears("ONE!!!", "TWO!!!")
	c.isClosed(websocket.CloseNormal, "stopped as asked")
}

func TestSubprotocolIsNegotiated(t *testing.T) {
	h := open(t, plain.Options{})
	for _, e := range endpoints {
		for asked, want := range map[string]string{
			"":                                    "",
			e.subprotocol:                         e.subprotocol,
			"soap, " + e.subprotocol:              e.subprotocol,
			e.subprotocol + ",crier.v2.something": e.subprotocol,
			"crier.v2.something":                  "",
			strings.ToUpper(e.subprotocol):        "", // the names are compared as they are (RFC 6455, 4.1)
		} {
			var header []string
			if asked != "" {
				header = []string{"Sec-WebSocket-Protocol", asked}
			}
			c := h.join(e.path, header...)
			if got := c.answer.Header.Get("Sec-WebSocket-Protocol"); got != want {
				t.Errorf("%s: asked for %q, got %q, want %q", e.path, asked, got, want)
			}
		}
	}
}

func TestHandshakeProvesThatTheKeyWasRead(t *testing.T) {
	h := open(t, plain.Options{})
	for _, e := range endpoints {
		if got := h.join(e.path).answer.Header.Get("Sec-WebSocket-Accept"); got != accept {
			t.Errorf("%s: key %q was answered with %q, want %q", e.path, key, got, accept)
		}
	}
}

func TestRequestsThatAreNoHandshakeAreToldWhatThisIs(t *testing.T) {
	h := open(t, plain.Options{})
	for _, e := range endpoints {
		c := h.ask(e.path, "Upgrade", "h2c")
		if got := c.answer; got.StatusCode != http.StatusUpgradeRequired || got.Header.Get("Upgrade") != "websocket" ||
			got.Header.Get("Connection") != "Upgrade" {
			t.Errorf("%s: answered with %s %v", e.path, got.Status, got.Header)
		}
		if body, _ := io.ReadAll(c.answer.Body); !strings.Contains(string(body), "WebSocket") {
			t.Errorf("%s: answered with %q", e.path, body)
		}
	}
	if n := h.sv.Len(); n != 0 {
		t.Errorf("%d clients, want none", n)
	}
}

func TestCompressionIsAcceptedWhereItIsSet(t *testing.T) {
	for compression, want := range map[bool]string{true: "permessage-deflate", false: ""} {
		c := open(t, plain.Options{Compression: compression}).join("/ws/echo", "Sec-WebSocket-Extensions",
			"permessage-deflate")
		if got, _, _ := strings.Cut(c.answer.Header.Get("Sec-WebSocket-Extensions"), ";"); got != want {
			t.Errorf("Compression %t: got the extension %q, want %q", compression, got, want)
		}
	}
}
