package engineio_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/engineio"
)

// Attacks with requests as such: connections that are reset, halves of requests that hold on to a connection, what is smuggled into
// the headers of an answer.

// Engine.IO before 3.6.1 and 6.2.1 died of an upgrade that it did not know, as scanners ask for it, when the connection was then
// reset. Nothing may be left of it but, at most, a session on long-polling for as long as its heartbeat allows.
func TestCVE_2022_41940_AnUnknownUpgradeThatIsResetHarmsNobody(t *testing.T) {
	h := open(t, engineio.Options{}, echo)
	near, before := h.bystanders(), runtime.NumGoroutine()
	h2c := []string{"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"}
	for range 50 {
		c := h.connect(mode{4, "polling"})
		c.http.CloseIdleConnections()
		p := h.peerOf(c)
		poll := h.attack(rawRequest("GET", "EIO=4&transport=polling&sid="+c.sid, h2c...))
		waitFor(t, "a poll", p.Ready)
		poll.reset()
		p.expectEnd(t, engineio.ReasonTransportError)

		a := h.attack(rawRequest("GET", "EIO=4&transport=websocket", h2c...))
		a.expect("h2c", http.StatusBadRequest, badRequest)
		a.reset()
		h.attack(rawRequest("GET", "EIO=4&transport=websocket", h2c...)).reset()
		h.attack(rawSocket("EIO=4&transport=websocket", "Upgrade: h2c")).reset()
		h.attack("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").reset()
	}
	near.expectUnharmed(t)
	near.expectAlone(t, h, before)
}

// googollee's engine wrote the number of a JSONP callback into its script as it came, for whoever could have a page load the
// address. Of the number only digits may be left, whatever it is; an answer that refuses must hold nothing of the request.
func TestAJSONPCallbackReflectsNothing(t *testing.T) {
	h := open(t, engineio.Options{}, echo)
	const evil = "0](alert(1));//</script><svg/onload=alert(2)>\u2028"
	var escaped strings.Builder
	for _, b := range []byte(evil) {
		fmt.Fprintf(&escaped, "%%%02x", b)
	}
	for _, version := range []string{"3", "4"} {
		for query, status := range map[string]int{
			"transport=polling&j=" + escaped.String():                                       http.StatusOK,
			"transport=polling&j=0&j=" + escaped.String():                                   http.StatusOK,
			"transport=polling&j=0&sid=" + escaped.String():                                 http.StatusBadRequest,
			"transport=" + escaped.String() + "&j=0":                                        http.StatusBadRequest,
			"transport=polling&j=0&t=" + escaped.String() + "&b64=" + escaped.String():      http.StatusOK,
			"transport=polling&j=0&callback=" + escaped.String() + "&" + escaped.String():   http.StatusOK,
			"transport=polling&j=0&EIO=" + escaped.String() + "&sid=" + escaped.String():    http.StatusBadRequest,
			"transport=polling&j=%30%5d%28alert%281%29%29%3b%2f%2f&sid=" + escaped.String(): http.StatusBadRequest,
		} {
			got := h.attack(rawRequest("GET", "EIO="+version+"&"+query)).answer()
			if got.status != status || strings.Contains(got.body, "alert") || strings.Contains(got.body, "svg") {
				t.Errorf("%s: %d %s", query, got.status, got.body)
			}
			kind := got.header.Get("Content-Type")
			if status == http.StatusOK && (kind != "text/javascript; charset=UTF-8" || got.header.Get("X-Content-Type-Options") != "nosniff") {
				t.Errorf("%s: a browser may take %q for something else", query, kind)
			}
			if status != http.StatusOK && kind != "application/json" {
				t.Errorf("%s: the refusal is %q", query, kind)
			}
		}
	}
}

