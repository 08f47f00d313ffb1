package server

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/internal/logging"
)

// reloading is a running server whose log is the one that Crier has.
func reloading(t *testing.T, change func(*config.Config)) *running {
	t.Helper()
	var log *logging.Log
	r := startLogging(t, change, func(c *config.Config, out *journal) *slog.Logger {
		log = NewLog(c, out)
		return log.Logger
	})
	t.Cleanup(func() { log.Close() })
	return r
}

// again returns what Reload reads: the settings of the start with what change makes of them.
func (r *running) again(change func(*config.Config)) func() (*config.Config, error) {
	return func() (*config.Config, error) {
		next := *r.server.config
		change(&next)
		return &next, nil
	}
}

// logged waits for a line that holds all parts.
func (r *running) logged(parts ...string) {
	r.t.Helper()
	r.until("the log says "+strings.Join(parts, " "), func() bool {
		return slices.ContainsFunc(strings.Split(r.log.String(), "\n"), func(line string) bool {
			return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
		})
	})
}

func TestAReloadTakesTheLogLevelAndTellsWhatNeedsARestart(t *testing.T) {
	r := reloading(t, nil)
	r.get(HealthPath)
	r.server.Reload(r.again(func(c *config.Config) {
		c.LogLevel = slog.LevelDebug
		c.MaxQueue++
		c.Addr = ":1"
	}))
	r.logged("the settings were read again", `"taken":"log_level"`, `"need_a_restart":"addr, max_queue"`)
	r.get(ReadyPath)
	r.logged(`"msg":"request"`, `"path":"/readyz"`, `"status":200`)
	if strings.Contains(r.log.String(), `"path":"/healthz"`) {
		t.Error("what came before the reload is in the log")
	}

	r.server.Reload(r.again(func(c *config.Config) { c.LogLevel = slog.LevelError }))
	r.logged(`"taken":"log_level"`, `"need_a_restart":"none"`)
}

func TestAReloadTakesTrustedProxies(t *testing.T) {
	r := reloading(t, func(c *config.Config) { c.LogLevel = slog.LevelDebug })
	r.get("/one", "X-Forwarded-For", "192.0.2.7")
	r.logged(`"path":"/one"`, `"address":"127.0.0.1"`)
	r.server.Reload(r.again(func(c *config.Config) { c.TrustedProxies = []string{"127.0.0.0/8"} }))
	r.logged(`"taken":"trusted_proxies"`, `"need_a_restart":"none"`)
	r.get("/two", "X-Forwarded-For", "192.0.2.7")
	r.logged(`"path":"/two"`, `"address":"192.0.2.7"`)
}

func TestAReloadThatIsWrongChangesNothing(t *testing.T) {
	r := reloading(t, nil)
	r.server.Reload(func() (*config.Config, error) { return nil, errors.New("one is wrong\nso is two") })
	r.logged(`"level":"ERROR"`, "the settings stay as they are", "one is wrong; so is two")
	r.get(HealthPath)
	r.server.Reload(r.again(func(*config.Config) {}))
	r.logged(`"taken":"none"`, `"need_a_restart":"none"`)
	if strings.Contains(r.log.String(), `"msg":"request"`) {
		t.Error("the level has changed")
	}
}

func TestAllPartsOfAReloadAreCheckedBeforeOneIsApplied(t *testing.T) {
	r := reloading(t, nil)
	applied := 0
	fine := Reloader{
		Settings: []string{"addr"},
		Prepare:  func(*config.Config) (func(), error) { return func() { applied++ }, nil },
	}
	wrong := Reloader{Prepare: func(*config.Config) (func(), error) { return nil, errors.New("the certificate is not one") }}
	r.server.reload.parts = append(r.server.reloaders(), fine, wrong)
	r.server.Reload(r.again(func(c *config.Config) { c.Addr, c.LogLevel = ":1", slog.LevelDebug }))
	r.logged("the settings stay as they are", "the certificate is not one")
	if r.get(HealthPath); applied != 0 || strings.Contains(r.log.String(), `"msg":"request"`) {
		t.Error("a part was applied though another is wrong")
	}

	r.server.reload.parts = []Reloader{fine}
	r.server.Reload(r.again(func(c *config.Config) { c.Addr = ":1" }))
	r.server.Reload(r.again(func(c *config.Config) { c.Addr = ":1" }))
	r.logged(`"taken":"addr"`)
	r.logged(`"taken":"none"`) // the second time; what the part's files hold may have changed all the same
	if applied != 2 {
		t.Errorf("applied %d times, want 2", applied)
	}
}

func TestTheLogOfRequestsTellsThatAWebSocketWasOpened(t *testing.T) {
	r := reloading(t, func(c *config.Config) { c.LogLevel = slog.LevelDebug })
	request := "GET /ws/echo HTTP/1.1\r\nHost: " + r.server.Addr().String() +
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	nc, answers := r.raw(request)
	if answer, err := answers.ReadString('\n'); err != nil || !strings.HasPrefix(answer, "HTTP/1.1 101") {
		t.Fatalf("got %q, %v", answer, err)
	}
	nc.Close()
	r.logged(`"path":"/ws/echo"`, `"status":101`)
	if got := r.get("/nothing"); got.status != http.StatusNotFound {
		t.Fatal(got)
	}
	r.logged(`"path":"/nothing"`, `"status":404`)
}

func TestAReloadTakesTheRatesAndSharesOfClients(t *testing.T) {
	r := reloading(t, nil)
	r.server.Reload(r.again(func(c *config.Config) {
		c.MaxAddressSessions, c.MaxAddressRate = 2, 1
		c.MaxMessageRate, c.MaxMessageBurst, c.MaxMessageByteRate, c.MaxMessageByteBurst, c.MaxReadRate = 1, 2, 1<<10, 1<<11, 1<<12
		c.MaxEventRate, c.MaxByteRate, c.MaxPacketRate = 3, 1<<10, 5
		c.MaxSessions = 1
	}))
	r.logged(`"taken":"max_address_sessions, max_address_rate, max_message_rate, max_message_burst, max_message_byte_rate, `+
		`max_message_byte_burst, max_read_rate, max_event_rate, max_byte_rate, max_packet_rate"`, `"need_a_restart":"max_sessions"`)
	first := r.open("/socket.io/")
	r.open("/socket.io/")
	if got := r.get(handshake); got.status != http.StatusTooManyRequests {
		t.Errorf("a third session of an address that may have two: %d", got.status)
	}
	post := func() int {
		response, err := r.client.Post(r.url+first, "text/plain", strings.NewReader("3\x1e3"))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	for range 5 {
		if post() != http.StatusOK {
			t.Fatal("ten packets at once are refused")
		}
	}
	if status := post(); status == http.StatusOK {
		t.Error("more than ten packets at once are taken of a client that may send five a second")
	}
	r.server.Reload(r.again(func(c *config.Config) { c.MaxAddressSessions, c.MaxAddressRate = 1000, 1000 }))
	r.open("/socket.io/")
}
