package doctor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/internal/certtest"
)

func TestSettingsOfTheServerAreNoFaults(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*config.Config)
		skipped []string
	}{
		"websocket alone": {func(c *config.Config) { c.Transports = []string{"websocket"} },
			[]string{"polling", "polling-eio3", "jsonp", "upgrade", "delay", "answers", "body-size"}},
		"polling alone": {func(c *config.Config) { c.Transports = []string{"polling"} }, []string{"websocket", "upgrade"}},
		"no upgrades":   {func(c *config.Config) { c.AllowUpgrades = false }, []string{"upgrade"}},
		"no EIO 3":      {func(c *config.Config) { c.AllowEIO3 = false }, []string{"polling-eio3", "jsonp"}},
		"no metrics":    {func(c *config.Config) { c.Metrics = false }, []string{"metrics"}},
		"another path":  {func(c *config.Config) { c.Path = "/live/" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"--idle=0", crier(t, c.change)}
			if name == "another path" {
				args = append(args, "--path=/live")
			}
			r := run(t, exitOK, args...)
			r.only(t)
			for _, check := range c.skipped {
				r.expect(t, check, Skipped)
			}
		})
	}
}

func TestOriginsAreJudgedAsTheServerIsSet(t *testing.T) {
	named := crier(t, func(c *config.Config) { c.AllowedOrigins = []string{"https://example.org"} })
	r := run(t, exitFault, "--idle=0", named, "--origin=https://example.org", "--origin", "https://other.example")
	r.expect(t, "origins", OK, "refused")
	found := map[Status]string{}
	for _, c := range r.Checks {
		if c.Check == "origin" {
			found[c.Status] = c.Seen + strings.Join(c.Change, " ")
		}
	}
	if !strings.Contains(found[OK], "https://example.org may") || !strings.Contains(found[Fault], `allowed_origins: ["https://other.example"]`) {
		t.Errorf("%v", found)
	}

	open := crier(t, func(c *config.Config) { c.AllowedOrigins = []string{"*"} })
	r = run(t, exitOK, "--idle=0", open)
	r.only(t, "origins")
	r.expect(t, "origins", Warning, "every site", "allowed_origins")

	both := serve(t, forward(t, open, answering(func(a *http.Response) { a.Header.Add(allowOrigin, "*") })))
	run(t, exitFault, "--idle=0", both.URL).expect(t, "origins", Fault, "twice", "add_header")
}

func TestRedirectsAreFollowedOnOneHostAlone(t *testing.T) {
	to := crier(t, nil)
	moved := func(where func(r *http.Request) string) string {
		return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/new/") {
				http.StripPrefix("/new", forward(t, to, nil)).ServeHTTP(w, r)
				return
			}
			http.Redirect(w, r, where(r), http.StatusMovedPermanently)
		})).URL
	}
	for name, c := range map[string]struct {
		where func(r *http.Request) string
		says  string
	}{
		"another host": {func(r *http.Request) string { return "https://example.org" + r.URL.Path }, "another host is not followed"},
		"another port": {func(r *http.Request) string { return to + r.URL.Path }, "another port is not followed"},
		"a login":      {func(*http.Request) string { return "/login?next=secret-text" }, "another path is not followed"},
		"round":        {func(r *http.Request) string { return r.URL.Path }, "no more are followed"},
		"no web":       {func(*http.Request) string { return "javascript:alert(1)" }, "no URL to follow"},
	} {
		r := run(t, exitFault, "--idle=0", moved(c.where))
		r.expect(t, "redirects", Fault, c.says)
		if len(r.Checks) != 3 || strings.Contains(r.Checks[2].Seen, "secret-text") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r := run(t, exitFault, "--idle=0", moved(func(r *http.Request) string { return "/new" + r.URL.Path }))
	r.only(t, "redirects", "address") // that of a proxy that nobody trusts
	r.expect(t, "redirects", Warning, "/new/socket.io/, which the checks use")
}