// What comes in a request must not become a line of the answer's header, where it could set a cookie or end the header. Line ends
// are tried as they are, escaped, and in the forms that some servers take for line ends.
func TestNothingIsInjectedIntoTheAnswersHeader(t *testing.T) {
	h := open(t, engineio.Options{AllowedOrigins: []string{"*"}}, echo)
	near := h.bystanders()
	for _, end := range []string{"%0d%0a", "%0a", "%0d", "\r", "\n", "\r\n ", "\x0b", "\x00", "\xe5\x98\x8a\xe5\x98\x8d", "%E5%98%8A%E5%98%8D"} {
		line := end + "Set-Cookie:sid=evil" + end + end + "<script>"
		for name, raw := range map[string]string{
			"transport":   rawRequest("GET", "EIO=4&transport=polling"+line),
			"sid":         rawRequest("GET", "EIO=4&transport=polling&sid="+line),
			"revision":    rawRequest("GET", "transport=polling&EIO=4"+line),
			"callback":    rawRequest("GET", "EIO=4&transport=polling&j=0"+line),
			"cookie":      rawRequest("GET", "EIO=4&transport=polling", "Cookie: io=x"+line),
			"origin":      rawRequest("GET", "EIO=4&transport=polling", "Origin: http://evil.org"+line),
			"preflight":   rawRequest("OPTIONS", "EIO=4&transport=polling", "Origin: http://evil.org", "Access-Control-Request-Headers: x"+line),
			"subprotocol": rawSocket("EIO=4&transport=websocket", "Sec-WebSocket-Protocol: x"+line),
			"extension":   rawSocket("EIO=4&transport=websocket", "Sec-WebSocket-Extensions: x"+line),
			"encoding":    rawRequest("GET", "EIO=4&transport=polling", "Accept-Encoding: gzip"+line),
		} {
			a := h.attack(raw)
			got := a.answer()
			if got.header.Get("Set-Cookie") != "" || strings.Contains(got.body, "evil") {
				t.Errorf("%s with %q: %v %s", name, end, got.header, got.body)
			}
			a.conn.Close()
		}
	}
	near.expectUnharmed(t)
}

// Who sends a body byte by byte, each before the server's patience is over, would hold a request for months. It must end with its
// session, whose heartbeat it can't answer meanwhile, and others must be served.
func TestABodyThatComesByteByByteEndsWithItsSession(t *testing.T) {
	for _, version := range []int{3, 4} {
		synctest.Test(t, func(t *testing.T) {
			const slow = 50
			h := openOn(t, newPipes(), brisk, nil)
			all := make([]*attacker, slow)
			for i := range all {
				c, p := h.join(mode{version, "polling"})
				c.http.CloseIdleConnections()
				query := fmt.Sprintf("EIO=%d&transport=polling&sid=%s", version, c.sid)
				all[i] = h.attack(rawRequest("POST", query, "Content-Length: 900000"))
				go func() { // ends with the connection
					for {
						if _, err := io.WriteString(all[i].conn, "4"); err != nil {
							return
						}
						time.Sleep(2 * time.Second)
					}
				}()
				t.Cleanup(func() { p.expectEnd(t, engineio.ReasonPingTimeout) })
			}
			time.Sleep(6 * time.Second)
			near, p := h.join(mode{version, "websocket"})
			p.say(t, message{data: "unharmed"})
			if got := near.hear(); got.data != "unharmed" {
				t.Errorf("a bystander heard %+v", got)
			}
			time.Sleep(6 * time.Second) // more than a heartbeat, and one byte
			for _, a := range all {
				a.conn.SetReadDeadline(time.Now().Add(time.Second))
				if _, err := io.Copy(io.Discard, a.in); err != nil {
					t.Fatalf("EIO %d: a request is open after its session: %v", version, err)
				}
			}
			near.ws.conn.Close()
		})
	}
}

