package server

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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
