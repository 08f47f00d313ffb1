package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// crier runs a Crier until the test ends, and returns its URL.
func crier(t *testing.T, change func(*config.Config)) string {
	t.Helper()
	c := config.Default()
	c.Addr, c.Data, c.DrainTimeout = "127.0.0.1:0", "", 100*time.Millisecond
	c.TrustedProxies = nil
	if change != nil {
		change(c)
	}
	s, err := server.New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + s.Addr().String()
}

// serve runs a handler as a server until the test ends.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// forward is a proxy as it should be, but for what edit makes of it.
func forward(t *testing.T, to string, edit func(*httputil.ReverseProxy)) *httputil.ReverseProxy {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	p := &httputil.ReverseProxy{
		Transport: transport,
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded()
		},
	}
	if edit != nil {
		edit(p)
	}
	return p
}

// rewriting adds to what a proxy does with requests.
func rewriting(more func(r *httputil.ProxyRequest)) func(*httputil.ReverseProxy) {
	return func(p *httputil.ReverseProxy) {
		usual := p.Rewrite
		p.Rewrite = func(r *httputil.ProxyRequest) {
			usual(r)
			more(r)
		}
	}
}

func behindProxy(c *config.Config) { c.TrustedProxies = []string{"127.0.0.1/32"} }

// run does the command with --json, and returns its report.
func run(t *testing.T, code int, args ...string) *Report {
	t.Helper()
	var stdout, stderr bytes.Buffer
	got := Run(append([]string{"--json"}, args...), &stdout, &stderr)
	report := &Report{}
	if err := json.Unmarshal(stdout.Bytes(), report); err != nil {
		t.Fatalf("%v: %s%s", err, stdout.String(), stderr.String())
	}
	if got != code || stderr.Len() > 0 {
		t.Errorf("%v ends with %d: %s%s", args, got, stdout.String(), stderr.String())
	}
	return report
}

// look is run without the command line's end, with a probe that a test may change.
func look(t *testing.T, change func(*probe), args ...string) *Report {
	t.Helper()
	opts, err := parse(args)
	if err != nil {
		t.Fatal(err)
	}
	p := newProbe(opts)
	defer p.close()
	change(p)
	report := &Report{}
	p.run(t.Context(), report.add)
	report.Server = p.kind
	return report
}

// expect looks for what a check found.
func (r *Report) expect(t *testing.T, check string, status Status, texts ...string) {
	t.Helper()
	for _, c := range r.Checks {
		if c.Check != check {
			continue
		}
		all := c.Seen + "\n" + strings.Join(c.Change, "\n")
		if c.Status != status {
			t.Errorf("%s: %s, want %s: %s", check, c.Status, status, all)
		}
		for _, text := range texts {
			if !strings.Contains(all, text) {
				t.Errorf("%s does not say %q: %s", check, text, all)
			}
		}
		return
	}
	t.Errorf("there is no check %q: %+v", check, r.Checks)
}

// only fails for what is wrong and not named.
func (r *Report) only(t *testing.T, checks ...string) {
	t.Helper()
	for _, c := range r.Checks {
		if c.Status != OK && c.Status != Skipped && !strings.Contains(","+strings.Join(checks, ",")+",", ","+c.Check+",") {
			t.Errorf("%s: %s: %s", c.Check, c.Status, c.Seen)
		}
	}
}
