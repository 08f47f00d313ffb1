package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/crier/crier/config"
)

const handshake = "/socket.io/?EIO=4&transport=polling"

// metric returns the value of a metric, written with its labels as Prometheus is told it.
func (r *running) metric(name string) string {
	r.t.Helper()
	for line := range strings.Lines(r.get(MetricsPath).body) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	r.t.Errorf("there is no metric %s", name)
	return ""
}

func (r *running) expectMetric(name, want string) {
	r.t.Helper()
	if got := r.metric(name); got != want {
		r.t.Errorf("%s is %s, want %s", name, got, want)
	}
}

// dial opens a plain WebSocket, or says with which status it was refused.
func (r *running) dial(path string, header http.Header) (say func(string) string, status int) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	d := ws.Dialer{TLSConfig: r.tls, Header: ws.HandshakeHeaderHTTP(header), OnStatusError: func(code int, _ []byte, _ io.Reader) { status = code }}
	conn, early, _, err := d.Dial(ctx, "ws"+strings.TrimPrefix(r.url, "http")+path)
	if err != nil {
		return nil, status
	}
	_ = early
	r.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	return func(text string) string {
		if err := wsutil.WriteClientText(conn, []byte(text)); err != nil {
			return err.Error()
		}
		answer, _, err := wsutil.ReadServerData(conn)
		if err != nil {
			return err.Error()
		}
		return string(answer)
	}, http.StatusSwitchingProtocols
}

func TestTooManyHeaderFieldsAreRefused(t *testing.T) {
	r := start(t, func(c *config.Config) { c.MaxHeaders, c.EchoAddr = 20, "127.0.0.1:0" })
	many := func(n int) []string {
		var headers []string
		for i := range n {
			headers = append(headers, fmt.Sprintf("X-%d", i), "")
		}
		return headers
	}
	for _, path := range []string{"/", HealthPath, handshake, "/ws/echo"} {
		if got := r.get(path, many(15)...); got.status == http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: 15 and the client's own are refused", path)
		}
		if got := r.get(path, many(30)...); got.status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: 30 are answered with %d, want 431", path, got.status)
		}
	}
	r.expectMetric(`crier_limit_hits_total{limit="max_headers",part="http"}`, "4")
}

// Sessions and plain WebSockets of an address count together, and the proxy's word for the address counts.
func TestAnAddressIsOneForAllDoors(t *testing.T) {
	r := start(t, func(c *config.Config) {
		c.MaxAddressSessions, c.TrustedProxies = 2, []string{"127.0.0.0/8"}
	})
	from := func(ip string) []string { return []string{"X-Forwarded-For", "6.6.6.6, " + ip} }
	header := func(ip string) http.Header { return http.Header{"X-Forwarded-For": {ip}} }
	if got := r.get(handshake, from("192.0.2.1")...); got.status != http.StatusOK {
		t.Fatalf("the first is answered with %d", got.status)
	}
	say, status := r.dial("/ws/echo", header("192.0.2.1"))
	if status != http.StatusSwitchingProtocols || say("a") != "A!!!" {
		t.Fatalf("the second is answered with %d", status)
	}
	if got := r.get(handshake, from("192.0.2.1")...); got.status != http.StatusTooManyRequests {
		t.Errorf("the third is answered with %d, want 429", got.status)
	}
	if say, status := r.dial("/ws/echo", header("192.0.2.2")); status != http.StatusSwitchingProtocols || say("b") != "B!!!" {
		t.Errorf("another address is answered with %d", status)
	}
	r.expectMetric("crier_addresses", "2")
	r.expectMetric(`crier_sessions{transport="polling"}`, "1")
	r.expectMetric("crier_plain_clients", "2")
	r.until("the log tells", func() bool { return strings.Contains(r.log.String(), `"address":"192.0.2.1"`) })
	if strings.Contains(r.log.String(), "trusted_proxies") {
		t.Error("the log gives a hint that was followed already")
	}
}

func TestWhoForgotToTrustTheProxyIsTold(t *testing.T) {
	r := start(t, func(c *config.Config) { c.MaxAddressSessions, c.MaxAddressRate = 1, 1 })
	statuses := map[int]int{}
	for range 30 {
		statuses[r.get(handshake, "X-Forwarded-For", "192.0.2.1").status]++
	}
	if statuses[http.StatusOK] != 1 || statuses[http.StatusTooManyRequests] != 29 {
		t.Errorf("answered with %v", statuses)
	}
	log := r.log.String()
	if n := strings.Count(log, "a new client was refused"); n == 0 || n > 15 || !strings.Contains(log, "trusted_proxies") {
		t.Errorf("%d lines, want a few that name trusted_proxies:\n%s", n, log)
	}
}

