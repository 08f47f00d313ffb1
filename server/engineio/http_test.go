package engineio_test

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/server/engineio"
)

// request sends a request without a session's help. Each header is "Name: value".
func (c *client) request(method, query, body string, headers ...string) answer {
	c.t.Helper()
	kept := c.header
	defer func() { c.header = kept }()
	c.header = kept.Clone()
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		c.header.Set(name, value)
	}
	a, err := c.do(patient(c.t), method, "http://engine.test/engine.io/?"+query, "", body)
	if err != nil {
		c.t.Fatal(method, query, err)
	}
	return a
}

const (
	unknownTransport = `{"code":0,"message":"Transport unknown"}`
	unknownSession   = `{"code":1,"message":"Session ID unknown"}`
	badMethod        = `{"code":2,"message":"Bad handshake method"}`
	badRequest       = `{"code":3,"message":"Bad request"}`
	forbidden        = `{"code":4,"message":"Forbidden"}`
	badVersion       = `{"code":5,"message":"Unsupported protocol version"}`
)

func TestRequestsThatCannotBeServedGetTheReferencesCodes(t *testing.T) {
	h := open(t, engineio.Options{DisableEIO3: true}, nil)
	onPolling := h.connect(mode{4, "polling"})
	onWebSocket := h.connect(mode{4, "websocket"})
	c := h.stranger(mode{4, "polling"})
	askWebSocket := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	for _, test := range []struct {
		name, method, query string
		headers             []string
		want                string
	}{
		{"no transport", "GET", "EIO=4", nil, unknownTransport},
		{"a strange transport", "GET", "EIO=4&transport=tobi", nil, unknownTransport},
		{"a name of every object in Node", "GET", "EIO=4&transport=constructor", nil, unknownTransport},
		{"an unknown session", "GET", "EIO=4&transport=polling&sid=nobody", nil, unknownSession},
		{"a POST to an unknown session", "POST", "EIO=4&transport=polling&sid=nobody", nil, unknownSession},
		{"a handshake by POST", "POST", "EIO=4&transport=polling", nil, badMethod},
		{"a handshake by PUT", "PUT", "EIO=4&transport=polling", nil, badMethod},
		{"a WebSocket without its headers", "GET", "EIO=4&transport=websocket", nil, badRequest},
		{"a WebSocket that says polling", "GET", "EIO=4&transport=polling", askWebSocket, badRequest},
		{"a poll of a session on WebSocket", "GET", "EIO=4&transport=polling&sid=" + onWebSocket.sid, nil, badRequest},
		{"a POST to a session on WebSocket", "POST", "EIO=4&transport=polling&sid=" + onWebSocket.sid, nil, badRequest},
		{"a plain GET in a WebSocket's name", "GET", "EIO=4&transport=websocket&sid=" + onWebSocket.sid, nil, badRequest},
		{"a plain POST in a WebSocket's name", "POST", "EIO=4&transport=websocket&sid=" + onWebSocket.sid, nil, badRequest},
		{"another revision", "GET", "EIO=3&transport=polling&sid=" + onPolling.sid, nil, badRequest},
		{"no revision", "GET", "transport=polling&sid=" + onPolling.sid, nil, badRequest},
		{"a revision that is turned off", "GET", "EIO=3&transport=polling", nil, badVersion},
		{"no revision, which means 3", "GET", "transport=polling", nil, badVersion},
	} {
		a := c.request(test.method, test.query, "", test.headers...)
		if a.status != http.StatusBadRequest || a.body != test.want {
			t.Errorf("%s: %d %s, want %s", test.name, a.status, a.body, test.want)
		}
		if got := a.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: content type %q", test.name, got)
		}
	}
	if h.sv.Len() != 2 {
		t.Errorf("%d sessions, want the 2 that were opened in order", h.sv.Len())
	}
}

func TestAStrangeMethodHarmsNoSession(t *testing.T) {
	c, p := open(t, engineio.Options{}, nil).join(mode{4, "polling"})
	if a := c.request("DELETE", "EIO=4&transport=polling&sid="+c.sid, ""); a.status != http.StatusMethodNotAllowed || a.body != badRequest {
		t.Errorf("DELETE: %d %s", a.status, a.body)
	}
	p.say(t, message{data: "still here"})
	c.hear()
	p.expectOpen(t)
}

