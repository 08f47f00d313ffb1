package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/crier/crier/config"
)

// upgrade are the headers of a request for a WebSocket.
var upgrade = []string{
	"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
}

// hostDoors are requests of each kind that a page can make, and what answers them.
var hostDoors = []struct {
	path    string
	headers []string
	status  int
}{
	{"/", nil, http.StatusOK},
	{"/playground/", nil, http.StatusOK},
	{"/nothing", nil, http.StatusNotFound},
	{MetricsPath, nil, http.StatusOK},
	{handshake, nil, http.StatusOK},
	{handshake + "&j=0", nil, http.StatusOK},
	{"/socket.io/?EIO=4&transport=websocket", upgrade, http.StatusSwitchingProtocols},
	{"/ws/news", upgrade, http.StatusSwitchingProtocols},
	{"/ws/echo", upgrade, http.StatusSwitchingProtocols},
}

// asks makes all these requests for a host, with the origin of a page that was loaded under it.
func (r *running) asks(host string, welcome bool, headers ...string) {
	r.t.Helper()
	for _, d := range hostDoors {
		want := d.status
		if !welcome {
			want = http.StatusMisdirectedRequest
		}
		all := slices.Concat([]string{"Host", host, "Origin", "http://" + host}, d.headers, headers)
		if got := r.get(d.path, all...); got.status != want {
			r.t.Errorf("%s of %s: %d %q, want %d", d.path, host, got.status, got.body, want)
		} else if !welcome && !strings.Contains(got.body, "allowed_hosts") {
			r.t.Errorf("%s of %s: the words are %q", d.path, host, got.body)
		}
	}
	for _, path := range []string{HealthPath, ReadyPath} {
		if got := r.get(path, "Host", host); got.status != http.StatusOK {
			r.t.Errorf("%s of %s: %d", path, host, got.status)
		}
	}
}

func ownNamesAlone(c *config.Config) { c.AllowedHosts = nil } // the default

func TestAServerOfThisMachineAloneIsAskedByItsOwnNames(t *testing.T) {
	r := start(t, ownNamesAlone)
	for _, own := range []string{"localhost:3000", "127.0.0.1", "[::1]:3000", "crier.localhost", "192.0.2.1:80"} {
		r.asks(own, true)
	}
	r.asks("rebound.example:3000", false)
	if n := strings.Count(r.log.String(), "allowed_hosts"); n != 1 || !strings.Contains(r.log.String(), `"host":"rebound.example:3000"`) {
		t.Errorf("%d lines of the log tell of it:\n%s", n, r.log)
	}
	r.until("the metrics count it", func() bool {
		return strings.Contains(r.get(MetricsPath).body, `crier_refused_requests_total{reason="host"} 9`)
	})
}

func TestByDefaultOthersMayBeAskedByAnyName(t *testing.T) {
	r := start(t, func(c *config.Config) { c.AllowedHosts, c.TrustedProxies = nil, []string{"127.0.0.0/8"} })
	r.asks("chat.example.org", true)
	r = start(t, func(c *config.Config) { c.AllowedHosts, c.Addr = nil, "0.0.0.0:0" })
	r.asks("chat.example.org", true)
}

func TestTheAllowedHostsAndNoOthersAreServed(t *testing.T) {
	r := start(t, func(c *config.Config) {
		c.Addr = "0.0.0.0:0"
		c.AllowedHosts = []string{"chat.example.org", "*.example.net"}
	})
	for _, host := range []string{"chat.example.org", "CHAT.example.org:8443", "a.example.net", "localhost", "127.0.0.1:3000"} {
		r.asks(host, true)
	}
	for _, host := range []string{"example.org", "rebound.example", "a.chat.example.org"} {
		r.asks(host, false)
		r.asks(host, false, "X-Forwarded-Host", "chat.example.org") // from nobody who is trusted
	}
}