func TestTheLimitOfAllSessionsIsAnsweredWith503(t *testing.T) {
	r := start(t, func(c *config.Config) { c.MaxSessions = 1 })
	r.open("/socket.io/")
	got := r.get(handshake)
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, `"message":"Too many sessions"`) {
		t.Errorf("answered with %d %s", got.status, got.body)
	}
	r.expectMetric(`crier_limit_hits_total{limit="max_sessions",part="engineio"}`, "1")
}

// glutton is a client that holds more than it may.
type glutton struct{ shed chan struct{} }

func (g *glutton) Held() int { return 50 << 20 }
func (g *glutton) Shed()     { close(g.shed) }

func TestWhoHoldsTooMuchIsShedCountedAndLogged(t *testing.T) {
	r := start(t, func(c *config.Config) { c.MaxHeldBytes = 100 << 20 })
	g, a := &glutton{make(chan struct{})}, r.server.shares.Account("192.0.2.7")
	a.Joined(g)
	a.Hold(50 << 20)
	<-g.shed
	a.Left(g)
	r.until("the log tells", func() bool {
		return strings.Contains(r.log.String(), `"limit":"max_held_bytes","address":"192.0.2.7","bytes":52428800`)
	})
	r.expectMetric("crier_held_bytes", "5.24288e+07")
	r.expectMetric("crier_held_bytes_max", "1.048576e+08")
	r.expectMetric(`crier_held_shed_total{reason="address"}`, "1")
	r.expectMetric(`crier_limit_hits_total{limit="max_held_bytes",part="http"}`, "1")
	a.Hold(-50 << 20)
	a.Close()
}

func TestWhoOwnsTooMuchOfWhatIsKeptIsToldOfTheProxy(t *testing.T) {
	r := start(t, func(c *config.Config) { c.FeedMaxEntries = 100 })
	r.get(handshake, "X-Forwarded-For", "192.0.2.1") // a proxy that nobody has named
	now, kept := time.Now(), r.server.kept
	kept.Add("192.0.2.9", 1, now)
	kept.Full(100, 100)
	said := 0
	for range 100 {
		if kept.May("127.0.0.1", 1, now) {
			kept.Add("127.0.0.1", 1, now)
			said++
		}
	}
	log := r.log.String()
	lines := strings.Count(log, "a quarter of all that is kept")
	if said != 25 || lines != 1 || !strings.Contains(log, "trusted_proxies") {
		t.Errorf("it said %d of 100, and %d lines tell:\n%s", said, lines, log)
	}
}

