package engineio_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/internal/limit"
)

// Attacks that servers of this protocol have known, on sessions and their upgrade: by sequence in session ids, by odd
// values in the query, by what stands where it should not. Each must get its clear answer and leave everybody else
// alone.

// Socket.IO 0.9 drew its ids from Math.random, so that one who had seen some could tell the next, and speak for
// others. Ids must be random in every bit, and a neighbour of one that is known must not be one.
func TestCVE_2017_16031_SessionIDsCannotBeGuessed(t *testing.T) {
	const drawn = 2000
	many, err := limit.NewAddresses(limit.AddressLimits{MaxOpen: 2 * drawn, MaxRate: 2 * drawn})
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, engineio.Options{Addresses: many}, nil)
	a := h.attack("")
	seen, ones := map[string]bool{}, make([]int, 144)
	var last string
	for range drawn {
		a.send(rawRequest("GET", "EIO=4&transport=polling"))
		_, rest, _ := strings.Cut(a.answer().body, `"sid":"`)
		last, _, _ = strings.Cut(rest, `"`)
		raw, err := base64.RawURLEncoding.DecodeString(last)
		if err != nil || len(raw)*8 != len(ones) || seen[last] {
			t.Fatalf("the id %q: %v", last, err)
		}
		seen[last] = true
		for bit := range ones {
			ones[bit] += int(raw[bit/8] >> (bit % 8) & 1)
		}
	}
	for bit, n := range ones { // six standard deviations, of 22 each
		if n < drawn/2-134 || n > drawn/2+134 {
			t.Errorf("bit %d is set in %d of %d ids", bit, n, drawn)
		}
	}
	for i := range last {
		for _, c := range "Aa0_" {
			if guess := last[:i] + string(c) + last[i+1:]; !seen[guess] {
				a.send(rawRequest("GET", "EIO=4&transport=polling&sid="+guess))
				a.expect("a guess", http.StatusBadRequest, unknownSession)
			}
		}
	}
}

// Socket.IO before 2.4 let the pages of every origin in, with the visitor's cookies. A foreign one must be refused on
// each way in, also into a session that is open, and a preflight must allow it nothing.
func TestCVE_2020_28481_AForeignOriginIsRefusedOnEveryWayIn(t *testing.T) {
	h := open(t, engineio.Options{AllowedOrigins: []string{"https://friend.org"}}, echo)
	near := h.bystanders()
	for _, origin := range []string{"https://evil.org", "null", "https://friend.org.evil.org", "http://engine.test.evil.org", "https://friend.org, https://evil.org"} {
		for _, version := range []string{"3", "4"} {
			c := near[0]
			if version == "4" {
				c = near[2]
			}
			from := "Origin: " + origin
			for name, raw := range map[string]string{
				"handshake":               rawRequest("GET", "EIO="+version+"&transport=polling", from),
				"JSONP":                   rawRequest("GET", "EIO="+version+"&transport=polling&j=0", from),
				"poll":                    rawRequest("GET", "EIO="+version+"&transport=polling&sid="+c.sid, from),
				"POST":                    rawPost("EIO="+version+"&transport=polling&sid="+c.sid, "4evil", from),
				"WebSocket":               rawSocket("EIO="+version+"&transport=websocket", from),
				"upgrade":                 rawSocket("EIO="+version+"&transport=websocket&sid="+c.sid, from),
				"preflight":               rawRequest("OPTIONS", "EIO="+version+"&transport=polling", from, "Access-Control-Request-Method: POST"),
				"two of the name":         rawRequest("GET", "EIO="+version+"&transport=polling", from, "Origin: https://friend.org"),
				"and the other way round": rawRequest("GET", "EIO="+version+"&transport=polling", "Origin: https://friend.org", from),
			} {
				got := h.attack(raw).answer()
				if got.status != http.StatusForbidden || !strings.Contains(got.body, `"message":"Forbidden: `) || got.header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("EIO %s, %s from %s: %d %s %v", version, name, origin, got.status, got.body, got.header)
				}
			}
		}
	}
	near.expectUnharmed(t)
	if n := h.sv.Len(); n != len(near) {
		t.Errorf("%d sessions, want the %d bystanders'", n, len(near))
	}
}

