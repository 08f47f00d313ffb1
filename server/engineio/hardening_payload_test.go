package engineio_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/crier/crier/server/engineio"
)

// Attacks with the bodies of long-polling. What they cost is counted in bytes allocated for each byte that the attacker sends.

const (
	plainType  = "Content-Type: text/plain;charset=UTF-8"
	formType   = "Content-Type: application/x-www-form-urlencoded"
	binaryType = "Content-Type: application/octet-stream"
)

// A flood is a body made to cost much.
type flood struct {
	name    string
	version int
	jsonp   bool
	kind    string // header
	body    string
	refusal string // the body of 400; "" if it is taken
}

func floods(size int) []flood {
	return []flood{
		{"packets without end", 4, false, plainType, strings.Repeat("4\x1e", size/2-1) + "4", ifMany(size / 2)},
		{"packets without end, JSONP", 4, true, formType, "d=" + strings.Repeat("4\x1e", size/2-2) + "4", ifMany(size / 2)},
		{"packets without end, EIO 3", 3, false, plainType, strings.Repeat("1:4", size/3), ifMany(size / 3)},
		{"packets without end, EIO 3 in JSONP", 3, true, formType, "d=" + strings.Repeat("1:4", size/3-1), ifMany(size / 3)},
		{"packets without end, EIO 3 in bytes", 3, false, binaryType, strings.Repeat("\x00\x01\xff4", size/4), ifMany(size / 4)},
		{"pings without end, EIO 3", 3, false, plainType, strings.Repeat("1:2", size/3), ifMany(size / 3)},
		{"attachments without end", 4, false, plainType, strings.Repeat("bAA==\x1e", size/6) + "4", ifMany(size / 6)},
		{"a length of 10^9", 3, false, plainType, "1000000000:4" + strings.Repeat("a", size-12), badRequest},
		{"a length of 10^9 in bytes", 3, false, binaryType, "\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff4" + strings.Repeat("a", size-13), badRequest},
		{"a length without end", 3, false, plainType, strings.Repeat("0", size), badRequest},
		{"separators without end", 4, false, plainType, strings.Repeat("\x1e", size), badRequest},
		{"one large packet", 4, false, plainType, "4" + strings.Repeat("a", size-1), ""},
		{"one large packet, EIO 3", 3, false, plainType, fmt.Sprint(size-7) + ":4" + strings.Repeat("a", size-8), ""},
		{"one large packet beyond ASCII, EIO 3", 3, false, plainType, fmt.Sprint(size/2) + ":4" + strings.Repeat("é", size/2-1), ""},
		{"one large attachment", 4, false, plainType, "b" + strings.Repeat("AAAA", size/4-1), ""},
		{"percent signs without end", 4, true, formType, "d=4" + strings.Repeat("%41", size/3-1), ""},
		{"backslashes without end", 4, true, formType, "d=4" + strings.Repeat("\\\\n", size/3-1), ""},
		{"fields without end", 4, true, formType, strings.Repeat("&", size), ""}, // an empty form
		{"base64 that is none", 4, false, plainType, "b" + strings.Repeat("!", size-1), badRequest},
	}
}

// ifMany is the refusal of a body with so many packets.
func ifMany(packets int) string {
	if packets > 1<<16 {
		return `{"code":3,"message":"Too many packets in one payload"}`
	}
	return ""
}

// attackWith posts the flood's body to a session of its own.
func (f *flood) attackWith(t *testing.T, h *house) (allocations int) {
	t.Helper()
	transport := "polling"
	if f.jsonp {
		transport = "jsonp"
	}
	c, p := h.join(mode{f.version, transport})
	query := fmt.Sprintf("EIO=%d&transport=polling&sid=%s", f.version, c.sid)
	if f.jsonp {
		query += "&j=0"
	}
	raw := rawPost(query, f.body, f.kind)
	allocations = allocated(func() {
		a := h.attack(raw)
		want, body := http.StatusOK, "ok"
		if f.refusal != "" {
			want, body = http.StatusBadRequest, f.refusal
		}
		a.expect(f.name, want, body)
		a.conn.Close()
	})
	if f.refusal != "" {
		p.expectEnd(t, engineio.ReasonParseError)
	} else {
		c.leave()
	}
	c.http.CloseIdleConnections()
	return allocations
}

// Engine.IO before 3.6 and 4.0 spent minutes and all memory on bodies of many tiny packets, or with a length of 10^9. A body must
// cost no more than some times its size, one packet over the limit of packets must be refused, and nothing stay.
func TestCVE_2020_36048_ABodyCostsNoMoreThanItsSize(t *testing.T) {
	const size = 400_000
	h := open(t, engineio.Options{MaxPacketRate: -1}, func(p *peer) { p.on = func(message) error { return nil } })
	before := runtime.NumGoroutine()
	for _, f := range floods(size) {
		cost := f.attackWith(t, h)
		t.Logf("%s: %.1f bytes for each", f.name, float64(cost)/size)
		if cost > 12*size { // reading a body that grows takes 5
			t.Errorf("%s: %d bytes were allocated for %d", f.name, cost, size)
		}
	}
	waitFor(t, "no session is left", func() bool { return h.sv.Len() == 0 })
	expectGoroutines(t, before)
}

