package load

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// A pollCrier is a server made for tests that speaks long-polling, and WebSocket for the speaker. It delivers what
// deliver makes of the news.
type pollCrier struct {
	*crier  // for the speaker
	deliver func(session, number int, news []byte) [][]byte

	mu       sync.Mutex // guards the following
	sessions []chan []byte
	number   int
}

func (p *pollCrier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var session int
	sid := r.URL.Query().Get("sid")
	switch _, err := fmt.Sscan(sid, &session); {
	case r.URL.Query().Get("transport") == "websocket":
		p.speaker(w, r)
	case sid == "":
		p.open(w)
	case err != nil:
		http.Error(w, "no session", http.StatusBadRequest)
	case r.Method == http.MethodPost:
		p.post(w, r, p.outbox(session))
	default:
		select {
		case packet := <-p.outbox(session):
			_, _ = w.Write(packet)
		case <-r.Context().Done():
		}
	}
}

func (p *pollCrier) open(w http.ResponseWriter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions = append(p.sessions, make(chan []byte, 1000))
	fmt.Fprintf(w, `0{"sid":"%d"}`, len(p.sessions)-1)
}

func (p *pollCrier) outbox(session int) chan []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions[session]
}

func (p *pollCrier) post(w http.ResponseWriter, r *http.Request, out chan []byte) {
	body, _ := io.ReadAll(r.Body)
	for packet := range bytes.SplitSeq(body, []byte{recordSeparator}) {
		switch {
		case string(packet) == "40":
			out <- []byte(`40{"sid":"x"}`)
		case bytes.HasPrefix(packet, []byte(`420["f"`)):
			out <- []byte("430[{}]")
		}
	}
	_, _ = io.WriteString(w, "ok")
}

// speaker serves the WebSocket, whose news go to everybody.
func (p *pollCrier) speaker(w http.ResponseWriter, r *http.Request) {
	conn, in, err := w.(http.Hijacker).Hijack()
	if err != nil {
		p.t.Error(err)
		return
	}
	p.crier.mu.Lock()
	p.all = append(p.all, conn)
	p.crier.mu.Unlock()
	p.serving.Go(func() { p.talk(conn, in.Reader) })
}

// share is the speaker's deliver: the pollers get theirs.
func (p *pollCrier) share(_, number int, news []byte) [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	for session, out := range p.sessions {
		if packets := p.deliver(session, number, news); len(packets) > 0 {
			out <- bytes.Join(packets, []byte{recordSeparator})
		}
	}
	return [][]byte{news}
}

func pollFanout(t *testing.T, deliver func(session, number int, news []byte) [][]byte) (*Result, *crier) {
	t.Helper()
	p := &pollCrier{deliver: deliver}
	p.crier = newCrier(t, p.share)
	server := httptest.NewServer(p)
	defer server.Close()
	r, err := Run(Options{
		Work: Polling, Addr: netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://")), PID: os.Getpid(),
		Clients: 3, Duration: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, p.crier
}

func TestPollersAreToldAtFixedTimes(t *testing.T) {
	p := &pollCrier{deliver: honest}
	p.crier = newCrier(t, p.share)
	server := httptest.NewServer(p)
	defer server.Close()
	r, err := Run(Options{
		Work: PollingRate, Addr: netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://")), PID: os.Getpid(),
		Clients: 3, PerSecond: 100, Duration: 100 * time.Millisecond,
	})
	if err != nil || !r.Faultless() || r.Ops != 40 || r.Latency == nil {
		t.Errorf("10 messages for the speaker and 3 pollers: %+v, the error %v", r, err)
	}
}

func TestPollersHearEverythingOnce(t *testing.T) {
	r, c := pollFanout(t, honest)
	if !r.Faultless() || r.Stalls != 0 || c.total() == 0 || r.Ops != 4*c.total() {
		t.Errorf("%d messages for the speaker and 3 pollers: %+v", c.total(), r)
	}
}

func TestPollersCountFaultsToo(t *testing.T) {
	r, _ := pollFanout(t, func(session, number int, news []byte) [][]byte {
		switch {
		case session == 0 && number == 0:
			return nil
		case session == 1 && number == 0:
			return [][]byte{news, news}
		}
		return [][]byte{news}
	})
	if want := (Counts{Missing: 1, Doubled: 1}); r.Counts != want || r.Stalls != 1 {
		t.Errorf("one message was lost and one came twice, and counted were %+v, %d stalls", r.Counts, r.Stalls)
	}
}

func TestPollersThatHangUpAreNotLost(t *testing.T) {
	p := &pollCrier{deliver: honest}
	p.crier = newCrier(t, p.share)
	server := httptest.NewServer(p)
	defer server.Close()
	r, err := Run(Options{
		Work: IdlePolling, Addr: netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://")), PID: os.Getpid(),
		Clients: 5, Duration: 10 * time.Millisecond,
	})
	if err != nil || r.Ops != 5 || r.Lost != 0 {
		t.Errorf("got %+v and the error %v", r, err)
	}
}