func TestWhatIsNotSocketIOIsSaid(t *testing.T) {
	endless := func(w http.ResponseWriter) {
		chunk := bytes.Repeat([]byte("0{"), 1<<15)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		says   string
	}{
		"a page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<h1>welcome</h1>")
		}, "no Socket.IO server answers at /socket.io/: 200 OK, an HTML page"},
		"nothing here":  {http.NotFound, "404 Not Found"},
		"empty":         {func(http.ResponseWriter, *http.Request) {}, "200 OK, empty"},
		"a terminal's":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "\x1b[2Jgone\r\n\u202e") }, "?[2Jgone"},
		"endless":       {func(w http.ResponseWriter, _ *http.Request) { endless(w) }, "more than 64 KiB"},
		"a large head":  {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, "header has more than 64 KiB"},
		"gone":          {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "closed without a whole answer"},
		"no upstream":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "nginx: proxy_pass"},
		"asks who":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, "--header"},
		"half a packet": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `0{"sid":`) }, "no Socket.IO server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, exitFault, serve(t, c.answer).URL)
			if len(r.Checks) == 0 || r.Checks[len(r.Checks)-1].Status != Fault {
				t.Fatalf("%+v", r)
			}
			r.expect(t, "server", Fault, c.says)
			if strings.ContainsAny(r.Checks[len(r.Checks)-1].Seen, "\x1b\r\n\u202e") {
				t.Errorf("what a terminal obeys is printed: %q", r.Checks)
			}
		})
	}
}

func TestAServerThatTakesTooLongIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		says   string
	}{
		"drips":  {drip, "did not come whole within 2s"},
		"silent": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer came within 2s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := reached(t, serve(t, c.answer).URL)
			p.opts.timeout = 2 * time.Second // of this check alone
			one := &Report{Checks: []Result{p.timed(t.Context(), check{name: "server", do: p.identify})}}
			one.expect(t, "server", Fault, c.says)
		})
	}
}

// reached returns a probe whose server was reached, with all the time that it needed.
func reached(t *testing.T, at string) *probe {
	t.Helper()
	opts, err := parse([]string{at})
	if err != nil {
		t.Fatal(err)
	}
	p := newProbe(opts)
	t.Cleanup(p.close)
	if r := p.reach(t.Context()); r.Status != OK {
		t.Fatalf("%+v", r)
	}
	return p
}

func drip(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, "0")
		w.(http.Flusher).Flush()
		<-time.After(10 * time.Millisecond)
	}
}

func TestWhatDoesNotEvenSpeakHTTPIsSaid(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.2\r\n")
			_, _ = io.Copy(io.Discard, conn) // until the client has had enough
			_ = conn.Close()
		}
	}()
	r := run(t, exitFault, "http://"+l.Addr().String())
	r.expect(t, "server", Fault, "the answer is not HTTP")
	_ = l.Close()
	<-ended
	r = run(t, exitFault, "http://"+l.Addr().String())
	r.expect(t, "reachable", Fault, "the connection is refused", "does the server run")
	if len(r.Checks) != 1 {
		t.Errorf("%+v", r)
	}
}

// certificate makes one for localhost, and those that trust it.
func certificate(t *testing.T, from, to time.Time, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: from, NotAfter: to, DNSNames: names,
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// serveTLS serves with a certificate, and returns the URL with localhost.
func serveTLS(t *testing.T, h http.Handler, c tls.Certificate) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{c}}
	s.Config.ErrorLog = serve(t, h).Config.ErrorLog
	s.StartTLS()
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return "https://localhost:" + u.Port()
}