// The parser of Engine.IO before 3.3.2 and 3.4.1 put a large packet together character by character. Twice the body may cost twice
// the memory and no more, also when it comes in chunks of one byte.
func TestCVE_2020_36049_TheCostOfABodyGrowsWithItsSizeAlone(t *testing.T) {
	h := open(t, engineio.Options{MaxPacketRate: -1}, func(p *peer) { p.on = func(message) error { return nil } })
	small, large := floods(100_000), floods(200_000)
	for i := range small {
		if one, two := small[i].attackWith(t, h), large[i].attackWith(t, h); two > 3*one+1<<19 {
			t.Errorf("%s: %d bytes for 100,000, and %d for 200,000", small[i].name, one, two)
		}
	}
	c, _ := h.join(mode{4, "polling"})
	const size = 100_000
	raw := rawRequest("POST", "EIO=4&transport=polling&sid="+c.sid, "Transfer-Encoding: chunked") +
		"1\r\n4\r\n" + strings.Repeat("1\r\na\r\n", size) + "0\r\n\r\n"
	if cost := allocated(func() { h.attack(raw).expect("chunks of one byte", http.StatusOK, "ok") }); cost > 12*size+1<<20 {
		t.Errorf("%d bytes were allocated for %d in chunks of one", cost, size)
	}
}

// What a client makes the server answer to itself is bounded as what others say to it: here by pings that EIO 3 answers, in
// payload after payload, with no poll in between.
func TestPongsThatNobodyFetchesEndTheirSession(t *testing.T) {
	const limit = 1 << 20
	h := open(t, engineio.Options{MaxQueue: limit, MaxPacketRate: -1}, echo)
	near := h.bystanders()
	c, p := h.join(mode{3, "polling"})
	raw := rawPost("EIO=3&transport=polling&sid="+c.sid, strings.Repeat("1:2", 1<<16), plainType)
	a := h.attack("")
	for posts := 0; ; posts++ {
		if p.Held() > limit {
			t.Fatalf("%d bytes are held, the limit is %d", p.Held(), limit)
		}
		if posts == 100 {
			t.Fatal("6.5 million pings were answered for a client that reads nothing")
		}
		a.send(raw)
		if a.answer().status != http.StatusOK {
			break
		}
	}
	p.expectEnd(t, engineio.ReasonSlowConsumer)
	near.expectUnharmed(t)
}

// What waits for one poll may be very many small packets. To make its answer takes memory in proportion to the queue's limit.
func TestAnAnswerOfManySmallPacketsIsMadeOfLittleMemory(t *testing.T) {
	const packets = 100_000 // of 3 bytes each in the queue
	for _, version := range []int{3, 4} {
		c, p := open(t, engineio.Options{}, nil).join(mode{version, "polling"})
		for range packets {
			if err := p.Send(engineio.Message{}); err != nil {
				t.Fatal(err)
			}
		}
		queued := p.Held()
		cost := allocated(func() {
			a := c.house.attack(rawRequest("GET", fmt.Sprintf("EIO=%d&transport=polling&sid=%s", version, c.sid)))
			head := make([]byte, len("HTTP/1.1 200"))
			if _, err := a.conn.Read(head); err != nil || string(head) != "HTTP/1.1 200" {
				t.Error(string(head), err)
			}
		})
		t.Logf("EIO %d: %d bytes for a queue of %d", version, cost, queued)
		if cost > 10*queued {
			t.Errorf("EIO %d: %d bytes were allocated for a queue of %d", version, cost, queued)
		}
	}
}

// Engine.IO before 6.6.7 raised an error for a body of bytes in revision 4 and never answered the request, until there was no
// connection left. Each such request must be answered, whether its body comes or not, and be over then.
func TestCVE_2026_59725_ABinaryPostGetsItsAnswer(t *testing.T) {
	const requests = 300
	h := open(t, engineio.Options{WriteTimeout: hurried}, echo)
	near, before := h.bystanders(), runtime.NumGoroutine()
	for _, body := range []string{
		"\r\nContent-Length: 6\r\n\r\n4hello",
		"\r\nContent-Length: 6\r\n\r\n",                         // it never comes
		"\r\nContent-Length: 200000\r\n\r\n4",                   // nor does the rest
		"\r\nTransfer-Encoding: chunked\r\n\r\n",                // nor the first chunk
		"\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n4h\r\n",     // nor the last
		"\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n", // not asked for
	} {
		all := make([]*attacker, requests/6)
		for i := range all {
			c, p := h.join(mode{4, "polling"})
			c.http.CloseIdleConnections()
			head := strings.TrimSuffix(rawRequest("POST", "EIO=4&transport=polling&sid="+c.sid, binaryType), "\r\n\r\n")
			all[i] = h.attack(head + body)
			p.expectEnd(t, engineio.ReasonTransportError)
		}
		near.expectUnharmed(t)
		for _, a := range all {
			a.expect(fmt.Sprintf("%.40q", body), http.StatusBadRequest, badRequest)
			a.conn.Close()
		}
	}
	near.expectAlone(t, h, before)
}

// A body that says it is compressed is taken as it stands: the server inflates nothing, and so no bomb.
func TestABodyInGzipIsNotInflated(t *testing.T) {
	h := open(t, engineio.Options{}, echo)
	near := h.bystanders()
	for _, version := range []int{3, 4} {
		c, p := h.join(mode{version, "polling"})
		raw := rawPost(fmt.Sprintf("EIO=%d&transport=polling&sid=%s", version, c.sid), "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xab", plainType, "Content-Encoding: gzip")
		h.attack(raw).expect("gzip", http.StatusBadRequest, badRequest)
		p.expectEnd(t, engineio.ReasonParseError)
	}
	near.expectUnharmed(t)
}
