package handlers_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/crier/crier/server/feed"
)

// A poller is a bare client of EIO 4 on long-polling. Nothing waits for what is sent to it unless it polls.
type poller struct {
	t       testing.TB
	session string // its URL
	taken   []string
}

// openPoll opens a session, with no socket in it yet. url is serve's.
func openPoll(t testing.TB, url string) *poller {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	p := &poller{t: t, session: strings.Replace(url, "ws", "http", 1) + "?EIO=4&transport=polling"}
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(p.do("GET", "")[1:]), &open); err != nil {
		t.Fatal(err)
	}
	p.session += "&sid=" + open.SID
	return p
}

func (p *poller) do(method, body string) string {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.session, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		p.t.Fatal(answer.Status, err, string(text))
	}
	return string(text)
}

// post sends Engine.IO packets.
func (p *poller) post(packets ...string) {
	p.t.Helper()
	p.do("POST", strings.Join(packets, "\x1e"))
}

// next returns the next packet, and polls if none is left of what the last poll brought.
func (p *poller) next() (packet string) {
	p.t.Helper()
	if len(p.taken) == 0 {
		p.taken = strings.Split(p.do("GET", ""), "\x1e")
	}
	packet, p.taken = p.taken[0], p.taken[1:]
	return packet
}

// connected takes the answer to a CONNECT, and returns what the socket can be had back with.
func (p *poller) connected() (pid string) {
	p.t.Helper()
	var answer struct{ PID string }
	got := p.next()
	text, ok := strings.CutPrefix(got, "40")
	if !ok || json.Unmarshal([]byte(text), &answer) != nil {
		p.t.Fatalf("%.60s is no CONNECT", got)
	}
	return answer.PID
}

// hears takes the news of fillLong from one offset to another.
func (p *poller) hears(from, to int) {
	p.t.Helper()
	for n := from; n <= to; n++ {
		if got := p.next(); !strings.HasPrefix(got, fmt.Sprintf(`42["news","%d x`, n)) {
			p.t.Fatalf("%.60s comes where %d is due", got, n)
		}
	}
}

// fillLong says texts of a length, each of which begins with its offset.
func fillLong(t testing.TB, f *feed.Log, last uint64, length int) {
	t.Helper()
	for n := f.Last() + 1; n <= last; n++ {
		e := feed.Entry{Data: fmt.Appendf(nil, `"%d %s"`, n, strings.Repeat("x", length))}
		if err := f.Append("", e, func(feed.Result, error) {}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all is stored", func() bool { return f.Last() == last })
}
