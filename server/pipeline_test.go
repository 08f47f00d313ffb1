package server

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/config"
)

// line is a client with one connection, as elephant.io 5 is.
type line struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (r *running) line() *line {
	r.t.Helper()
	conn, in := r.raw("")
	if r.tls != nil {
		trusting := r.tls.Clone()
		trusting.ServerName = "127.0.0.1"
		conn = tls.Client(conn, trusting)
		in = bufio.NewReader(conn)
	}
	return &line{r.t, conn, in}
}

func (l *line) send(text string) {
	l.t.Helper()
	if _, err := io.WriteString(l.conn, text); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) expect(what, want string) (body string) {
	l.t.Helper()
	l.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	res, err := http.ReadResponse(l.in, nil)
	if err != nil {
		l.t.Fatalf("%s: %v", what, err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
		l.t.Fatalf("%s: %s %q, %v; want %q", what, res.Status, text, err, want)
	}
	return string(text)
}

// waits waits until a poll waits on the line.
func (l *line) waits(r *running) {
	l.t.Helper()
	r.until("a poll waits", func() bool {
		for _, h := range r.server.unread.snapshot() {
			h.pipeline.mu.Lock()
			waits := h.pipeline.wake != nil
			h.pipeline.mu.Unlock()
			if waits && h.RemoteAddr().String() == l.conn.LocalAddr().String() {
				return true
			}
		}
		return false
	})
}

// snapshot returns the connections that net/http serves.
func (u *unread) snapshot() (all []*connection) {
	u.arrivals.Range(func(conn, _ any) bool {
		all = append(all, inside(conn.(net.Conn)).(*connection))
		return true
	})
	return all
}

// The heartbeat, which would answer the poll too, is far away.
func patientPolls(c *config.Config) { c.PingInterval = time.Hour }

func TestAPollGivesWayToTheRequestBehindIt(t *testing.T) {
	t.Run("plain", func(t *testing.T) { testGivingWay(t, start(t, patientPolls)) })
	t.Run("tls", func(t *testing.T) { testGivingWay(t, start(t, both(secure(t), patientPolls))) })
}

func testGivingWay(t *testing.T, r *running) {
	for _, client := range []struct{ query, join, say, noop, answer string }{
		{query: "EIO=4", join: "40", say: `422["history"]`, noop: "6", answer: "432"},
		{query: "EIO=4&j=0", join: "d=40", say: `d=422["history"]`, noop: `___eio[0]("6")`, answer: "432"},
		{query: "EIO=3&b64=1", say: "1:2", noop: "1:6", answer: "1:3"},
		{query: "EIO=3", say: "1:2", noop: "1:6", answer: "1:3"},
		{query: "EIO=3&j=0", say: "d=1:2", noop: `___eio[0]("1:6")`, answer: "1:3"},
	} {
		l := r.line()
		poll := "GET /socket.io/?transport=polling&" + client.query + " HTTP/1.1\r\nHost: crier\r\n\r\n"
		l.send(poll)
		_, sid, _ := strings.Cut(strings.ReplaceAll(l.expect("the handshake", "sid"), `\`, ""), `"sid":"`)
		sid, _, _ = strings.Cut(sid, `"`)
		poll = strings.Replace(poll, " HTTP", "&sid="+sid+" HTTP", 1)
		post := func(payload string) string {
			post := strings.Replace(strings.Replace(poll, "GET", "POST", 1), "Host", "Content-Type: text/plain\r\nHost", 1)
			return strings.TrimSuffix(post, "\r\n") + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(payload), payload)
		}
		if client.join != "" {
			l.send(post(client.join))
			l.expect("joining", "ok")
			l.send(poll)
			l.expect("what is told who joined", "40")
		}

		l.send(poll)
		l.waits(r)
		l.send(post(client.say))
		l.expect(client.query+": a poll with a request behind it", client.noop)
		l.expect("the request behind it", "ok")
		l.send(poll)
		l.expect("the answer to that", client.answer)

		if r.tls != nil {
			continue
		}
		l.send(poll + post(client.say)) // both at once
		l.expect(client.query+": a poll that came together with a request", client.noop)
		l.expect("the request that came with it", "ok")
		l.send(poll)
		l.expect("the answer to that", client.answer)
	}
}

// A request that comes in pieces is no request behind itself.
func TestAPollWaitsHoweverItsRequestComesIn(t *testing.T) {
	r := start(t, patientPolls)
	path := r.open("/socket.io/")
	l := r.line()
	request := "GET " + path + " HTTP/1.1\r\nHost: crier\r\n\r\n"
	for _, cut := range []int{1, len(request) - 1, len(request) - 2, len(request) - 3, len(request) - 4, 20} {
		l.send(request[:cut])
		time.Sleep(5 * time.Millisecond) // so that they are read apart, mostly
		l.send(request[cut:])
		l.waits(r)
		l.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if b, err := l.in.Peek(1); err == nil {
			t.Fatalf("cut at %d: a poll was answered, %q", cut, b)
		}
		l.send(request[:4]) // now something is behind it
		l.expect("the poll", "6")
		l.send(request[4:])
		l.waits(r)
		l.send(request)
		l.expect("the poll", "6")
		l.waits(r)
		l.send(request[:1])
		l.expect("the poll", "6")
		l.send(request[1:])
		l.waits(r)
		l.send("GET")
		l.expect("the poll", "6")
		l.send(request[3:])
		l.waits(r)
		l.send("P")
		l.expect("the poll", "6")
		l = r.line()
	}
}