func TestAllowDecidesBeforeASessionIsOpened(t *testing.T) {
	asked := 0
	h := open(t, engineio.Options{Allow: func(r *http.Request) error {
		if asked++; r.Header.Get("Token") == "right" {
			return nil
		}
		return errString("the token is wrong")
	}}, nil)
	c := h.stranger(mode{4, "polling"})
	a := c.request("GET", "EIO=4&transport=polling", "")
	if a.status != http.StatusForbidden || a.body != `{"code":4,"message":"the token is wrong"}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	if _, res, err := h.stranger(mode{4, "websocket"}).handshake(); err != nil || res.StatusCode != http.StatusForbidden {
		t.Error("WebSocket:", res, err)
	}
	c.header.Set("Token", "right")
	if p := c.receive(); p.kind != '0' {
		t.Errorf("with the right token: %+v", p)
	}
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
}

type errString string

func (e errString) Error() string { return string(e) }

func TestASecondPollWhileOneWaitsEndsTheSession(t *testing.T) {
	for _, m := range modes {
		if !m.polls() {
			continue
		}
		c, p := open(t, engineio.Options{}, nil).join(m)
		first := make(chan error)
		go func() {
			got, err := c.get(patient(t))
			if err == nil && (len(got) != 1 || got[0].kind != '1') {
				err = errString("the first poll was answered with something else than CLOSE")
			}
			first <- err
		}()
		waitFor(t, "a poll", p.Ready)
		if _, err := c.get(patient(t)); err == nil || !strings.Contains(err.Error(), "400: "+badRequest) {
			t.Errorf("%v: the second poll: %v", m, err)
		}
		if err := <-first; err != nil {
			t.Errorf("%v: %v", m, err)
		}
		p.expectEnd(t, engineio.ReasonTransportError)
	}
}

// A slowBody is a request's body whose end the test decides on.
func slowBody(c *client, length string, content string) net.Conn {
	c.t.Helper()
	conn, err := c.house.line.Dial(patient(c.t))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	_, target, _ := strings.Cut(c.address("polling"), "engine.test")
	_, err = io.WriteString(conn, "POST "+target+" HTTP/1.1\r\nHost: engine.test\r\nContent-Length: "+length+"\r\n\r\n"+content)
	if err != nil {
		c.t.Fatal(err)
	}
	return conn
}

func TestASecondPostWhileOneIsReadEndsTheSession(t *testing.T) {
	c, p := open(t, engineio.Options{}, nil).join(mode{4, "polling"})
	slowBody(c, "10", "4half")
	waitFor(t, "the session's end", func() bool {
		err := c.trySend(textPacket("second"))
		return err != nil && strings.Contains(err.Error(), "400: ")
	})
	p.expectEnd(t, engineio.ReasonTransportError)
}

func TestABodyThatBreaksOffEndsTheSession(t *testing.T) {
	c, p := open(t, engineio.Options{}, nil).join(mode{4, "polling"})
	slowBody(c, "10", "4half").Close()
	p.expectEnd(t, engineio.ReasonTransportError)
	if len(p.messages) > 0 {
		t.Error("half a message was taken for a whole one")
	}
}

func TestABodyThatIsAnnouncedTooLargeIsNotRead(t *testing.T) {
	c, p := open(t, engineio.Options{}, nil).join(mode{4, "polling"})
	conn := slowBody(c, "1000001", "")
	conn.SetReadDeadline(time.Now().Add(patience))
	head := make([]byte, len("HTTP/1.1 413"))
	if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 413" {
		t.Errorf("%q, %v", head, err)
	}
	p.expectEnd(t, engineio.ReasonTransportError)
}

func TestABinaryBodyIsAnErrorInEngineIO4(t *testing.T) {
	c, p := open(t, engineio.Options{}, nil).join(mode{4, "polling"})
	a, err := c.do(patient(t), "POST", c.address("polling"), "application/octet-stream", "4hello")
	if err != nil || a.status != http.StatusBadRequest || a.body != badRequest {
		t.Error(a, err)
	}
	p.expectEnd(t, engineio.ReasonTransportError)
}

func TestAnswersCarryTheHeadersThatClientsNeed(t *testing.T) {
	const explorer = "User-Agent: Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko"
	h := open(t, engineio.Options{}, func(p *peer) { p.say(t, message{true, "\x01"}) })
	c := h.stranger(mode{3, "polling"})
	for _, test := range []struct {
		name, query string
		contentType string
	}{
		{"EIO 4", "EIO=4&transport=polling", "text/plain; charset=UTF-8"},
		{"EIO 3 with bytes", "EIO=3&transport=polling", "application/octet-stream"},
		{"EIO 3 with bytes in base64", "EIO=3&transport=polling&b64=1", "text/plain; charset=UTF-8"},
		{"JSONP", "EIO=4&transport=polling&j=7", "text/javascript; charset=UTF-8"},
	} {
		a := c.request("GET", test.query, "")
		if got := a.header.Get("Content-Type"); got != test.contentType {
			t.Errorf("%s: content type %q, want %q", test.name, got, test.contentType)
		}
		if got := a.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: cache control %q", test.name, got)
		}
		if got := a.header.Get("X-XSS-Protection"); got != "" {
			t.Errorf("%s: X-XSS-Protection %q for a browser of today", test.name, got)
		}
		if got := c.request("GET", test.query, "", explorer).header.Get("X-XSS-Protection"); got != "0" {
			t.Errorf("%s: X-XSS-Protection %q for Internet Explorer", test.name, got)
		}
	}
	four := h.connect(mode{4, "polling"})
	a := four.request("POST", "EIO=4&transport=polling&sid="+four.sid, "4hello", explorer)
	if a.body != "ok" || a.header.Get("Content-Type") != "text/html" || a.header.Get("X-Content-Type-Options") != "nosniff" ||
		a.header.Get("X-XSS-Protection") != "0" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("POST: %+v", a)
	}
}

func TestAJSONPAnswerIsAScriptWhateverTheIndexIs(t *testing.T) {
	c := open(t, engineio.Options{}, nil).stranger(mode{4, "jsonp"})
	for query, want := range map[string]string{
		"j=12":                            "___eio[12](\"0{",
		"j=0%5D%3Balert(1)%2F%2F":         "___eio[01](\"0{",
		"j=%3C%2Fscript%3E%3Cscript%3E":   "___eio[](\"0{",
		"j=%E2%80%A8%22%29%3Bevil%28%22":  "___eio[](\"0{",
		"j=":                              "___eio[](\"0{",
		"j=3&j=4":                         "___eio[4](\"0{",
		"j=" + strings.Repeat("1%20", 50): "___eio[" + strings.Repeat("1", 50) + "](\"0{",
	} {
		a := c.request("GET", "EIO=4&transport=polling&"+query, "")
		if a.status != http.StatusOK || !strings.HasPrefix(a.body, want) || !strings.HasSuffix(a.body, "}\");") {
			t.Errorf("%s: %d %.80q", query, a.status, a.body)
		}
		if a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: a browser may take the script for something else", query)
		}
	}
}

func TestLongAnswersAreCompressedForThoseWhoTakeIt(t *testing.T) {
	long := message{data: strings.Repeat("news ", 1000)}
	h := open(t, engineio.Options{CompressHTTP: true}, func(p *peer) { p.say(t, long) })
	c := h.stranger(mode{4, "polling"})
	for accepted, want := range map[string]string{
		"": "", "gzip": "gzip", "deflate, GZIP": "gzip", "br;q=1.0, gzip;q=0.8": "gzip",
		"gzip;q=0": "", "gzip; q=0.000": "", "gzip;q=0.001": "gzip", "identity": "", "x-gzip-2": "",
	} {
		a := c.request("GET", "EIO=4&transport=polling", "", "Accept-Encoding: "+accepted)
		if got := a.header.Get("Content-Encoding"); got != want {
			t.Errorf("%q: content encoding %q, want %q", accepted, got, want)
			continue
		}
		if a.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: Vary is %q", accepted, a.header.Get("Vary"))
		}
		body := a.body
		if want == "gzip" {
			z, err := gzip.NewReader(strings.NewReader(a.body))
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(z)
			if err != nil || len(a.body) > len(b)/4 {
				t.Errorf("%q: %d bytes for %d, %v", accepted, len(a.body), len(b), err)
			}
			body = string(b)
		}
		if !strings.HasSuffix(body, "\x1e4"+long.data) {
			t.Errorf("%q: the body ends with %.20q", accepted, body[max(0, len(body)-20):])
		}
	}
	short, p := open(t, engineio.Options{CompressHTTP: true}, nil).join(mode{4, "polling"})
	p.say(t, message{data: "brief"})
	a := short.request("GET", "EIO=4&transport=polling&sid="+short.sid, "", "Accept-Encoding: gzip")
	if a.header.Get("Content-Encoding") != "" || a.body != "4brief" {
		t.Errorf("a short answer: %+v", a)
	}
}

func TestAPollIsAnsweredAsSoonAsThereIsSomething(t *testing.T) {
	c, p := open(t, engineio.Options{}, nil).join(mode{4, "polling"})
	heard := make(chan []packet)
	go func() {
		got, _ := c.get(context.Background())
		heard <- got
	}()
	waitFor(t, "a poll", p.Ready)
	select {
	case got := <-heard:
		t.Fatalf("a poll was answered with %+v though there was nothing", got)
	default:
	}
	p.say(t, message{data: "news"})
	if got := <-heard; len(got) == 0 || got[0] != textPacket("news") {
		t.Errorf("the poll was answered with %+v", got)
	}
	if p.Ready() {
		t.Error("without a poll the session says that a message would leave at once")
	}
}
