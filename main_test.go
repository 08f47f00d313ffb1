package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(runAsCrier) != "" {
		main()
	}
	// A process that ignores SIGHUP, as under nohup, hands that down to those that it starts; one that takes it does
	// not.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	goleak.VerifyTestMain(m)
}

// runAsCrier, in the environment of this test's binary, makes it Crier.
const runAsCrier = "RUN_AS_CRIER"

// screen is what a command writes to, and may be read while it runs.
type screen struct {
	mu   sync.Mutex // guards the following
	text strings.Builder
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestEachCommandAnswersWithItsExitCode(t *testing.T) {
	well := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			http.NotFound(w, r)
		}
	}))
	defer well.Close()
	ill := httptest.NewServer(http.NotFoundHandler())
	defer ill.Close()
	wellAddr, illAddr := well.Listener.Addr().String(), ill.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(wellAddr)

	rightFile, wrongFile := filepath.Join(t.TempDir(), "right.yaml"), filepath.Join(t.TempDir(), "wrong.yaml")
	for file, text := range map[string]string{rightFile: "addr: :81\n", wrongFile: "addr: :81\nmax_queue: lots\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name           string
		args, environ  []string
		code           int
		stdout, stderr string
	}{
		{name: "help", args: []string{"--help"}, stdout: "--ping-interval DURATION"},
		{name: "help of a command", args: []string{"config", "-h"}, stdout: "Usage: crier"},
		{name: "version", args: []string{"--version"}, stdout: "crier "},
		{name: "config", args: []string{"config", "--log-level=warn"}, stdout: "\nlog_level: \"warn\"\n"},
		{name: "config from the environment", args: []string{"config"}, environ: []string{"PORT=81"},
			stdout: "\naddr: \":81\"\n"},
		{name: "wrong setting", environ: []string{"CRIER_LOG_LEVEL=loud"}, code: exitUsage,
			stderr: "CRIER_LOG_LEVEL: \"loud\""},
		{name: "the feed's tool", args: []string{"feed", "--help"}, stdout: "Usage: crier feed"},
		{name: "the feed's tool, wrongly used", args: []string{"feed", "eat"}, code: exitUsage, stderr: "eat"},
		{name: "the doctor", args: []string{"doctor", "--help"}, stdout: "Usage: crier doctor"},
		{name: "the doctor, wrongly used", args: []string{"doctor", "here"}, code: exitUsage, stderr: "https://"},
		{name: "the doctor, of no Socket.IO server", args: []string{"doctor", "http://" + illAddr, "--json"},
			code:   exitFailed,
			stdout: "no Socket.IO server answers"},
		{name: "unknown command", args: []string{"sevre"}, code: exitUsage, stderr: "sevre"},
		{name: "another word for serve", args: []string{"start", "--addr", ":81"}, code: exitUsage,
			stderr: "`crier` starts the server"},
		{name: "port", args: []string{"--port", "8080"}, code: exitUsage, stderr: "did you mean --addr :8080?"},
		{name: "command behind flags", args: []string{"--addr=:81", "serve"}, code: exitUsage,
			stderr: "a command comes before all flags"},
		{name: "version, short", args: []string{"-v"}, stdout: "crier "},
		{name: "a file that is right", args: []string{"config", "--check", rightFile}, stdout: "nothing is wrong"},
		{name: "a file that is wrong", args: []string{"config", "--check=" + wrongFile},
			environ: []string{"CRIER_LOG_LEVEL=loud"}, code: exitUsage, stderr: "line 2): \"lots\" is not allowed"},
		{name: "no file", args: []string{"config", "--check"}, code: exitUsage, stderr: "crier config --check FILE"},
		{name: "healthy", args: []string{"healthcheck"}, environ: []string{"CRIER_DATA=", "CRIER_ADDR=" + wellAddr}},
		{name: "healthy on all addresses", args: []string{"healthcheck"},
			environ: []string{"CRIER_DATA=", "CRIER_ADDR=0.0.0.0:" + port}},
		{name: "ill", args: []string{"healthcheck", "--addr", illAddr}, code: exitFailed, stderr: "404"},
		{name: "address in use", args: []string{"--data=", "--addr", illAddr}, code: exitFailed, stderr: illAddr},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr screen
			if code := run(c.args, c.environ, &stdout, &stderr); code != c.code {
				t.Errorf("the exit code is %d, want %d", code, c.code)
			}
			if !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
				t.Errorf("got stdout %q and stderr %q, want %q and %q", stdout.String(), stderr.String(), c.stdout, c.stderr)
			}
			if c.stdout == "" && stdout.String() != "" || c.stderr == "" && stderr.String() != "" {
				t.Errorf("unasked for: stdout %q, stderr %q", stdout.String(), stderr.String())
			}
		})
	}
}

func TestTheUsageTellsOfEachCommandOnce(t *testing.T) {
	for _, word := range words() {
		if n := strings.Count(usage, "\n  "+word+" "); n != 1 {
			t.Errorf("it tells %d times of %q", n, word)
		}
	}
}

func TestSIGTERMEndsTheServerInOrder(t *testing.T) {
	var stdout, stderr screen
	code := make(chan int, 1)
	go func() {
		code <- run([]string{"--addr=127.0.0.1:0", "--data=", "--log-format=json"}, nil, &stdout, &stderr)
	}()

	deadline := time.Now().Add(10 * time.Second)
	for !strings.Contains(stderr.String(), "listening") {
		if time.Now().After(deadline) {
			t.Fatalf("it does not listen: %s", stderr.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-code:
		if got != exitOK || !strings.Contains(stderr.String(), "stopped") {
			t.Errorf("the exit code is %d, the log:\n%s", got, stderr.String())
		}
	case <-time.After(15 * time.Second):
		t.Fatalf("it has not ended:\n%s", stderr.String())
	}
}