// badFrames are what a client may not send, each with the close code that answers it.
var badFrames = map[string]struct {
	bytes string
	code  int
}{
	"RSV2":                  {"\xa1\x81\x01\x02\x03\x04x", 1002},
	"RSV3":                  {"\x91\x81\x01\x02\x03\x04x", 1002},
	"RSV1, not agreed on":   {"\xc1\x81\x01\x02\x03\x04x", 1002},
	"no mask":               {"\x81\x01x", 1002},
	"an unknown operation":  {"\x83\x81\x01\x02\x03\x04x", 1002},
	"a continuation alone":  {"\x80\x81\x01\x02\x03\x04x", 1002},
	"a ping in fragments":   {"\x09\x81\x01\x02\x03\x04x", 1002},
	"a length of 2^63":      {"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04", 1002},
	"a length beyond limit": {"\x82\xff\x00\x00\x00\x00\x7f\xff\xff\xff\x01\x02\x03\x04", 1009},
	"text that is none":     {"\x81\x81\x00\x00\x00\x00\xff", 1007},
}

// Engine.IO of 2021 died of a bad frame that came in the segment of the upgrade request, before it had its listeners
// in place. The client must be told what it did, and an open session whose upgrade it was must go on.
func TestCVE_2022_21676_ABadFrameInTheSegmentOfTheUpgradeHarmsItsSenderAlone(t *testing.T) {
	h := open(t, engineio.Options{}, echo)
	near, before := h.bystanders(), runtime.NumGoroutine()
	for name, bad := range badFrames {
		for _, version := range []int{3, 4} {
			a := h.attack(rawSocket(fmt.Sprintf("EIO=%d&transport=websocket", version)) + bad.bytes)
			a.expect(name, http.StatusSwitchingProtocols, "")
			w := a.wire(version)
			p, err := w.read()
			if err == nil && p.kind == '0' {
				_, err = w.read()
			}
			if err, ok := err.(closeError); !ok || err.code != bad.code {
				t.Errorf("EIO %d, %s: the client was told %v, want code %d", version, name, err, bad.code)
			}
			w.conn.Close()

			c := h.connect(mode{version, "polling"})
			up := h.attack(rawSocket(fmt.Sprintf("EIO=%d&transport=websocket&sid=%s", version, c.sid)) + bad.bytes)
			up.expect(name, http.StatusSwitchingProtocols, "")
			up.expectHangup(name)
			bystanders{c}.expectUnharmed(t)
			c.leave()
		}
	}
	near.expectUnharmed(t)
	near.expectAlone(t, h, before)
}

// Engine.IO before 6.4.2 looked up what the query called its transport and used what it found, or did not find. Each
// odd name must be told that there is no such transport, also by a WebSocket, and also for a session that is open.
func TestCVE_2023_31125_AnOddTransportIsAnsweredAsUnknown(t *testing.T) {
	h := open(t, engineio.Options{}, echo)
	near := h.bystanders()
	for _, odd := range []string{
		"", "transport", "transport=", "transport=foo", "transport=constructor", "transport=__proto__", "transport=toString",
		"transport=websocket%00", "transport=%ff", "transport=WEBSOCKET", "transport=websocket,polling", "transport[]=websocket",
		"transport[length]=1", "transport=websocket&transport=foo", "transport=webtransport", "transport=" + strings.Repeat("x", 100_000),
	} {
		for _, sid := range []string{"", "&sid=" + near[2].sid, "&sid=" + near[3].sid} {
			h.attack(rawSocket("EIO=4&"+odd+sid)).expect(odd, http.StatusBadRequest, unknownTransport)
			h.attack(rawRequest("GET", "EIO=4&"+odd+sid)).expect(odd, http.StatusBadRequest, unknownTransport)
		}
	}
	h.attack(rawSocket("EIO=4&transport=polling")).expect("a WebSocket that says polling", http.StatusBadRequest, badRequest)
	near.expectUnharmed(t)
	if n := h.sv.Len(); n != len(near) {
		t.Errorf("%d sessions, want the %d bystanders'", n, len(near))
	}
}

// Engine.IO before 6.6.7 found a session in every object's prototype under the id "__proto__". A session is only what
// was opened, however odd the name, and nothing of the name may stay.
func TestCVE_2026_59724_AnOddSessionIDFindsNoSession(t *testing.T) {
	h := open(t, engineio.Options{}, echo)
	near := h.bystanders()
	start := held()
	for range 4 {
		for _, odd := range []string{
			"__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "%00", "%ff%fe", "%", "%zz", "+", "..", "null", "undefined",
			"%E8%AF%B4", "\xe8\xaf\xb4", near[2].sid + "%00", near[2].sid + "=", "%20" + near[2].sid, strings.ToLower(near[2].sid) + "A",
			strings.Repeat("A", 900_000),
		} {
			for _, raw := range []string{
				rawRequest("GET", "EIO=4&transport=polling&sid="+odd),
				rawPost("EIO=4&transport=polling&sid="+odd, "4evil"),
				rawSocket("EIO=4&transport=websocket&sid=" + odd),
				rawRequest("GET", "EIO=4&transport=polling&sid="+near[2].sid+"&sid="+odd),
			} {
				a := h.attack(raw)
				a.expect(fmt.Sprintf("%.40q", odd), http.StatusBadRequest, unknownSession)
				a.conn.Close()
			}
		}
	}
	h.attack(rawPost("EIO=4&transport=polling&sid=", "4evil")).expect("no id", http.StatusBadRequest, badMethod)
	near.expectUnharmed(t)
	if n := h.sv.Len(); n != len(near) {
		t.Errorf("%d sessions, want the %d bystanders'", n, len(near))
	}
	if grown := held() - start; grown > 2<<20 { // 14 MB of names were sent
		t.Errorf("%d bytes more are held", grown)
	}
}

