package server

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/internal/certtest"
)

// secure gives a server a certificate of its own.
func secure(t *testing.T) func(*config.Config) {
	pair := certtest.NewAuthority(t).Issue("127.0.0.1", "crier.example")
	return func(c *config.Config) { c.TLSCert, c.TLSKey = []string{pair.CertFile}, []string{pair.KeyFile} }
}

func both(changes ...func(*config.Config)) func(*config.Config) {
	return func(c *config.Config) {
		for _, change := range changes {
			change(c)
		}
	}
}

// trusting is a client that trusts the server's certificates, and no others; where an authority is to give these, the
// client asks as `crier healthcheck` does.
func trusting(t *testing.T, c *config.Config) *tls.Config {
	if len(c.ACMEHosts) > 0 {
		return &tls.Config{ServerName: "localhost", InsecureSkipVerify: true}
	}
	roots := x509.NewCertPool()
	for _, file := range c.TLSCert {
		text, err := os.ReadFile(file)
		if err != nil || !roots.AppendCertsFromPEM(text) {
			t.Fatal(file, err)
		}
	}
	return &tls.Config{RootCAs: roots}
}

// byHTTP2 makes the client of a running server speak HTTP/2 alone.
func (r *running) byHTTP2() *running {
	transport := &http.Transport{TLSClientConfig: r.tls.Clone(), DisableCompression: true, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP2(true)
	r.t.Cleanup(transport.CloseIdleConnections)
	r.client = &http.Client{Transport: transport, Timeout: 10 * time.Second}
	return r
}

// onEachWay runs one body for a server that is plain, for one that speaks TLS, and for one whose clients speak HTTP/2.
func onEachWay(t *testing.T, change func(*config.Config), body func(t *testing.T, r *running)) {
	if change == nil {
		change = func(*config.Config) {}
	}
	t.Run("plain", func(t *testing.T) { body(t, start(t, change)) })
	t.Run("tls", func(t *testing.T) { body(t, start(t, both(secure(t), change))) })
	t.Run("http2", func(t *testing.T) { body(t, start(t, both(secure(t), change)).byHTTP2()) })
}

func (r *running) post(session, body string) answer {
	r.t.Helper()
	response, err := r.client.Post(r.url+session, "text/plain;charset=UTF-8", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// polled polls until what was said on a session holds want.
func (r *running) polled(session, want string) {
	r.t.Helper()
	var all strings.Builder
	r.until("a poll brings "+want, func() bool {
		got := r.get(session)
		if got.status != http.StatusOK {
			r.t.Fatalf("a poll is answered with %d %q", got.status, got.body)
		}
		all.WriteString(got.body)
		return strings.Contains(all.String(), want)
	})
}

func TestPollingAndWebSocketsMeetOnEachWay(t *testing.T) {
	onEachWay(t, nil, func(t *testing.T, r *running) {
		if got := r.get("/"); got.status != http.StatusOK || !strings.Contains(got.body, "<html") {
			t.Errorf("the page is answered with %d", got.status)
		}
		session := r.open("/socket.io/")
		if got := r.post(session, "40"); got.status != http.StatusOK {
			t.Fatalf("joining is answered with %d %q", got.status, got.body)
		}
		r.post(session, `420["f","Polly"]`)
		r.polled(session, "430[")
		g := r.guest("Socky")
		g.expectUnharmed()
		r.polled(session, `42["news","still here 1"`)
		r.post(session, `42["message","from polling"]`)
		if err := g.await(`42["news","from polling"`); err != nil {
			t.Error(err)
		}
		say, status := r.dial("/ws/echo", nil)
		if say == nil {
			t.Fatal("the echo is answered with", status)
		}
		if got := say("a"); got != "A!!!" {
			t.Errorf("the echo says %q", got)
		}
	})
}

func TestASessionMovesToWebSocketOnEachWay(t *testing.T) {
	onEachWay(t, nil, func(t *testing.T, r *running) {
		session := r.open("/socket.io/")
		r.post(session, "40")
		r.polled(session, "40{")
		say, status := r.dial(strings.Replace(session, "transport=polling", "transport=websocket", 1), nil)
		if say == nil {
			t.Fatal("the WebSocket is answered with", status)
		}
		if got := say("2probe"); got != "3probe" {
			t.Errorf("the probe is answered with %q", got)
		}
		if got := say(`5`); got != "" && !strings.HasPrefix(got, "6") {
			t.Logf("after the move comes %q", got)
		}
	})
}

func TestADrainOnEachWayTellsPollsAndSocketsAndIsQuick(t *testing.T) {
	onEachWay(t, func(c *config.Config) { c.DrainTimeout = 20 * time.Second }, func(t *testing.T, r *running) {
		session := r.open("/socket.io/")
		g := r.guest("Socky")
		told := make(chan answer, 1)
		go func() {
			got, err := r.tryGet(session)
			if err != nil {
				got.body = err.Error()
			}
			told <- got
		}()
		left := make(chan error, 1)
		go func() { left <- g.await("never"); g.conn.Close() }()
		began := time.Now()
		r.stop()
		if got := <-told; got.body != "1" {
			t.Errorf("the poll is answered with %d %q, want the close packet", got.status, got.body)
		}
		if err := <-left; err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("the WebSocket ends with %v", err)
		}
		if err := r.wait(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("draining clients that leave took %v", took)
		}
	})
}

func TestHTTP2IsThereForPagesAndHTTP1ForSockets(t *testing.T) {
	r := start(t, both(secure(t), func(c *config.Config) { c.EchoAddr = "127.0.0.1:0" }))
	for _, c := range []struct{ addr, offer, want string }{
		{r.addr(), "h2,http/1.1", "h2"}, {r.addr(), "http/1.1", "http/1.1"}, {r.addr(), "", ""},
		{r.server.plain.doors[0].listener.Addr().String(), "h2,http/1.1", "http/1.1"},
	} {
		own := r.tls.Clone()
		if c.offer != "" {
			own.NextProtos = strings.Split(c.offer, ",")
		}
		conn, err := tls.Dial("tcp", c.addr, own)
		if err != nil {
			t.Fatal(err)
		}
		if state := conn.ConnectionState(); state.NegotiatedProtocol != c.want || state.Version != tls.VersionTLS13 {
			t.Errorf("of %s at %s is chosen %q, version %x", c.offer, c.addr, state.NegotiatedProtocol, state.Version)
		}
		conn.Close()
	}
	old := r.tls.Clone()
	old.MaxVersion = tls.VersionTLS11
	if conn, err := tls.Dial("tcp", r.addr(), old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

func TestThePlainEndpointsOfTheirOwnSpeakTLSTooAndTheMetricsDoNot(t *testing.T) {
	r := start(t, both(secure(t), func(c *config.Config) { c.EchoAddr, c.MetricsAddr = "127.0.0.1:0", "127.0.0.1:0" }))
	whole := r.url
	r.url = "https://" + r.server.plain.doors[0].listener.Addr().String()
	say, status := r.dial("/any", nil)
	if say == nil {
		t.Fatal("the echo is answered with", status)
	}
	if got := say("a"); got != "A!!!" {
		t.Errorf("the echo says %q", got)
	}
	r.url = "http://" + r.server.plain.doors[1].listener.Addr().String()
	if got := r.metric(`crier_tls_certificate_days{name="crier.example"}`); got < "36" || got > "366" {
		t.Errorf("the certificate is good for %s days", got)
	}
	r.url = whole
}

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

func TestAReloadTakesANewCertificateAndOpenConnectionsGoOn(t *testing.T) {
	a := certtest.NewAuthority(t)
	pair := a.Issue("127.0.0.1")
	r := reloading(t, func(c *config.Config) { c.TLSCert, c.TLSKey = []string{pair.CertFile}, []string{pair.KeyFile} })
	g := r.guest("Ann")
	serial := func() string {
		conn, err := tls.Dial("tcp", r.addr(), &tls.Config{RootCAs: a.Pool})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := serial()

	certtest.Write(t, pair.KeyFile, []byte("broken"))
	r.server.Reload(r.again(func(c *config.Config) { c.LogLevel = slog.LevelDebug }))
	r.logged("the settings stay as they are", "holds no private key in PEM form")
	if r.get(HealthPath); strings.Contains(r.log.String(), `"msg":"request"`) || serial() != before {
		t.Error("something has changed")
	}

	a.Renew(pair, "127.0.0.1")
	r.server.Reload(r.again(func(*config.Config) {}))
	r.logged("a new certificate is in force", `"names":["127.0.0.1"]`)
	if serial() == before {
		t.Error("the old certificate is shown")
	}
	g.expectUnharmed()

	other := a.Issue("127.0.0.1")
	r.server.Reload(r.again(func(c *config.Config) { c.TLSCert, c.TLSKey = []string{other.CertFile}, []string{other.KeyFile} }))
	r.logged("the settings were read again", `"taken":"tls_cert, tls_key"`)
	if got := serial(); got != other.TLS.Leaf.SerialNumber.String() {
		t.Error("the certificate of other files is not shown")
	}
}

func TestACertificateThatCannotBeUsedStopsTheStart(t *testing.T) {
	a := certtest.NewAuthority(t)
	one, two := a.Issue("a.example"), a.Issue("b.example")
	for want, change := range map[string]func(*config.Config){
		"is not that of the certificate": func(c *config.Config) { c.TLSCert, c.TLSKey = []string{one.CertFile}, []string{two.KeyFile} },
		"there is no file /nowhere":      func(c *config.Config) { c.TLSCert, c.TLSKey = []string{"/nowhere"}, []string{two.KeyFile} },
		"acme_hosts needs the folder":    func(c *config.Config) { c.ACMEHosts = []string{"a.example"} },
		"which acme_ca names":            func(c *config.Config) { c.ACMEHosts, c.Data, c.ACMECA = []string{"a.example"}, t.TempDir(), "/nowhere" },
	} {
		_, err := New(settings(change), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestBrowsersAreToldToStayWithHTTPSOnlyIfTheSettingSaysSo(t *testing.T) {
	const name = "Strict-Transport-Security"
	r := start(t, both(secure(t), func(c *config.Config) { c.HSTS = 48 * time.Hour }))
	if got := r.get("/").header.Get(name); got != "max-age=172800" {
		t.Errorf("it is %q", got)
	}
	if got := start(t, secure(t)).get("/").header.Get(name); got != "" {
		t.Errorf("without the setting it is %q", got)
	}
	if got := start(t, func(c *config.Config) { c.HSTS = time.Hour }).get("/").header.Get(name); got != "" {
		t.Errorf("on a plain address it is %q", got)
	}
}

func TestTLSConnectionsThatAreIdleMakePlace(t *testing.T) {
	r := start(t, both(secure(t), func(c *config.Config) { c.MaxConnections = 20 }))
	for i := range 60 {
		own := r.tls.Clone()
		if i%2 == 1 {
			own.NextProtos = []string{"h2"}
		}
		conn, err := tls.Dial("tcp", r.addr(), own)
		if err != nil {
			t.Fatal("connection", i, err)
		}
		t.Cleanup(func() { conn.Close() })
		if i%2 == 1 {
			continue // HTTP/2, before its first words
		}
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: crier\r\n\r\n", HealthPath); err != nil {
			t.Fatal(err)
		}
		if response, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || response.StatusCode != http.StatusOK {
			t.Fatal("connection", i, response, err)
		}
	}
	dropped, _ := strconv.Atoi(r.metric("crier_connections_dropped_total"))
	if n := r.server.connections.count(); n > 20 || dropped < 40 {
		t.Errorf("%d are open, %d were dropped", n, dropped)
	}
}

func TestTheHealthOfAServerWithTLSIsFound(t *testing.T) {
	folder := t.TempDir()
	r := start(t, both(secure(t), func(c *config.Config) { c.Data = folder }))
	if got := RunningURL(folder); got != r.url || !strings.HasPrefix(got, "https://") {
		t.Errorf("the folder says %q, want %q", got, r.url)
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