func TestCertificatesAreJudgedInWords(t *testing.T) {
	proxy := forward(t, crier(t, behindProxy), nil)
	now, year := time.Now(), 365*24*time.Hour
	for name, c := range map[string]struct {
		from, to time.Time
		names    []string
		unknown  bool
		status   Status
		says     []string
	}{
		"right":       {from: now.Add(-year), to: now.Add(year), names: []string{"localhost"}, status: OK, says: []string{"for 364 days", "TLS 1.3"}},
		"soon over":   {from: now.Add(-year), to: now.Add(50 * time.Hour), names: []string{"localhost"}, status: Warning, says: []string{"2 days", "renew"}},
		"over":        {from: now.Add(-year), to: now.Add(-time.Hour), names: []string{"localhost"}, status: Fault, says: []string{"ended on", "renew"}},
		"not yet":     {from: now.Add(time.Hour), to: now.Add(year), names: []string{"localhost"}, status: Fault, says: []string{"not valid before", "clock"}},
		"other name":  {from: now.Add(-year), to: now.Add(year), names: []string{"a.example"}, status: Fault, says: []string{"for a.example, not for localhost"}},
		"own invents": {from: now.Add(-year), to: now.Add(year), names: []string{"localhost"}, unknown: true, status: Fault, says: []string{"signed by itself"}},
	} {
		t.Run(name, func(t *testing.T) {
			cert, pool := certificate(t, c.from, c.to, c.names...)
			if c.unknown {
				pool = x509.NewCertPool()
			}
			to := serveTLS(t, proxy, cert)
			r := look(t, func(p *probe) { p.roots = pool }, "--idle=0", to)
			r.expect(t, "tls", c.status, c.says...)
			if c.status != Fault {
				r.only(t, "tls")
				r.expect(t, "websocket", OK)
				return
			}
			if len(r.Checks) != 2 {
				t.Errorf("a server that may be another's is asked: %+v", r)
			}
			r = look(t, func(p *probe) { p.roots = pool }, "--idle=0", "--insecure", to)
			r.only(t, "tls")
			r.expect(t, "tls", Warning, append(c.says, "--insecure")...)
			r.expect(t, "upgrade", OK)
		})
	}
}

func TestTheWrongSchemeIsSaid(t *testing.T) {
	cert, _ := certificate(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "localhost")
	secured := serveTLS(t, http.NotFoundHandler(), cert)
	run(t, exitFault, strings.Replace(secured, "https", "http", 1)).expect(t, "tls", Fault, "use https://")
	plain := serve(t, http.NotFoundHandler()).URL
	run(t, exitFault, strings.Replace(plain, "http", "https", 1)).expect(t, "tls", Fault, "plain HTTP", "use http://")
}

func TestARunLeavesNothingBehind(t *testing.T) {
	url := crier(t, nil)
	run(t, exitOK, "--idle=0", url)
	metric := func(name string) string {
		response, err := http.Get(url + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(text), "\n"+name+" ")
		value, _, _ := strings.Cut(after, "\n")
		return value
	}
	defer http.DefaultClient.CloseIdleConnections()
	for name, want := range map[string]string{"crier_events_total": "0", "crier_sockets": "0", "crier_feed_held": "0", `crier_sessions{transport="polling"}`: "0", `crier_sessions{transport="websocket"}`: "0"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		for metric(name) != want && ctx.Err() == nil {
			<-time.After(10 * time.Millisecond)
		}
		cancel()
		if got := metric(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestACrierThatSpeaksTLSItselfHasNoFault(t *testing.T) {
	authority := certtest.NewAuthority(t)
	pair := authority.Issue("localhost")
	at := crier(t, func(c *config.Config) { c.TLSCert, c.TLSKey = []string{pair.CertFile}, []string{pair.KeyFile} })
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	at = "localhost:" + u.Port()
	trusting := func(p *probe) {
		p.roots = x509.NewCertPool()
		p.roots.AddCert(authority.Cert)
	}
	r := look(t, trusting, "--idle=0", "https://"+at)
	r.only(t)
	r.expect(t, "tls", OK, "localhost")
	r.expect(t, "address", OK)

	r = look(t, trusting, "--idle=0", "http://"+at)
	r.only(t, "redirects")
	r.expect(t, "redirects", Warning, "http://"+at+" sends to https://"+at, "WebSocket follows no redirect")
	r.expect(t, "websocket", OK)

	r = look(t, func(p *probe) { p.roots = x509.NewCertPool() }, "--idle=0", "https://"+at)
	r.expect(t, "tls", Fault, "comes alone", "fullchain.pem")
}