// Engine.IO before 6.6.10 let a session of one revision be upgraded by a request of another, and died of the next
// heartbeat. The upgrade must be refused, and the session go on in the revision that it has.
func TestCVE_2026_102599_AnUpgradeInAnotherRevisionIsRefused(t *testing.T) {
	h := open(t, engineio.Options{}, echo)
	near := h.bystanders()
	for version, others := range map[int][]string{
		3: {"EIO=4&", "EIO=3&EIO=4&", "EIO=%34&"},
		4: {"EIO=3&", "", "EIO=&", "EIO=5&", "EIO=04&", "EIO=4%20&", "EIO=44&", "EIO[]=4&", "EIO=4&EIO=3&", "eio=4&"},
	} {
		c := h.connect(mode{version, "polling"})
		for _, other := range others {
			h.attack(rawSocket(other+"transport=websocket&sid="+c.sid)+"\x81\x81\x00\x00\x00\x002").
				expect(fmt.Sprintf("EIO %d, then %s", version, other), http.StatusBadRequest, badRequest)
		}
		bystanders{c}.expectUnharmed(t)
		c.upgrade()
		bystanders{c}.expectUnharmed(t)
		c.leave()
	}
	near.expectUnharmed(t)
}

// Who has learned a session's id can speak for it, which is why nobody is shown it; but two that use one id at once
// must not get parts of each other's answers. A second poll ends the session and tells both; on a WebSocket the
// second is turned away.
func TestTwoClientsThatShareASessionIDDoNotShareASession(t *testing.T) {
	h := open(t, engineio.Options{}, echo)
	near := h.bystanders()
	for _, version := range []int{3, 4} {
		query := fmt.Sprintf("EIO=%d&transport=", version)
		c, p := h.join(mode{version, "polling"})
		first := h.attack(rawRequest("GET", query+"polling&sid="+c.sid))
		waitFor(t, "a poll", p.Ready)
		h.attack(rawRequest("GET", query+"polling&sid="+c.sid)).expect("the second poll", http.StatusBadRequest, badRequest)
		if got := first.answer(); got.status != http.StatusOK || !strings.HasSuffix(got.body, "1") {
			t.Errorf("EIO %d: the first poll was answered with %d %s, want CLOSE", version, got.status, got.body)
		}
		p.expectEnd(t, engineio.ReasonTransportError)

		c, _ = h.join(mode{version, "websocket"})
		for name, raw := range map[string]string{
			"poll": rawRequest("GET", query+"polling&sid="+c.sid),
			"POST": rawPost(query+"polling&sid="+c.sid, "4evil"),
		} {
			h.attack(raw).expect(name, http.StatusBadRequest, badRequest)
		}
		second := h.attack(rawSocket(query + "websocket&sid=" + c.sid))
		second.expect("WebSocket", http.StatusSwitchingProtocols, "")
		if err := second.wire(version).expectHangup(); err != nil {
			t.Error(err)
		}
		bystanders{c}.expectUnharmed(t)
		c.leave()
		expectOneUpgrade(t, h, version)
	}
	near.expectUnharmed(t)
	waitFor(t, "only the bystanders' sessions are left", func() bool { return h.sv.Len() == len(near) })
}

// expectOneUpgrade checks that of many WebSockets for one session one at most is tried out.
func expectOneUpgrade(t *testing.T, h *house, version int) {
	t.Helper()
	c, _ := h.join(mode{version, "polling"})
	all := make([]*attacker, 20)
	for i := range all {
		all[i] = h.attack(rawSocket(fmt.Sprintf("EIO=%d&transport=websocket&sid=%s", version, c.sid)))
	}
	taken := 0
	for _, a := range all {
		if a.answer().status != http.StatusSwitchingProtocols {
			continue
		}
		w := a.wire(version)
		_ = w.write(packet{kind: '2', data: "probe"}) // some were too late, and have been hung up on
		if p, err := w.read(); err == nil && p.kind == '3' {
			taken++
		}
	}
	if taken != 1 {
		t.Errorf("EIO %d: %d WebSockets were tried out for one session", version, taken)
	}
	c.leave()
}