func TestTheHostThatATrustedProxyNamesIsTheOneThatCounts(t *testing.T) {
	r := start(t, func(c *config.Config) {
		c.TrustedProxies = []string{"127.0.0.0/8"}
		c.AllowedHosts = []string{"chat.example.org"}
	})
	for _, said := range [][]string{
		{"X-Forwarded-Host", "chat.example.org"},
		{"Forwarded", "for=192.0.2.1;host=chat.example.org;proto=https"},
		{"X-Forwarded-Host", "chat.example.org, chat.example.org:443"},
	} {
		if got := r.get(handshake, append(said, "Host", "upstream", "Origin", "https://chat.example.org")...); got.status != http.StatusOK {
			t.Errorf("%q: %d %s", said, got.status, got.body)
		}
	}
	for _, said := range [][]string{
		{"X-Forwarded-Host", "rebound.example"},
		{"X-Forwarded-Host", "chat.example.org, rebound.example"}, // a page's own, and what a proxy has added
		{"X-Forwarded-Host", "chat.example.org", "Forwarded", "host=rebound.example"},
	} {
		if got := r.get(handshake, append(said, "Host", "upstream")...); got.status != http.StatusMisdirectedRequest {
			t.Errorf("%q: %d %s", said, got.status, got.body)
		}
	}
	r.asks("rebound.example", false, "X-Forwarded-Host", "chat.example.org") // by a proxy that passes on what a page wrote
	r.asks("rebound.example", false, "Forwarded", "host=chat.example.org")
	r.asks("127.0.0.1:3000", true, "X-Forwarded-Host", "chat.example.org")
}

func TestBehindAProxyThatChangesTheHostThePageIsServed(t *testing.T) {
	for _, c := range []struct {
		origin, host string
		said         []string
		trusted      bool
		want         int
	}{
		{"https://chat.example.org", "127.0.0.1:3000", []string{"X-Forwarded-Host", "chat.example.org"}, true, http.StatusOK},
		{"https://chat.example.org", "127.0.0.1:3000", []string{"X-Forwarded-Host", "chat.example.org"}, false, http.StatusForbidden},
		{"https://chat.example.org", "127.0.0.1:3000", []string{"Forwarded", `host="chat.example.org:443"`}, true, http.StatusOK},
		{"https://chat.example.org", "127.0.0.1:3000", []string{"Forwarded", `host="`}, true, http.StatusForbidden},
		{"https://chat.example.org:8443", "chat.example.org", []string{"X-Forwarded-Port", "8443"}, true, http.StatusOK},
		{"https://chat.example.org:8443", "chat.example.org", []string{"X-Forwarded-Port", "8444"}, true, http.StatusForbidden},
		{"http://h:8080", "crier", []string{"X-Forwarded-Host", "h", "X-Forwarded-Port", "8080"}, true, http.StatusOK},
		{"https://elsewhere.org", "crier", []string{"X-Forwarded-Host", "chat.example.org"}, true, http.StatusForbidden},
		{"https://chat.example.org", "crier", []string{"Sec-Fetch-Site", "same-origin"}, false, http.StatusOK},
	} {
		r := start(t, func(c *config.Config) { c.AllowedHosts = []string{"*"} })
		if c.trusted {
			r.server.trust([]string{"127.0.0.0/8"})
		}
		if got := r.get(handshake, append(c.said, "Host", c.host, "Origin", c.origin)...); got.status != c.want {
			t.Errorf("%s at %s, %q: %d %s, want %d", c.origin, c.host, c.said, got.status, got.body, c.want)
		}
	}
}

