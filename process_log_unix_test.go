//go:build unix

package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// provoke makes Crier log n lines, which any visitor can.
func (p *process) provoke(n int) {
	p.t.Helper()
	for i := range n {
		status, body := p.get("/socket.io/?EIO=4&transport=polling", "Origin", fmt.Sprintf("https://%d.example", i))
		if status != http.StatusForbidden {
			p.t.Fatalf("a foreign page is answered with %d %s", status, body)
		}
	}
}

var lostLines = regexp.MustCompile(`(?m)^crier_log_lost_lines_total (\d+)$`)

func (p *process) lost() int {
	p.t.Helper()
	_, metrics := p.get("/metrics")
	found := lostLines.FindStringSubmatch(metrics)
	if found == nil {
		p.t.Fatalf("the metrics do not tell what the log has lost:\n%s", metrics)
	}
	n, _ := strconv.Atoi(found[1])
	return n
}

// pipe returns a pipe whose ends block, as shells make them.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	for _, fd := range ends {
		syscall.CloseOnExec(fd)
	}
	r, w = os.NewFile(uintptr(ends[0]), "reader"), os.NewFile(uintptr(ends[1]), "writer")
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

// fill writes to a pipe until no byte more fits.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	fd := int(w.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for size := 4096; size > 0; {
		if _, err := syscall.Write(fd, make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
}

func TestALogWhoseReaderHasGoneStopsNothing(t *testing.T) {
	r, w := pipe(t)
	p := launch(t, w)
	lines := bufio.NewReader(r)
	for _, want := range []string{"listening", "is kept"} { // all that the start writes: none of it is lost
		if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, want) {
			t.Fatalf("got %q, %v; want a line with %q", line, err, want)
		}
	}
	w.Close()
	r.Close() // as head -2 does
	p.provoke(3)
	p.until("lost lines are counted", func() bool { return p.lost() == 3 })
	if !p.isWell() {
		t.Error("it does not answer any more")
	}
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != exitOK {
		t.Errorf("the exit code is %d", code)
	}
}

func TestALogThatNobodyReadsHoldsUpNothing(t *testing.T) {
	_, w := pipe(t)
	fill(t, w)
	p := launch(t, w, "--log-level=debug", "--drain-timeout=1s")
	p.until("it answers", p.isWell)
	p.provoke(20)
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != exitOK {
		t.Errorf("the exit code is %d", code)
	}
}

func TestAStartThatFailsEndsThoughNobodyReadsWhy(t *testing.T) {
	_, w := pipe(t)
	fill(t, w)
	p := launch(t, w, "--addr=192.0.2.1:1") // no address of this machine
	if code := p.end(); code != exitFailed {
		t.Errorf("the exit code is %d, want %d", code, exitFailed)
	}
}

func TestALogThatIsReadAgainTellsWhatIsMissing(t *testing.T) {
	r, w := pipe(t)
	fill(t, w)
	p := launch(t, w, "--log-level=debug")
	p.until("it answers", p.isWell)
	path := "/" + strings.Repeat("x", 8000)
	p.until("lines are lost", func() bool {
		for range 50 {
			p.get(path)
		}
		return p.lost() > 0
	})
	lines := bufio.NewReader(r)
	told := make(chan error, 1)
	go func() { // ends when the pipe's writers are closed, or with the line
		for {
			line, err := lines.ReadString('\n')
			if err != nil || strings.Contains(line, "lines of this log are missing here") {
				told <- err
				return
			}
		}
	}()
	select {
	case err := <-told:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("nothing tells that lines are missing")
	}
}

// logged waits for a line of a log that is a file.
func (p *process) logged(file string, parts ...string) {
	p.t.Helper()
	p.until(fmt.Sprintf("the log says %q", parts), func() bool {
		text, err := os.ReadFile(file)
		if err != nil {
			p.t.Fatal(err)
		}
		return slices.ContainsFunc(strings.Split(string(text), "\n"), func(line string) bool {
			return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
		})
	})
}

// logFile returns a new file for a log.
func logFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		if text, err := os.ReadFile(f.Name()); t.Failed() && err == nil {
			t.Logf("the log:\n%s", text)
		}
	})
	return f
}

func TestALogInAFileIsWhole(t *testing.T) {
	const requests = 300
	log := logFile(t)
	p := launch(t, log, "--log-level=debug")
	p.until("it answers", p.isWell)
	for range requests {
		p.get("/nowhere")
	}
	p.signal(syscall.SIGTERM)
	p.end()
	text, err := os.ReadFile(log.Name())
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(text), `"path":"/nowhere"`); got != requests {
		t.Errorf("%d requests of %d are in the log", got, requests)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, "has stopped") {
		t.Errorf("the last line is %s", last)
	}
}
