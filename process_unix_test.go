//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a process may take for what it does at once; machines that test many things at a time are
// slow.
const patience = 20 * time.Second

// process is Crier as a process of its own.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	exit chan error
}

// launch starts Crier with its log on stderr, and kills it at the end of the test. It does not wait for it to
// listen.
func launch(t *testing.T, stderr *os.File, args ...string) *process {
	t.Helper()
	addr := freeAddr(t)
	p := &process{t: t, url: "http://" + addr, exit: make(chan error, 1)}
	p.cmd = exec.Command(os.Args[0], append([]string{"--addr", addr, "--data="}, args...)...)
	p.cmd.Env = []string{runAsCrier + "=1", "GORACE=atexit_sleep_ms=0"} // the race detector waits a second at the end
	p.cmd.Stderr = stderr
	p.start()
	return p
}

func (p *process) start() {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { p.exit <- p.cmd.Wait() }() // ends with the process
	p.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		p.end()
	})
}

// freeAddr returns an address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// end waits for the process and returns its exit code; -1 means that a signal ended it.
func (p *process) end() int {
	p.t.Helper()
	select {
	case err := <-p.exit:
		p.exit <- err
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			p.t.Fatal(err)
		}
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatal("the process has not ended")
		return 0
	}
}

// get returns the status and the body of an answer; 0 when there is none.
func (p *process) get(path string, headers ...string) (int, string) {
	r, err := http.NewRequest(http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

func (p *process) until(what string, holds func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("it has not come true that %s", what)
		}
	}
}

func (p *process) isWell() bool {
	status, _ := p.get("/healthz")
	return status == http.StatusOK
}

func TestSIGHUPReadsTheSettingsAgain(t *testing.T) {
	file, log := filepath.Join(t.TempDir(), "crier.yaml"), logFile(t)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log_level: info\n")
	p := launch(t, log, "--config", file)
	p.logged(log.Name(), "listening")

	write("log_level: debug\nmax_queue: 2MiB\n")
	p.signal(syscall.SIGHUP)
	p.logged(log.Name(), "the settings were read again", `"taken":"log_level"`, `"need_a_restart":"max_queue"`)
	p.isWell()
	p.logged(log.Name(), `"msg":"request"`)

	write("log_level: warn\nmax_queue: many\n")
	p.signal(syscall.SIGHUP)
	p.logged(log.Name(), "the settings stay as they are", "max_queue (", "line 2", "many")
	if !p.isWell() {
		t.Error("it does not answer any more")
	}
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != exitOK {
		t.Errorf("the exit code is %d", code)
	}
}

func TestASignalThatIsIgnoredStaysIgnored(t *testing.T) {
	log := logFile(t)
	p := launch(t, log)
	_ = p.cmd.Process.Kill()
	p.end()

	again := &process{t: t, url: p.url, exit: make(chan error, 1)}
	nohup := []string{"-c", `trap "" HUP INT; exec "$0" "$@"`}
	again.cmd = exec.Command("/bin/sh", append(nohup, p.cmd.Args...)...)
	again.cmd.Env, again.cmd.Stderr = p.cmd.Env, log
	again.start()
	again.until("it answers", again.isWell)
	again.signal(syscall.SIGHUP)
	again.signal(syscall.SIGINT)
	again.signal(syscall.SIGTERM) // the kernel hands them over in the order of their numbers
	if code := again.end(); code != exitOK {
		t.Errorf("the exit code is %d", code)
	}
	text, err := os.ReadFile(log.Name())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "read again") {
		t.Errorf("SIGHUP was not ignored:\n%s", text)
	}
}

// closeCode opens a WebSocket, sends a signal, and returns the code that the WebSocket is closed with.
func (p *process) closeCode(s syscall.Signal) int {
	p.t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(nc, "GET /ws/echo HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", nc.RemoteAddr())
	answer := bufio.NewReader(nc)
	for line := "-"; strings.TrimSpace(line) != ""; {
		if line, err = answer.ReadString('\n'); err != nil {
			p.t.Fatal(err)
		}
	}
	p.signal(s)
	frame := make([]byte, 4) // the header of a close frame, and the code
	if _, err := io.ReadFull(answer, frame); err != nil || frame[0] != 0x88 {
		p.t.Fatalf("got %x, %v, want a close frame", frame, err)
	}
	return int(frame[2])<<8 | int(frame[3])
}

func TestClientsAreToldWhetherCrierStopsOrStartsAgain(t *testing.T) {
	for s, want := range map[syscall.Signal]int{syscall.SIGTERM: 1001, syscall.SIGINT: 1001, syscall.SIGUSR2: 1012} {
		p := launch(t, logFile(t), "--drain-timeout=1s")
		p.until("it answers", p.isWell)
		if code := p.closeCode(s); code != want {
			t.Errorf("%v: the code is %d, want %d", s, code, want)
		}
		if code := p.end(); code != exitOK {
			t.Errorf("%v: the exit code is %d", s, code)
		}
	}
}

func TestTheHealthCheckFindsAnAddressThatOnlyTheServerWasGiven(t *testing.T) {
	data := t.TempDir()
	p := launch(t, logFile(t), "--data="+data)
	p.until("it answers", p.isWell)
	check := func() (int, string) {
		var stdout, stderr screen
		return run([]string{"healthcheck"}, []string{"CRIER_DATA=" + data}, &stdout, &stderr), stderr.String()
	}
	p.until("the check finds it", func() bool { code, _ := check(); return code == exitOK })
	p.signal(syscall.SIGTERM)
	p.end()
	if code, why := check(); code != exitFailed || strings.Contains(why, p.url) {
		t.Errorf("when it has ended, the check's exit code is %d: %s", code, why)
	}
}
