package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crier/crier/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is a log that a test can read while it is written.
type journal struct {
	mu   sync.Mutex // guards the following
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func settings(change func(*config.Config)) *config.Config {
	c := config.Default()
	c.Addr = "127.0.0.1:0"
	c.AllowedHosts = []string{"crier"}      // what requests that tests write by hand are for
	c.Data = ""                             // a folder belongs to one server
	c.DrainTimeout = 100 * time.Millisecond // many tests leave sessions behind that never poll
	if change != nil {
		change(c)
	}
	return c
}

// running is a server under test, with a client of its own.
type running struct {
	t      *testing.T
	server *Server
	url    string
	log    *journal
	client *http.Client
	tls    *tls.Config // that of clients; nil: all is plain
	stop   context.CancelFunc
	wait   func() error // returns what Run did
}

// start runs a server with the default settings and what change makes of them; it is drained when the test ends.
func start(t *testing.T, change func(*config.Config)) *running {
	t.Helper()
	return startLogging(t, change, func(c *config.Config, out *journal) *slog.Logger {
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: c.LogLevel}))
	})
}

func startLogging(t *testing.T, change func(*config.Config), logger func(*config.Config, *journal) *slog.Logger) *running {
	t.Helper()
	log, c := &journal{}, settings(change)
	s, err := New(c, logger(c, log))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	transport := &http.Transport{DisableCompression: true}
	r := &running{
		t: t, server: s, url: s.scheme() + "://" + s.Addr().String(), log: log, stop: stop,
		wait:   sync.OnceValue(func() error { return <-ended }),
		client: &http.Client{Transport: transport, Timeout: 10 * time.Second},
	}
	if c.TLS() {
		r.tls = trusting(t, c)
		transport.TLSClientConfig = r.tls.Clone()
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		stop()
		if err := r.wait(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	r.until("it is ready", func() bool { return r.get(ReadyPath).status == http.StatusOK })
	return r
}

// answer is a response whose body has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (r *running) get(path string, headers ...string) answer {
	r.t.Helper()
	got, err := r.tryGet(path, headers...)
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

// tryGet asks with headers given as name, value, name, value.
func (r *running) tryGet(path string, headers ...string) (answer, error) {
	request, err := http.NewRequest(http.MethodGet, r.url+path, nil)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	request.Host = request.Header.Get("Host") // empty: that of the address
	response, err := r.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return answer{status: response.StatusCode, header: response.Header}, nil // its body ends with the connection
	}
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

// until polls until what is promised has come true.
func (r *running) until(what string, holds func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited 5 s until %s; the log:\n%s", what, r.log)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// open begins a session on polling and returns what its polls ask for.
func (r *running) open(path string) string {
	r.t.Helper()
	got := r.get(path + "?EIO=4&transport=polling")
	var hello struct {
		SID string `json:"sid"`
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(got.body, "0")), &hello); err != nil || hello.SID == "" {
		r.t.Fatalf("the handshake is answered with %d %q", got.status, got.body)
	}
	return path + "?EIO=4&transport=polling&sid=" + hello.SID
}

func TestSocketIOIsServedAtThePathOfTheSetting(t *testing.T) {
	r := start(t, func(c *config.Config) { c.Path = "/chat/" })
	r.open("/chat/")
	r.open("/chat")
	if got := r.get("/socket.io/?EIO=4&transport=polling"); got.status != http.StatusNotFound {
		t.Errorf("the default path is answered with %d, want 404", got.status)
	}
	if page := r.get("/"); !strings.Contains(page.body, `"chat/"`) {
		t.Error("the page does not know the path")
	}
	if script := r.get("/chat/socket.io.js"); script.status == http.StatusNotFound || script.status == http.StatusBadRequest {
		t.Errorf("the client script is answered with %d", script.status)
	}
}

func TestSettingsReachTheEngine(t *testing.T) {
	r := start(t, func(c *config.Config) {
		c.PingInterval, c.PingTimeout = 7*time.Second, 9*time.Second
		c.MaxPayload = 4321
		c.AllowUpgrades = false
		c.AllowEIO3 = false
		c.Transports = []string{"polling"}
	})
	hello := r.get("/socket.io/?EIO=4&transport=polling").body
	for _, want := range []string{`"pingInterval":7000`, `"pingTimeout":9000`, `"maxPayload":4321`, `"upgrades":[]`} {
		if !strings.Contains(hello, want) {
			t.Errorf("the handshake %s lacks %s", hello, want)
		}
	}
	if got := r.get("/socket.io/?EIO=3&transport=polling"); got.status != http.StatusBadRequest {
		t.Errorf("Engine.IO 3 is answered with %d, want 400", got.status)
	}
	if got := r.get("/socket.io/?EIO=4&transport=websocket"); got.status != http.StatusBadRequest {
		t.Errorf("WebSocket is answered with %d, want 400", got.status)
	}
}

func TestAnAddressInUseIsAnErrorOfTheStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = New(settings(func(c *config.Config) { c.Addr = taken.Addr().String() }), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("got %v, want an error that names %s", err, taken.Addr())
	}
}

func TestAPathThatThePageHasIsAnErrorOfTheStart(t *testing.T) {
	for _, path := range []string{"/js/", "/healthz/", "/readyz/", "/favicon.svg/"} {
		_, err := New(settings(func(c *config.Config) { c.Path = path }), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("path %s: got %v, want an error that names it", path, err)
		}
	}
}

func TestAListenerThatFailsEndsRun(t *testing.T) {
	s, err := New(settings(nil), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_ = s.listener.Close()
	if err := s.Run(context.Background()); err == nil {
		t.Error("Run returned no error")
	}
}

func TestCloseWithoutRunGivesTheAddressBack(t *testing.T) {
	s, err := New(settings(nil), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	again, err := net.Listen("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}
