package server

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/config"
)

// lines reads what a server answers on a connection until its end.
func (r *running) lines(addr, bytes string) string {
	r.t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, bytes); err != nil {
		r.t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		r.t.Errorf("%q, %v", text, err)
	}
	return string(text)
}

func TestPlainHTTPOnATLSAddressIsToldWhereToGo(t *testing.T) {
	r := start(t, secure(t))
	for request, want := range map[string]string{
		"GET /a?b=c HTTP/1.1\r\nHost: crier.example:1\r\n\r\n":                                              "308 ",
		"HEAD / HTTP/1.0\r\nHost: crier.example\r\n\r\n":                                                    "308 ",
		"POST /x HTTP/1.1\r\nHost: crier.example\r\n\r\n":                                                   "403 ",
		"GET /socket.io/?transport=polling HTTP/1.1\r\nHost: crier.example\r\n\r\n":                         "must begin with https://crier.example:",
		"GET /socket.io/?transport=polling HTTP/1.1\r\nHost: crier.example \r\n\r\n":                        "Access-Control-Allow-Origin: *",
		"GET /ws/echo HTTP/1.1\r\nHost: crier.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n": "use wss://crier.example:",
		"GET / HTTP/1.0\r\n\r\n": "400 Bad Request",
		"NONSENSE\r\n\r\n":       "400 Bad Request",
		"PRI * HTTP/2.0\r\n\r\n": "400 Bad Request",
	} {
		if got := r.lines(r.addr(), request); !strings.Contains(got, want) {
			t.Errorf("%q is answered with %q, want %q", request, got, want)
		}
	}
	_, port, _ := net.SplitHostPort(r.addr())
	if got := r.lines(r.addr(), "GET /a?b=c HTTP/1.1\r\nHost: crier.example:1\r\n\r\n"); !strings.Contains(got,
		"\r\nLocation: https://crier.example:"+port+"/a?b=c\r\n") {
		t.Errorf("it is sent to %q", got)
	}
	r.logged("a client spoke plain HTTP to an address that speaks TLS", `"addr":"`+r.addr(), `"setting":"addr"`)
	for _, name := range []string{`crier_wrong_protocol_total{spoken="http"}`, "crier_tls_handshake_errors_total"} {
		r.until("they are counted", func() bool { return r.metric(name) == "10" })
	}
}

func TestATLSClientOnAPlainAddressIsTold(t *testing.T) {
	r := start(t, nil)
	_, err := tls.Dial("tcp", r.addr(), &tls.Config{InsecureSkipVerify: true})
	if err == nil || !strings.Contains(err.Error(), "first record does not look like a TLS handshake") {
		t.Errorf("the handshake ends with %v", err)
	}
	_, err = (&http.Client{Transport: &http.Transport{}}).Get("https://" + r.addr())
	if err == nil || !strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		t.Errorf("a client of Go says %v", err)
	}
	r.logged("a TLS client spoke to an address that is plain HTTP", `"addr":"`+r.addr(), "tls_cert and tls_key, or acme_hosts")
	r.expectMetric(`crier_wrong_protocol_total{spoken="tls"}`, "2")
	r.expectMetric(`crier_http_unread_requests_total`, "0")
	for range 50 {
		r.lines(r.addr(), "\x16\x03\x01\x00\x05hello")
	}
	r.until("they are counted", func() bool { return r.metric(`crier_wrong_protocol_total{spoken="tls"}`) == "52" })
	if n := strings.Count(r.log.String(), "a TLS client spoke"); n > 30 {
		t.Errorf("the log has %d lines of it", n)
	}
}

func TestAClientThatRefusesTheCertificateIsTold(t *testing.T) {
	r := start(t, secure(t))
	if conn, err := tls.Dial("tcp", r.addr(), &tls.Config{RootCAs: x509.NewCertPool()}); err == nil {
		conn.Close()
		t.Error("the client takes it")
	}
	r.logged("a client refused the TLS handshake", `"address":"127.0.0.1:`, "bad certificate")
}

func TestTheRedirectSendsBrowsersOnAndAnswersOthersInWords(t *testing.T) {
	r := start(t, both(secure(t), func(c *config.Config) { c.RedirectAddr = "127.0.0.1:0" }))
	plain := r.server.plain.doors[0].listener.Addr().String()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ask := func(method, path string) (status int, location, body string) {
		t.Helper()
		request, err := http.NewRequest(method, "http://"+plain+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		return response.StatusCode, response.Header.Get("Location"), string(text)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		if status, location, _ := ask(method, "//evil.example/%2e?q=1#x"); status != http.StatusPermanentRedirect ||
			location != r.url+"//evil.example/%2e?q=1" {
			t.Errorf("%s is sent to %q with %d", method, location, status)
		}
	}
	for _, path := range []string{"/socket.io/?EIO=4&transport=polling", "/socket.io?EIO=3&transport=websocket"} {
		if status, _, body := ask(http.MethodGet, path); status != http.StatusForbidden || !strings.Contains(body, `must begin with `+r.url) {
			t.Errorf("Socket.IO is answered with %d %q", status, body)
		}
	}
	if status, location, _ := ask(http.MethodGet, "/socket.io/socket.io.js"); status != http.StatusPermanentRedirect {
		t.Errorf("the client's script is answered with %d, %s", status, location)
	}
	if _, err := tls.Dial("tcp", plain, r.tls); err == nil {
		t.Error("the redirect speaks TLS")
	}
	r.logged("a TLS client spoke to an address that is plain HTTP by its purpose", `"setting":"redirect_addr"`)
}

func TestTheRedirectNamesThePortThatIsOutside(t *testing.T) {
	for port, want := range map[int]string{0: "https://h.example:3000/", 443: "https://h.example/", 8443: "https://h.example:8443/"} {
		s := &Server{config: &config.Config{Path: "/socket.io/", RedirectPort: port}}
		to := s.target(&net.TCPAddr{Port: 3000}, "addr")
		for _, host := range []string{"h.example", "h.example:80"} {
			request, err := http.NewRequest(http.MethodGet, "http://"+host+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := to.direct(request); got.header.Get("Location") != want {
				t.Errorf("%s with redirect_port %d is sent to %q, want %s", host, port, got.header.Get("Location"), want)
			} else if got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("the redirect may be kept: %v", got.header)
			}
		}
	}
	to := target{path: "/socket.io/"}
	if got := to.url(&http.Request{Host: "[::1]:80", URL: must(t, "/a")}); got != "https://[::1]/a" {
		t.Errorf("IPv6 is sent to %q", got)
	}
	for _, host := range []string{"", "a/b", "user@a", "a b"} {
		if got := to.url(&http.Request{Host: host, URL: must(t, "/")}); got != "" {
			t.Errorf("%q is sent to %q", host, got)
		}
	}
}

func must(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
