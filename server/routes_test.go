package server

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/internal/limit"
)

func TestWhatIsNotThereIsAnsweredWith404(t *testing.T) {
	r := start(t, nil)
	for _, path := range []string{"/nothing", "/js/", "/js/../../go.mod", "/index.html/x"} {
		if got := r.get(path); got.status != http.StatusNotFound || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s is answered with %d and %v", path, got.status, got.header)
		}
	}
}

func TestAPanicIsAnsweredWith500AndLogged(t *testing.T) {
	log := &journal{}
	s := &Server{faults: &faults{slog.New(slog.NewJSONHandler(log, nil)), limit.NewOutlet()}}
	g := gin.New()
	g.GET("/", s.recovered, func(*gin.Context) { panic("the cause") })
	for range 1000 {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusInternalServerError || !strings.Contains(log.String(), `"the cause"`) {
			t.Fatalf("got %d and the log %q", w.Code, log)
		}
	}
	if n := strings.Count(log.String(), "panic in a handler"); n > 20 {
		t.Errorf("the log has %d lines of 1,000 panics", n)
	}
}

func TestWhatNetHTTPLogsIsBounded(t *testing.T) {
	r := start(t, nil)
	for range 1000 {
		r.server.http.ErrorLog.Print("http: something that a client did")
	}
	n := strings.Count(r.log.String(), `"level":"WARN","msg":"http: something that a client did","not_logged":0`)
	if n < 1 || n > 20 {
		t.Errorf("the log has %d lines of 1,000:\n%s", n, r.log)
	}
}

func TestTheAccessLogIsWrittenAtDebugAndKeepsSessionIDsOut(t *testing.T) {
	quiet := start(t, nil)
	quiet.open("/socket.io/")
	if strings.Contains(quiet.log.String(), `"msg":"request"`) {
		t.Error("requests are logged at info")
	}
	r := start(t, func(c *config.Config) { c.LogLevel = slog.LevelDebug })
	session := r.open("/socket.io/")
	r.until("the request is logged", func() bool { return strings.Contains(r.log.String(), `"path":"/socket.io/"`) })
	if _, id, _ := strings.Cut(session, "sid="); strings.Contains(r.log.String(), id) {
		t.Error("the log holds the session's id")
	}
}

// One connection fetches a file, whose answer has a deadline, and then polls for longer than that.
func TestTheDeadlineOfAFileDoesNotOutliveIt(t *testing.T) {
	r := start(t, func(c *config.Config) {
		c.WriteTimeout = 50 * time.Millisecond
		c.PingInterval = 300 * time.Millisecond
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	session := r.open("/socket.io/")
	reader := bufio.NewReader(conn)
	for _, path := range []string{HealthPath, session} {
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: crier\r\n\r\n", path)
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s is answered with %d %q %v", path, response.StatusCode, body, err)
		}
	}
}

func TestHeadersThatDoNotArriveCloseTheConnection(t *testing.T) {
	r := start(t, func(c *config.Config) { c.ReadHeaderTimeout = 50 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost:")
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection is still open: %v", err)
	}
}

func TestHeadersOverTheLimitAreRefused(t *testing.T) {
	r := start(t, func(c *config.Config) { c.MaxHeaderBytes = 2048 })
	got, err := r.tryGet(HealthPath, "Cookie", strings.Repeat("x", 32<<10))
	if err == nil && got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered with %d, want 431", got.status)
	}
}
