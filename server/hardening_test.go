package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crier/crier/config"
)

// Attacks on the whole house, with raw bytes on its real listener.

// raw sends bytes on a connection of their own.
func (r *running) raw(bytes string) (net.Conn, *bufio.Reader) {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(conn, bytes) // the server may hang up in the middle of it
	return conn, bufio.NewReader(conn)
}

// statuses returns the status of each answer until the server hangs up. Nothing of its inside may be in one.
func (r *running) statuses(bytes string) (all []int) {
	r.t.Helper()
	conn, in := r.raw(bytes)
	defer conn.Close()
	for {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return all
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || strings.Contains(string(body), "goroutine ") || strings.Contains(string(body), "panic") {
			r.t.Errorf("%.60q is answered with %q, %v", bytes, body, err)
		}
		all = append(all, res.StatusCode)
	}
}

// rawGet is a request that ends its connection.
func rawGet(target string, lines ...string) string {
	return "GET " + target + " HTTP/1.1\r\n" + strings.Join(append(slices.Clip(lines), "Host: crier", "Connection: close"), "\r\n") + "\r\n\r\n"
}

// What a proxy and a server take apart differently, one client can use to put words into another's mouth. Each such request must have
// one meaning, the standard's, or be refused and its connection closed: what stands behind it is never served.
func TestASmuggledRequestIsNotServed(t *testing.T) {
	r := start(t, func(c *config.Config) {
		c.ReadHeaderTimeout, c.WriteTimeout, c.IdleTimeout = 2*time.Second, 2*time.Second, 2*time.Second
	})
	near := r.guest("near")
	const path = "/socket.io/?EIO=4&transport=polling&sid=nobody"
	smuggled := rawGet(HealthPath) // 200 if it is served
	post := func(lines ...string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: crier\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	for name, raw := range map[string]string{
		"two lengths":               post("Content-Length: 0", fmt.Sprint("Content-Length: ", len(smuggled))),
		"a list of lengths":         post("Content-Length: 0, 5"),
		"a length with a sign":      post("Content-Length: +0"),
		"a negative length":         post("Content-Length: -1"),
		"a length in hex":           post("Content-Length: 0x0"),
		"a length beyond 64 bits":   post("Content-Length: 18446744073709551616"),
		"an unknown coding":         post("Transfer-Encoding: xchunked"),
		"two codings":               post("Transfer-Encoding: gzip, chunked"),
		"a coding twice":            post("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
		"a space before the colon":  post("Content-Length : 0"),
		"a NUL":                     post("X: \x00"),
		"a bare CR":                 post("X: y\rContent-Length: 0"),
		"a chunk beyond 64 bits":    post("Transfer-Encoding: chunked") + "10000000000000000\r\n",
		"a negative chunk":          post("Transfer-Encoding: chunked") + "-1\r\n",
		"a chunk without its end":   post("Transfer-Encoding: chunked") + "1\r\nxx0\r\n\r\n",
		"an upgrade in chunks":      rawUpgrade(path, "Transfer-Encoding: chunked"),
		"a plain upgrade, a length": rawUpgrade("/ws/echo", fmt.Sprint("Content-Length: ", len(smuggled)-1)),
		"a request without a host":  "GET / HTTP/1.1\r\n\r\n",
		"two hosts":                 "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"HTTP/1.1 in small letters": "GET / http/1.1\r\nHost: a\r\n\r\n",
		"a space in the target":     "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
		"the greeting of a TLS":     "\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03\r\n\r\n",
		"the greeting of HTTP/2":    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"the greeting of another":   "SSH-2.0-OpenSSH_9.6\r\n\r\n",
		"HTTP/0.9":                  "GET /\r\n",
		"a header of nothing":       post(": x"),
		"a method that is no token": "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		if got := r.statuses(raw + smuggled); len(got) > 1 || len(got) == 1 && got[0] < 400 {
			t.Errorf("%s: answered with %v", name, got)
		}
	}
	for name, c := range map[string]struct {
		raw  string
		want []int
	}{
		// RFC 9112 section 6.3: of both, chunked counts.
		"both a length and chunks": {post("Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n" + smuggled, []int{400, 200}},
		"a folded line":            {post("X: y", " Content-Length: 5") + smuggled, []int{400, 200}}, // a value, not a length
		"an upgrade with a length": {rawUpgrade(path, "Content-Length: 5") + "evil!" + smuggled, []int{400, 200}},
		"one behind the other":     {post("Content-Length: 5") + "4evil" + smuggled, []int{400, 200}},
		"an address for a target":  {"GET http://other.example" + HealthPath + " HTTP/1.1\r\nHost: crier\r\nConnection: close\r\n\r\n", []int{200}},
		"HTTP/1.0 without a host":  {"GET " + HealthPath + " HTTP/1.0\r\n\r\n", []int{200}},
		"CONNECT":                  {"CONNECT crier:80 HTTP/1.1\r\nHost: crier:80\r\nConnection: close\r\n\r\n", []int{404}},
		"CONNECT to a path":        {"CONNECT /socket.io/ HTTP/1.1\r\nHost: crier\r\nConnection: close\r\n\r\n", []int{400}},
		"OPTIONS for all":          {"OPTIONS * HTTP/1.1\r\nHost: crier\r\nConnection: close\r\n\r\n", []int{200}},
		"TRACE":                    {"TRACE / HTTP/1.1\r\nHost: crier\r\nCookie: secret\r\nConnection: close\r\n\r\n", []int{404}},
		"a method of 10 kB":        {strings.Repeat("M", 10_000) + " / HTTP/1.1\r\nHost: crier\r\nConnection: close\r\n\r\n", []int{404}},
		"a path up":                {rawGet("/../../etc/passwd"), []int{404}},
		"a path up in escapes":     {rawGet("/js/%2e%2e/%2e%2e/go.mod"), []int{404}},
		"a path up, a NUL":         {rawGet("/socket.io/%00"), []int{400}},
		"slashes":                  {rawGet("//evil.example/%2f.."), []int{404}},
		"an escape that is none":   {"GET /%zz HTTP/1.1\r\nHost: crier\r\n\r\n", []int{400}},
	} {
		if got := r.statuses(c.raw); !slices.Equal(got, c.want) {
			t.Errorf("%s: answered with %v, want %v", name, got, c.want)
		}
	}
	near.expectUnharmed()
}

// rawUpgrade asks for a WebSocket.
func rawUpgrade(target string, lines ...string) string {
	return "GET " + target + " HTTP/1.1\r\n" + strings.Join(append([]string{"Host: crier", "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, lines...), "\r\n") + "\r\n\r\n"
}

// What a request's head may hold is bounded before anybody looks at it, whatever it is made of, and on every way in; and what is
// taken does not stay with the connections.
func TestAHeadWithoutEndIsRefused(t *testing.T) {
	r := start(t, nil)
	near := r.guest("near")
	before := runtime.NumGoroutine()
	many := func(line string, n int) (lines []string) {
		for i := range n {
			lines = append(lines, strings.ReplaceAll(line, "#", fmt.Sprint(i)))
		}
		return lines
	}
	const large = 200_000
	for _, target := range []string{"/", "/socket.io/?EIO=4&transport=websocket", "/ws/echo", "/nothing"} {
		for name, raw := range map[string]string{
			"a long query":            rawUpgrade(target + "?" + strings.Repeat("a", large)),
			"a query of many":         rawUpgrade(target + "?" + strings.Repeat("a=b&", large/4)),
			"one large cookie":        rawUpgrade(target, "Cookie: a="+strings.Repeat("b", large)),
			"many cookies":            rawUpgrade(target, many("Cookie: a#=b", large/12)...),
			"many headers":            rawUpgrade(target, many("X-#: b", large/8)...),
			"spaces (CVE-2021-32640)": rawUpgrade(target, "Sec-WebSocket-Protocol: b"+strings.Repeat(" ", large)+"x"),
		} {
			if got := r.statuses(raw); len(got) > 1 || len(got) == 1 && got[0] != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("%s at %s: answered with %v, want 431", name, target, got)
			}
		}
	}
	// CVE-2024-37890: the bytes of 2,000 headers fit, and the one that counts stands behind them.
	_, in := r.raw("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: crier\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + strings.Join(many("X#:y", 2000), "\r\n") + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Error("2,000 headers:", res, err)
	}
	near.expectUnharmed()
	r.until("the connections are gone", func() bool { return runtime.NumGoroutine() <= before+8 })
	// All but the 2,000 headers, which are small enough to be read.
	r.until("they are counted", func() bool { return r.metric("crier_http_unread_requests_total") == "24" })
}

// Slowloris: hundreds of requests whose head comes byte by byte. They must be hung up on while others are served, whatever they ask for.
func TestHeadsThatComeByteByByteAreHungUpOn(t *testing.T) {
	const each = 100
	r := start(t, func(c *config.Config) { c.ReadHeaderTimeout = 500 * time.Millisecond })
	near := r.guest("near")
	before := runtime.NumGoroutine()
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for _, raw := range []string{
		rawUpgrade("/socket.io/?EIO=4&transport=websocket"), rawUpgrade("/ws/echo"), rawGet("/"),
		"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: crier\r\nContent-Length: 100\r\n\r\n",
	} {
		for range each {
			conn, _ := r.raw(raw[:20])
			senders.Go(func() { // ends when the server has hung up
				for i, tick := 20, time.Tick(50*time.Millisecond); ; i++ {
					if _, err := conn.Write([]byte{raw[i%(len(raw)-4)]}); err != nil {
						return
					}
					select {
					case <-stop:
						t.Error("the server has not hung up")
						return
					case <-tick:
					}
				}
			})
		}
	}
	near.expectUnharmed()
	patient := time.AfterFunc(patience, func() { close(stop) })
	senders.Wait()
	patient.Stop()
	r.until("the connections are gone", func() bool { return runtime.NumGoroutine() <= before+8 })
	near.expectUnharmed()
	r.until("they are counted", func() bool { return r.metric("crier_http_unread_requests_total") == fmt.Sprint(4*each) })
}

// The house waits for no body that nobody reads, and for nobody who does not take an answer: not for files, endpoints, scripts or what
// is not there.
func TestABodyThatNeverComesHoldsNoRequestOfTheHouse(t *testing.T) {
	r := start(t, func(c *config.Config) {
		c.WriteTimeout = 300 * time.Millisecond
		c.EchoAddr = "127.0.0.1:0"
	})
	near := r.guest("near")
	door := r.server.plain.doors[0].listener.Addr().String()
	for _, line := range []string{"Content-Length: 1000", "Transfer-Encoding: chunked"} {
		for _, head := range []string{
			"GET / ", "POST / ", "GET /healthz ", "PUT /healthz ", "POST /nothing ", "DELETE /js/ ", "GET /ws/echo ", "POST /ws/echo ", "GET /ws/news ",
			"GET /socket.io/socket.io.js ", "POST /socket.io/socket.io.js ", "POST /socket.io ", "POST /socket.io/?EIO=4&transport=polling ",
			"GET /socket.io/?EIO=4&transport=polling ", "GET door ", "POST door ",
		} {
			raw := head + "HTTP/1.1\r\nHost: crier\r\n" + line + "\r\n\r\n"
			addr := r.addr()
			if strings.Contains(head, "door") {
				raw, addr = strings.Replace(raw, "door", "/", 1), door
			}
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			conn.SetDeadline(time.Now().Add(patience))
			_, _ = io.WriteString(conn, raw)
			if _, err := io.Copy(io.Discard, conn); err != nil {
				t.Fatalf("%q: the connection is still open: %v", raw, err)
			}
			conn.Close()
		}
	}
	near.expectUnharmed()
}

// One connection may bring hundreds of requests at once, and go without a look at the answers. They are served one behind the other,
// and nothing of them stays but sessions, until their heartbeat ends them.
func TestRequestsInARowOnOneConnectionLeaveNothing(t *testing.T) {
	r := start(t, func(c *config.Config) {
		c.PingInterval, c.PingTimeout = time.Second, 2*time.Second
		c.WriteTimeout = time.Second
		c.MaxAddressSessions, c.MaxAddressRate = 1_000_000, 1_000_000
	})
	before := runtime.NumGoroutine()
	handshake := "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: crier\r\n\r\n"
	for range 5 {
		session := r.open("/socket.io/")
		poll := "GET " + session + " HTTP/1.1\r\nHost: crier\r\n\r\n"
		for _, raw := range []string{strings.Repeat(handshake, 100), strings.Repeat(poll, 100), strings.Repeat(poll+handshake, 50)} {
			gone, _ := r.raw(raw)
			gone.Close()
			stays, _ := r.raw(raw) // and reads nothing
			defer stays.Close()
			half, _ := r.raw(raw)
			_ = half.(*net.TCPConn).CloseWrite()
		}
	}
	near := r.guest("near")
	near.expectUnharmed()
	go func() { // answers heartbeats; ends with the connection
		for {
			if _, err := near.receive(); err != nil {
				return
			}
		}
	}()
	end := time.Now().Add(patience)
	for r.server.io.Sessions() > 1 && time.Now().Before(end) {
		time.Sleep(20 * time.Millisecond)
	}
	if n := r.server.io.Sessions(); n != 1 {
		t.Errorf("%d sessions are left", n)
	}
	r.client.CloseIdleConnections()
	for runtime.NumGoroutine() > before+24 && time.Now().Before(end) { // the 15 that stay are idle connections now
		time.Sleep(20 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before+24 {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}