// net/http waits for a body that nobody reads before it sends the answer, and would do so for ever. Every request that is refused, or
// that has a body where none belongs, must be answered or hung up on in the write timeout.
func TestABodyThatNeverComesHoldsNoRequest(t *testing.T) {
	const promised = "Content-Length: 1000"
	const endless = "Transfer-Encoding: chunked"
	requests := map[string]func(sid string) string{
		"unknown session":    func(string) string { return rawRequest("POST", "EIO=4&transport=polling&sid=nobody", promised) },
		"unknown session, 2": func(string) string { return rawRequest("POST", "EIO=4&transport=polling&sid=nobody", endless) },
		"unknown transport":  func(string) string { return rawRequest("POST", "EIO=4&transport=x", promised) },
		"handshake by POST":  func(string) string { return rawRequest("POST", "EIO=4&transport=polling", promised) },
		"handshake":          func(string) string { return rawRequest("GET", "EIO=4&transport=polling", promised) },
		"foreign origin": func(string) string {
			return rawRequest("POST", "EIO=4&transport=polling", promised, "Origin: http://evil")
		},
		"foreign preflight":   func(string) string { return rawRequest("OPTIONS", "EIO=4", endless, "Origin: http://evil") },
		"preflight":           func(string) string { return rawRequest("OPTIONS", "EIO=4&transport=polling", promised) },
		"poll":                func(sid string) string { return rawRequest("GET", "EIO=4&transport=polling&sid="+sid, promised) },
		"poll in chunks":      func(sid string) string { return rawRequest("GET", "EIO=4&transport=polling&sid="+sid, endless) },
		"another method":      func(sid string) string { return rawRequest("PUT", "EIO=4&transport=polling&sid="+sid, promised) },
		"WebSocket":           func(string) string { return rawSocket("EIO=4&transport=websocket", promised) },
		"WebSocket in chunks": func(string) string { return rawSocket("EIO=4&transport=websocket", endless) },
		"upgrade":             func(sid string) string { return rawSocket("EIO=4&transport=websocket&sid="+sid, endless) },
		"a payload":           func(sid string) string { return rawRequest("POST", "EIO=4&transport=polling&sid="+sid, promised) },
		"a payload in bytes": func(sid string) string {
			return rawRequest("POST", "EIO=4&transport=polling&sid="+sid, promised, binaryType)
		},
		"a payload too large": func(sid string) string {
			return rawRequest("POST", "EIO=4&transport=polling&sid="+sid, endless) + "4e20\r\n" + strings.Repeat("4", 20_000) + "\r\n"
		},
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := engineio.Options{WriteTimeout: 9 * time.Second, PingInterval: time.Hour, MaxPayload: 10_000}
				h := openOn(t, newPipes(), o, nil)
				c, _ := h.join(mode{4, "polling"})
				c.http.CloseIdleConnections()
				a := h.attack(request(c.sid))
				over := make(chan error, 1)
				go func() {
					_, err := io.Copy(io.Discard, a.conn)
					over <- err
				}()
				time.Sleep(2*o.WriteTimeout + time.Second)
				select {
				case <-over:
				default:
					t.Error("the request is still open")
				}
				a.conn.Close()
			})
		})
	}
}

// Who asks, and never reads what is answered, would hold a connection for each answer that the kernel does not take, and with long
// ones memory too. The connection must be closed, and a long answer must not outlive its session.
func TestAnAnswerThatNobodyReadsHoldsNoConnection(t *testing.T) {
	for name, request := range map[string]func(sid string) string{
		"refusal":   func(string) string { return rawRequest("GET", "EIO=4&transport=polling&sid=nobody") },
		"preflight": func(string) string { return rawRequest("OPTIONS", "EIO=4&transport=polling") },
		"handshake": func(string) string { return rawRequest("GET", "EIO=4&transport=polling") },
		"payload":   func(sid string) string { return rawPost("EIO=4&transport=polling&sid="+sid, "4hello") },
		"WebSocket": func(string) string { return rawSocket("EIO=4&transport=websocket", "Content-Length: 1") + "x" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := engineio.Options{WriteTimeout: 9 * time.Second, PingInterval: time.Hour}
				h := openOn(t, newPipes(), o, nil)
				c, _ := h.join(mode{4, "polling"})
				a := h.attack(request(c.sid))
				time.Sleep(2*o.WriteTimeout + time.Second)
				a.conn.SetWriteDeadline(time.Now().Add(time.Second))
				if _, err := a.conn.Write([]byte("G")); err != io.ErrClosedPipe {
					t.Error("the connection is still open:", err)
				}
			})
		})
	}
}

func TestALongAnswerDoesNotOutliveItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := brisk
		o.WriteTimeout = 4 * time.Second
		h := openOn(t, newPipes(), o, nil)
		c, p := h.join(mode{4, "polling"})
		p.say(t, message{data: strings.Repeat("x", 1<<20)})
		a := h.attack(rawRequest("GET", "EIO=4&transport=polling&sid="+c.sid))
		go func() { // takes what keeps a connection open, and no more
			b := make([]byte, 8<<10)
			for {
				if _, err := a.conn.Read(b); err != nil {
					return
				}
				time.Sleep(300 * time.Millisecond)
			}
		}()
		p.expectEnd(t, engineio.ReasonPingTimeout)
		time.Sleep(o.WriteTimeout)
		if _, err := a.conn.Write([]byte("G")); err != io.ErrClosedPipe {
			t.Error("the answer is still on its way:", err)
		}
	})
}