func TestADoorOfItsOwnIsAskedByTheSameNames(t *testing.T) {
	r := start(t, func(c *config.Config) { c.AllowedHosts, c.EchoAddr = nil, "127.0.0.1:0" })
	at := regexp.MustCompile(`"setting":"echo_addr","addr":"([^"]+)"`).FindStringSubmatch(r.log.String())
	if at == nil {
		t.Fatal(r.log)
	}
	main := r.url
	defer func() { r.url = main }()
	r.url = "http://" + at[1]
	for path, host := range map[string]string{"/": "rebound.example", HealthPath: "rebound.example"} {
		if got := r.get(path, append(upgrade, "Host", host)...); got.status != http.StatusMisdirectedRequest {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := r.get("/", append(upgrade, "Host", "localhost")...); got.status != http.StatusSwitchingProtocols {
		t.Errorf("localhost: %d %s", got.status, got.body)
	}
}

// Prometheus asks for them at "crier:9100" in Docker and Kubernetes.
func TestTheMetricsOfTheirOwnAddressAreAskedByNamesWithoutADot(t *testing.T) {
	r := start(t, func(c *config.Config) {
		c.AllowedHosts, c.MetricsAddr, c.TrustedProxies = []string{"chat.example.org"}, "127.0.0.1:0", []string{"127.0.0.0/8"}
	})
	main := r.url
	defer func() { r.url = main }()
	r.url = "http://" + r.server.plain.doors[0].listener.Addr().String()
	for host, want := range map[string]int{
		"crier:9100": http.StatusOK, "chat.example.org": http.StatusOK, "127.0.0.1:9100": http.StatusOK,
		"rebound.example": http.StatusMisdirectedRequest,
	} {
		if got := r.get("/metrics", "Host", host); got.status != want {
			t.Errorf("%s: %d %s", host, got.status, got.body)
		}
	}
	if got := r.get("/metrics", "Host", "crier", "X-Forwarded-Host", "rebound.example"); got.status != http.StatusMisdirectedRequest {
		t.Errorf("a name that a proxy tells: %d", got.status)
	}
	r.url = main
	if got := r.get("/", "Host", "crier:9100"); got.status != http.StatusMisdirectedRequest {
		t.Errorf("at addr: %d %s", got.status, got.body)
	}
}

func TestARequestForAnotherHostIsInTheAccessLog(t *testing.T) {
	r := start(t, both(ownNamesAlone, func(c *config.Config) { c.LogLevel = slog.LevelDebug }))
	r.get("/page", "Host", "rebound.example")
	r.logged(`"msg":"request"`, `"path":"/page","status":421`)
}

func TestAReloadTakesAllowedOriginsAndHosts(t *testing.T) {
	r := reloading(t, ownNamesAlone)
	r.asks("chat.example.org", false)
	r.server.Reload(r.again(func(c *config.Config) {
		c.AllowedHosts = []string{"chat.example.org"}
		c.AllowedOrigins = []string{"https://friend.example"}
	}))
	r.logged(`"taken":"allowed_origins, allowed_hosts"`, `"need_a_restart":"none"`)
	r.asks("chat.example.org", true)
	if got := r.get(handshake, "Origin", "https://friend.example"); got.status != http.StatusOK {
		t.Errorf("a page of an origin that is allowed now: %d", got.status)
	}
	r.server.Reload(r.again(func(c *config.Config) {
		c.AllowedHosts = []string{"chat.example.org:80"}
		c.AllowedOrigins = []string{"https://other.example"}
	}))
	r.logged("the settings stay as they are", "without a port")
	if got := r.get(handshake, "Origin", "https://friend.example"); got.status != http.StatusOK {
		t.Errorf("after a reload that was wrong: %d", got.status)
	}
}

func TestThePolicyOfThePageNamesTheHostThatItWasAskedFor(t *testing.T) {
	r := start(t, func(c *config.Config) { c.AllowedHosts, c.TrustedProxies = nil, []string{"127.0.0.0/8"} })
	got := r.get("/", "Host", "upstream", "X-Forwarded-Host", "chat.example.org")
	if policy := got.header.Get("Content-Security-Policy"); !strings.Contains(policy, "wss://chat.example.org") {
		t.Error(policy)
	}
}

func BenchmarkAHostIsLookedUp(b *testing.B) {
	s := &Server{}
	s.trust(nil)
	served := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	h, r := s.guard("127.0.0.1:3000", served), httptest.NewRequest(http.MethodGet, "http://localhost:3000/", nil)
	for b.Loop() {
		h.ServeHTTP(nil, r)
	}
}
