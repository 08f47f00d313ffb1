package engineio_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// hurried is a write timeout for tests that wait for it on a real line, where there is no other clock.
const hurried = 2 * time.Second

// An attacker is a connection on which any bytes may go out.
type attacker struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// attack connects and sends.
func (h *house) attack(raw string) *attacker {
	h.t.Helper()
	conn, err := h.line.Dial(patient(h.t))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	a := &attacker{h.t, conn, bufio.NewReader(conn)}
	a.send(raw)
	return a
}

// send may meet a server that has hung up.
func (a *attacker) send(raw string) {
	a.conn.SetWriteDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(a.conn, raw)
}

// answer returns the server's next answer.
func (a *attacker) answer() answer {
	a.t.Helper()
	a.conn.SetReadDeadline(time.Now().Add(patience))
	res, err := http.ReadResponse(a.in, nil)
	if err != nil {
		a.t.Error("no answer:", err)
		return answer{}
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		return answer{res.StatusCode, res.Header, ""}
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal("half an answer:", err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

// expect checks the server's next answer.
func (a *attacker) expect(what string, status int, body string) {
	a.t.Helper()
	if got := a.answer(); got.status != status || got.body != body {
		a.t.Errorf("%s: answered with %d %.200s, want %d %s", what, got.status, got.body, status, body)
	}
}

// wire is the WebSocket that the connection has become.
func (a *attacker) wire(version int) *wire { return &wire{version, a.conn, a.in, false} }

// expectHangup reads until the server closes the connection.
func (a *attacker) expectHangup(what string) {
	a.t.Helper()
	if err := a.wire(4).expectHangup(); err != nil {
		a.t.Errorf("%s: the server does not hang up: %v", what, err)
	}
}

// reset hangs up without a good-bye: the server's next read or write fails.
func (a *attacker) reset() {
	a.conn.(*net.TCPConn).SetLinger(0)
	a.conn.Close()
}

// rawRequest is a request as it stands on the wire; each extra is a header line.
func rawRequest(method, query string, extra ...string) string {
	lines := append([]string{method + " /engine.io/?" + query + " HTTP/1.1", "Host: engine.test"}, extra...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// rawSocket asks for a WebSocket.
func rawSocket(query string, extra ...string) string {
	return rawRequest("GET", query, append([]string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, extra...)...)
}

// rawPost is a POST with a body.
func rawPost(query, body string, extra ...string) string {
	return rawRequest("POST", query, append(extra, fmt.Sprint("Content-Length: ", len(body)))...) + body
}

// peerOf returns the server's side of c, and forgets about the sessions that were opened before.
func (h *house) peerOf(c *client) *peer {
	h.t.Helper()
	for {
		if p := h.peer(); p.ID() == c.sid {
			return p
		}
	}
}

// leave ends the client's session and its connections.
func (c *client) leave() {
	c.send(packet{kind: '1'})
	c.http.CloseIdleConnections()
}

// bystanders are clients who have nothing to do with an attack. What they say must come back, whatever goes on beside them.
type bystanders []*client

// bystanders joins a client of each revision on each transport; the server must echo.
func (h *house) bystanders() (all bystanders) {
	h.t.Helper()
	for _, m := range []mode{{3, "polling"}, {3, "websocket"}, {4, "polling"}, {4, "websocket"}} {
		c, _ := h.join(m)
		all = append(all, c)
	}
	return all
}

func (b bystanders) expectUnharmed(t testing.TB) {
	t.Helper()
	for _, c := range b {
		c.say(message{data: "are you there?"})
		if got := c.hear(); got.data != "are you there?" {
			t.Errorf("%v: a bystander heard %+v", c.mode, got)
		}
	}
}

// expectAlone waits until nothing is left of an attack: no session, no goroutine.
func (b bystanders) expectAlone(t testing.TB, h *house, goroutines int) {
	t.Helper()
	waitFor(t, "only the bystanders' sessions are left", func() bool { return h.sv.Len() == len(b) })
	expectGoroutines(t, goroutines)
}

// expectGoroutines waits until there are no more than before, but for a few that net/http and the bystanders may keep.
func expectGoroutines(t testing.TB, before int) {
	t.Helper()
	waitFor(t, fmt.Sprint("no more than ", before, " goroutines"), func() bool { return runtime.NumGoroutine() <= before+8 })
}

// allocated returns the bytes that the process has allocated while f ran.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// held returns the bytes in use once the garbage is gone.
func held() int {
	runtime.GC()
	runtime.GC() // what a pool held goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
