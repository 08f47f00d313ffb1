package engineio_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/crier/crier/server/engineio"
)

// What some clients and proxies send that the documents do not say, and that the reference server takes.

// The option "protocols" of socket.io-client 4.8: a browser that has asked for a subprotocol and gets none closes the
// connection.
func TestAClientThatAsksForSubprotocolsGetsItsFirst(t *testing.T) {
	run(t, func(t *testing.T, m mode) {
		if m.polls() {
			return
		}
		h := open(t, engineio.Options{CompressWebSocket: true}, echo)
		c := h.stranger(m)
		c.header.Set("Sec-WebSocket-Protocol", "chat, superchat")
		if m.transport == "upgrade" {
			c.receive()
		}
		w, res, err := c.handshake()
		if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(res, err)
		}
		if got := res.Header.Values("Sec-WebSocket-Protocol"); len(got) != 1 || got[0] != "chat" {
			t.Errorf("the subprotocol is %q, want the first", got)
		}
		if m.transport == "upgrade" {
			w.write(packet{kind: '2', data: "probe"})
			w.read()
			w.write(packet{kind: '5'})
		}
		if c.ws = w; m.transport == "websocket" {
			c.receive()
		}
		c.say(message{data: "hello"})
		if got := c.hear(); got.data != "hello" {
			t.Errorf("heard %+v", got)
		}
	})
}

// Some proxies (linkerd, vertx) pass on a GET with a body in chunks, empty where there was none. The reference passes
// over what is in the body, too.
func TestTheBodyOfAGetIsPassedOver(t *testing.T) {
	const chunked = "Transfer-Encoding: chunked"
	for _, m := range []mode{{3, "polling"}, {3, "jsonp"}, {4, "polling"}, {4, "jsonp"}} {
		h := open(t, engineio.Options{}, nil)
		query := func(c *client) string {
			_, q, _ := strings.Cut(c.address("polling"), "?")
			return q
		}
		for body, header := range map[string]string{
			"0\r\n\r\n":                 chunked,
			"0\r\nX-Trailer: 1\r\n\r\n": chunked,
			"2\r\n{}\r\n0\r\n\r\n":      chunked,
			"{}":                        "Content-Length: 2",
			strings.Repeat("x", 16<<10): "Content-Length: 16384",
		} {
			a := h.attack(rawRequest("GET", query(h.stranger(m)), header) + body)
			if got := a.answer(); got.status != http.StatusOK || !strings.Contains(got.body, "sid") {
				t.Fatalf("%v: a handshake with %.20q: %d %s", m, body, got.status, got.body)
			}
			c := h.connect(m)
			p := h.peerOf(c)
			a.send(rawRequest("GET", query(c), header) + body)
			waitFor(t, "a poll", p.Ready)
			p.say(t, message{data: "news"})
			if got := a.answer(); got.status != http.StatusOK || !strings.Contains(got.body, "news") {
				t.Errorf("%v: a poll with %.20q: %d %s", m, body, got.status, got.body)
			}
			a.send(rawRequest("GET", query(c), header) + body)
			waitFor(t, "a poll", p.Ready)
			a.conn.Close()
			p.expectEnd(t, engineio.ReasonTransportError) // that it has hung up is noticed
		}
	}
}

// The Java client 2.1 breaks the lines of base64 after 76 characters and behind the padding, as Android's
// Base64.DEFAULT does; others write the alphabet that is safe in URLs, or no padding.
func TestBase64IsTakenAsClientsWriteIt(t *testing.T) {
	data := "\xfb\xff\xbf" + someBytes(1000)
	standard := base64.StdEncoding.EncodeToString([]byte(data))
	var lines strings.Builder
	for rest := standard; rest != ""; rest = rest[min(len(rest), 76):] {
		lines.WriteString(rest[:min(len(rest), 76)] + "\n")
	}
	forms := map[string]string{
		"Base64.DEFAULT":  lines.String(),
		"CRLF":            strings.ReplaceAll(lines.String(), "\n", "\r\n"),
		"Base64.URL_SAFE": base64.URLEncoding.EncodeToString([]byte(data)),
		"no padding":      base64.RawURLEncoding.EncodeToString([]byte(data)),
	}
	run(t, func(t *testing.T, m mode) {
		c, p := open(t, engineio.Options{}, nil).join(m)
		for name, text := range forms {
			if m.version == 3 {
				text = "4" + text
			}
			c.sendText("b"+text, "4behind it")
			if got := p.hear(t); got != (message{true, data}) {
				t.Errorf("%s: heard %.60q", name, got.data)
			}
			if got := p.hear(t); got.data != "behind it" {
				t.Errorf("%s: then %.60q", name, got.data)
			}
		}
	})
}

// sendText sends packets in text as they stand.
func (c *client) sendText(packets ...string) {
	c.t.Helper()
	if c.ws != nil {
		for _, p := range packets {
			if err := c.ws.writeRaw(maskedFrame(ws.OpText, p)); err != nil {
				c.t.Fatal(err)
			}
		}
		return
	}
	body := strings.Join(packets, "\x1e")
	if c.version == 3 {
		body = ""
		for _, p := range packets {
			body += fmt.Sprintf("%d:%s", len(p), p)
		}
	}
	contentType := "text/plain;charset=UTF-8"
	if c.transport == "jsonp" {
		body, contentType = formBody(body), "application/x-www-form-urlencoded"
	}
	a, err := c.do(patient(c.t), "POST", c.address("polling"), contentType, body)
	if err != nil || a.body != "ok" {
		c.t.Fatalf("a POST was answered with %d %s, %v", a.status, a.body, err)
	}
}
