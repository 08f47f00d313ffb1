package server

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// A poller opens sessions on long-polling.
type poller struct {
	r      *running
	client *http.Client
	jsonp  bool
}

func (r *running) poller(jsonp bool) *poller {
	transport := &http.Transport{
		DialContext: from(r.t, attackers).DialContext, MaxIdleConnsPerHost: 64, DisableCompression: true,
	}
	r.t.Cleanup(transport.CloseIdleConnections)
	return &poller{r, &http.Client{Transport: transport, Timeout: patience}, jsonp}
}

// ask makes a request and returns the answer's body.
func (p *poller) ask(method, sid, body string) string {
	url := p.r.url + p.target(sid)
	if method == "POST" && p.jsonp {
		body = "d=" + strings.NewReplacer("%", "%25", "+", "%2B", "&", "%26").Replace(body)
	}
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		p.r.t.Fatal(err)
	}
	if method == "POST" && p.jsonp {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := p.client.Do(request)
	if err != nil {
		return "" // the attack has ended it
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	return string(answer)
}

func (p *poller) target(sid string) string {
	target := "/socket.io/?EIO=4&transport=polling"
	if sid != "" {
		target += "&sid=" + sid
	}
	if p.jsonp {
		target += "&j=0"
	}
	return target
}

// open returns the id of a new session that is connected; "" if there is none.
func (p *poller) open() (sid string) {
	answer := strings.ReplaceAll(p.ask("GET", "", ""), `\"`, `"`)
	if _, rest, ok := strings.Cut(answer, `"sid":"`); ok {
		sid, _, _ = strings.Cut(rest, `"`)
	}
	if sid != "" {
		p.ask("POST", sid, "40")
	}
	return sid
}

// Sessions that never poll, each of which asks for answers that are far larger than the question.
func TestAThousandSessionsThatNeverPollHoldLessThan64MiBTogether(t *testing.T) {
	r := start(t, unhurried)
	near := r.guest("near")
	for i := range 100 { // whom the answers to f name
		g, err := r.tryGuestFrom("127.0.0.3", fmt.Sprintf("%064d", i))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { g.conn.Close() })
		go func() { // ends with the connection
			for err := error(nil); err == nil; _, err = g.receive() {
			}
		}()
	}
	before := heap()
	p := r.poller(false)
	questions := strings.Repeat(`421["f","x"]`+"\x1e", 157) + `421["f","x"]`
	var opened atomic.Int64
	held := peak(func() int64 { return r.server.shares.Stats().Held }, func() {
		inParallel(1000, func(i int) {
			sid := p.open()
			if sid == "" {
				return
			}
			opened.Add(1)
			p.ask("POST", sid, `421["f","`+fmt.Sprintf("%064d", i)+`"]`)
			p.ask("POST", sid, questions)
		})
	})
	grown := heap() - before
	t.Logf("%d sessions held %d KiB at most; the heap grew by %d KiB", opened.Load(), held>>10, grown>>10)
	if opened.Load() < 900 {
		t.Errorf("%d sessions were opened", opened.Load())
	}
	if held > 64<<20 || grown > 96<<20 { // the heap has the sessions and their connections, too
		t.Errorf("they hold %d bytes, and the heap grew by %d", held, grown)
	}
	near.expectUnharmed()
}

// Of JSONP a name of < takes six times as many bytes.
func TestWhatJSONPMultipliesIsCountedAsItIsHeld(t *testing.T) {
	r := start(t, unhurried)
	near := r.guest("near")
	p := r.poller(true)
	sids := make([]string, 100)
	for i := range sids {
		if sids[i] = p.open(); sids[i] == "" {
			t.Fatal("no session")
		}
		p.ask("POST", sids[i], `421["f","`+strings.Repeat("<", 60)+fmt.Sprint(i)+`"]`)
	}
	before := heap()
	var counted int64
	beside := peak(func() int64 {
		held := r.server.shares.Stats().Held
		used := heap() - before // which takes a while
		held = max(held, r.server.shares.Stats().Held)
		counted = max(counted, held)
		return used - held
	}, func() {
		for i := range 8 {
			p.ask("POST", sids[i], `42["message","`+strings.Repeat("<", 60_000)+`"]`)
			r.stallPolls(p, sids[8:28])
		}
	})
	t.Logf("%d KiB were counted; %d KiB more were in use", counted>>10, beside>>10)
	// Beside it are the buffers of answers that are under way, and pooled ones. Multiplied and uncounted it was 50
	// MiB for each session.
	if counted < 10<<20 || beside > 64<<20 {
		t.Errorf("%d bytes were counted; %d more were in use", counted, beside)
	}
	near.expectUnharmed()
}

// stallPolls asks for answers that nobody reads.
func (r *running) stallPolls(p *poller, sids []string) {
	for _, sid := range sids {
		conn, err := from(r.t, attackers).Dial("tcp", r.addr())
		if err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(func() { conn.Close() })
		_, _ = io.WriteString(conn, "GET "+p.target(sid)+" HTTP/1.1\r\nHost: crier\r\n\r\n")
	}
}