// What is kept is the feed's to tell, also what it held at the start.
func TestNobodyPushesOutOfTheFeedWhatOthersHaveSaid(t *testing.T) {
	folder := t.TempDir()
	for _, life := range []string{"first", "second"} {
		r := start(t, func(c *config.Config) {
			c.Data, c.FeedMaxEntries = folder, 100
			c.TrustedProxies = []string{"127.0.0.1/32"}
		})
		from := func(address string) func(string) string {
			say, status := r.dial("/ws/news", http.Header{"X-Forwarded-For": {address}})
			if say == nil {
				t.Fatalf("refused with %d", status)
			}
			return say
		}
		loud, other := from("192.0.2.1"), from("198.51.100.1")
		const message = `{"type":"message","data":1}`
		other(message)
		said := 0
		for range 200 {
			if answer := loud(message); !strings.Contains(answer, `"code":"rate"`) {
				said++
			}
		}
		// Until the feed is nearly full nobody is bound; then one address owns a quarter at most.
		if want := map[string]int{"first": 89, "second": 25}[life]; said != want {
			t.Errorf("in the %s life one address says %d of 200, want %d", life, said, want)
		}
		if answer := other(message); strings.Contains(answer, "error") {
			t.Errorf("the other is answered %s", answer)
		}
		r.expectMetric(`crier_limit_hits_total{limit="feed_max_entries",part="http"}`, "1")
		r.stop()
		if err := r.wait(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhoIsTooFastIsCounted(t *testing.T) {
	r := start(t, func(c *config.Config) {
		c.MaxMessageRate, c.MaxMessageBurst = 20, 1
		c.MaxReadRate = 2000 // bytes, and 8 times as many at once
	})
	say, _ := r.dial("/ws/news", nil)
	for range 2 {
		say(`{"type":"message","data":"` + strings.Repeat("x", 17_000) + `"}`)
	}
	for range 2 {
		say(`{"type":"history","limit":1}`)
	}
	for _, who := range []string{"speaker", "reader"} {
		if n := r.metric(`crier_rate_waits_total{who="` + who + `"}`); n != "1" {
			t.Errorf("a %s has waited %s times, want 1", who, n)
		}
		seconds, err := strconv.ParseFloat(r.metric(`crier_rate_wait_seconds_total{who="`+who+`"}`), 64)
		if err != nil || seconds <= 0 || seconds > 10 {
			t.Errorf("a %s has waited %v s (%v)", who, seconds, err)
		}
	}
}

// All of an IPv6 /64, which is what one line gets, is one speaker to the feed.
func TestTurnsAreNetworks(t *testing.T) {
	turn := start(t, nil).server.roomOptions().Turn
	if a, b, c := turn("2001:db8:1:2::1"), turn("2001:db8:1:2:ffff::7"), turn("2001:db8:1:3::1"); a != b || a == c {
		t.Errorf("the turns are %q, %q and %q", a, b, c)
	}
	if a, b := turn("192.0.2.1"), turn("192.0.2.2"); a == b {
		t.Errorf("two addresses have the turn %q", a)
	}
}

func TestSpeakersAndReadersWhoWaitAreCounted(t *testing.T) {
	r := start(t, nil)
	r.server.speakers.Add(1500 * time.Millisecond)
	r.server.readers.Add(2 * time.Second)
	r.expectMetric(`crier_rate_waits_total{who="speaker"}`, "1")
	r.expectMetric(`crier_rate_wait_seconds_total{who="speaker"}`, "1.5")
	r.expectMetric(`crier_rate_wait_seconds_total{who="reader"}`, "2")
}

func TestInATrustedNetworkSharesAreLiftedAndTheSumStays(t *testing.T) {
	r := start(t, func(c *config.Config) { c.Limits, c.MaxHeldBytes = config.Trusted, 100<<20 })
	if r.server.kept != nil {
		t.Error("what an address owns of what is kept is bounded")
	}
	a := r.server.shares.Account("192.0.2.7")
	g := &glutton{make(chan struct{})}
	a.Joined(g)
	a.Hold(99 << 20)
	a.Hold(2 << 20)
	<-g.shed
	a.Left(g)
	if st := r.server.shares.Stats(); st.ShedShare != 0 {
		t.Errorf("it was shed below the sum: %+v", st)
	}
	a.Hold(-101 << 20)
	a.Close()
}

func TestTheMetricsCanBeOffOrElsewhere(t *testing.T) {
	off := start(t, func(c *config.Config) { c.Metrics, c.MetricsAddr = false, "127.0.0.1:0" })
	if got := off.get(MetricsPath); got.status != http.StatusNotFound {
		t.Errorf("switched off: %d", got.status)
	}
	if strings.Contains(off.log.String(), "metrics_addr") {
		t.Error("switched off, they have an address")
	}
	r := start(t, func(c *config.Config) { c.MetricsAddr = "127.0.0.1:0" })
	if got := r.get(MetricsPath); got.status != http.StatusNotFound {
		t.Errorf("with an address of their own, on Crier's: %d", got.status)
	}
	at := regexp.MustCompile(`"setting":"metrics_addr","addr":"([^"]+)"`).FindStringSubmatch(r.log.String())
	if at == nil {
		t.Fatalf("the log does not tell where they are:\n%s", r.log)
	}
	r.url = "http://" + at[1]
	r.expectMetric("crier_sessions_opened_total", "0")
}

// The names are what dashboards and alerts are made of, so each stands in the README, and no other.
func TestTheReadmeNamesEveryMetric(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	there, named := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (crier_\w+) `).FindAllStringSubmatch(start(t, secure(t)).get(MetricsPath).body, -1) {
		there[m[1]] = true
	}
	for _, m := range regexp.MustCompile("`(crier_[a-z_]+)").FindAllStringSubmatch(string(readme), -1) {
		named[m[1]] = true
	}
	for name := range there {
		if !named[name] {
			t.Errorf("README does not name %s", name)
		}
	}
	for name := range named {
		if !there[name] {
			t.Errorf("README names %s, which is not there", name)
		}
	}
}

// Every limit that has a setting is there before it is met: an alert needs the 0.
func TestEveryLimitHasItsCount(t *testing.T) {
	r := start(t, nil)
	body := r.get(MetricsPath).body
	for _, name := range []string{
		"max_sessions", "max_address_sessions", "max_address_rate", "max_event_rate", "max_byte_rate", "max_payload", "max_packets",
		"max_fragments", "max_queue", "max_attachments", "max_depth", "max_inbox", "max_namespaces", "max_rooms", "max_acks",
		"max_event_name", "max_plain", "max_plain_rate", "max_headers", "message_timeout", "connect_timeout", "upgrade_timeout",
		"write_timeout", "max_connections", "max_address_connections", "max_held_bytes",
	} {
		if !strings.Contains(body, `crier_limit_hits_total{limit="`+name+`",part="`) {
			t.Errorf("%s has no count", name)
		}
		if _, err := config.Load([]string{"--" + strings.ReplaceAll(name, "_", "-") + "=x"}, nil); err != nil && strings.Contains(err.Error(), "unknown") {
			t.Errorf("%s is no setting: %v", name, err)
		}
	}
	for _, name := range []string{"go_goroutines", "process_start_time_seconds", "crier_build_info{", `crier_feed_messages_total{result="stored"} 0`, `crier_recoveries_total{recovered="true"} 0`} {
		if !strings.Contains(body, "\n"+name) {
			t.Errorf("%s is missing", name)
		}
	}
}
