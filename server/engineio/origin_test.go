package engineio_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/origin"
)

const (
	home    = "http://engine.test"    // the host that the tests' requests name
	foreign = "https://elsewhere.org" // any other
)

// A doorway is a kind of request that a page can make.
type doorway struct {
	name string
	ask  func(c *client, headers ...string) (status int, header http.Header, body string)
}

var doorways = []doorway{
	{"handshake", func(c *client, headers ...string) (int, http.Header, string) {
		a := c.request("GET", "EIO=4&transport=polling", "", headers...)
		return a.status, a.header, a.body
	}},
	{"POST", func(c *client, headers ...string) (int, http.Header, string) {
		member := c.house.connect(mode{4, "polling"})
		a := c.request("POST", "EIO=4&transport=polling&sid="+member.sid, "4hello", headers...)
		return a.status, a.header, a.body
	}},
	{"WebSocket", func(c *client, headers ...string) (int, http.Header, string) {
		caller := c.house.stranger(mode{4, "websocket"})
		for _, line := range headers {
			name, value, _ := strings.Cut(line, ": ")
			caller.header.Set(name, value)
		}
		w, res, err := caller.handshake()
		if err != nil {
			c.t.Fatal(err)
		}
		if res.StatusCode == http.StatusSwitchingProtocols {
			w.conn.Close()
			return http.StatusOK, res.Header, ""
		}
		body := make([]byte, 200)
		n, _ := res.Body.Read(body)
		return res.StatusCode, res.Header, string(body[:n])
	}},
	{"JSONP", func(c *client, headers ...string) (int, http.Header, string) {
		a := c.request("GET", "EIO=4&transport=polling&j=0", "", headers...)
		return a.status, a.header, a.body
	}},
}

func TestAPageOfAnotherHostIsRefusedOnEveryWayIn(t *testing.T) {
	var mu sync.Mutex
	var refused []string
	o := engineio.Options{AllowedOrigins: []string{"https://friend.org/"}}
	o.RefusedOrigin = func(r *http.Request, f *origin.Refusal) {
		mu.Lock()
		defer mu.Unlock()
		refused = append(refused, f.Origin)
	}
	h := open(t, o, nil)
	c := h.stranger(mode{4, "polling"})
	for from, reason := range map[string]origin.Reason{
		foreign: origin.Foreign, "https://friend.org.evil.org": origin.Foreign, "http://friend.org": origin.Foreign,
		"https://friend.org:444": origin.Foreign, "http://engine.test:81": origin.Proxied,
		"http://engine.test.evil.org": origin.Foreign, "https://sub.friend.org": origin.Foreign,
		"null": origin.Hidden, "file://": origin.OnDisk,
	} {
		want := (&origin.Refusal{Reason: reason}).Message()
		for _, d := range doorways {
			status, header, body := d.ask(c, "Origin: "+from)
			if status != http.StatusForbidden || body != `{"code":4,"message":"`+want+`","reason":"`+string(reason)+`"}` {
				t.Errorf("%s from %s: %d %s", d.name, from, status, body)
			}
			if header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s from %s: the answer may be read", d.name, from)
			}
			mu.Lock()
			if !slices.Equal(refused, []string{from}) {
				t.Errorf("%s from %s: RefusedOrigin was told %q", d.name, from, refused)
			}
			refused = nil
			mu.Unlock()
		}
	}
}

func TestAPageOfTheSameHostNeedsNoPermission(t *testing.T) {
	c := open(t, engineio.Options{}, nil).stranger(mode{4, "polling"})
	for _, headers := range [][]string{
		nil,
		{"Origin: " + home},
		{"Origin: https://engine.test"}, // behind a proxy that ends TLS
		{"Origin: http://ENGINE.test"},
		{"Origin: http://engine.test/socket.io/?EIO=4"}, // maldikhan/go.socket.io
		{"Origin: *"},                 // elephant.io
		{"Origin: wss://engine.test"}, // Starscream
	} {
		for _, d := range doorways {
			status, header, body := d.ask(c, headers...)
			if status != http.StatusOK {
				t.Errorf("%s with %q: %d %s", d.name, headers, status, body)
			}
			if header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s with %q: a CORS header that nobody needs", d.name, headers)
			}
		}
	}
}

func TestAnAllowedOriginIsNamedInTheAnswer(t *testing.T) {
	for allowed, origins := range map[string][]string{
		"https://Friend.org": {"https://friend.org", "https://FRIEND.org"},
		"*":                  {"https://friend.org", foreign, "null"},
	} {
		c := open(t, engineio.Options{AllowedOrigins: []string{allowed}}, nil).stranger(mode{4, "polling"})
		for _, origin := range origins {
			for _, d := range doorways {
				status, header, body := d.ask(c, "Origin: "+origin)
				if status != http.StatusOK {
					t.Errorf("%s: %s from %s: %d %s", allowed, d.name, origin, status, body)
				}
				if !slices.Contains(header.Values("Vary"), "Origin") {
					t.Errorf("%s: %s from %s: Vary is %q", allowed, d.name, origin, header.Values("Vary"))
				}
				if d.name == "WebSocket" {
					continue // its answer needs no CORS headers
				}
				if header.Get("Access-Control-Allow-Origin") != origin || header.Get("Access-Control-Allow-Credentials") != "true" {
					t.Errorf("%s: %s from %s: %v", allowed, d.name, origin, header)
				}
			}
		}
	}
}

func TestAScriptElementOfAnotherHostIsRefused(t *testing.T) {
	h := open(t, engineio.Options{AllowedOrigins: []string{"https://friend.org"}}, nil)
	c := h.stranger(mode{4, "jsonp"})
	for headers, want := range map[string]int{
		"":                                  http.StatusOK, // not from a page
		"Referer: http://engine.test/chat":  http.StatusOK,
		"Referer: https://friend.org/chat":  http.StatusOK,
		"Referer: https://elsewhere.org/":   http.StatusForbidden,
		"Sec-Fetch-Site: same-origin":       http.StatusOK,
		"Sec-Fetch-Site: none":              http.StatusOK,
		"Sec-Fetch-Site: cross-site":        http.StatusForbidden,
		"Sec-Fetch-Site: same-site":         http.StatusForbidden,
		"Origin: https://elsewhere.org":     http.StatusForbidden,
		"Referer: http://engine.test.evil/": http.StatusForbidden,
	} {
		var lines []string
		if headers != "" {
			lines = []string{headers}
		}
		if a := c.request("GET", "EIO=4&transport=polling&j=0", "", lines...); a.status != want {
			t.Errorf("%q: %d, want %d", headers, a.status, want)
		}
	}
	anyone := open(t, engineio.Options{AllowedOrigins: []string{"*"}}, nil).stranger(mode{4, "jsonp"})
	for _, headers := range []string{"Referer: https://elsewhere.org/", "Sec-Fetch-Site: cross-site"} {
		if a := anyone.request("GET", "EIO=4&transport=polling&j=0", "", headers); a.status != http.StatusOK {
			t.Errorf("with * and %q: %d", headers, a.status)
		}
	}
}

func TestAPreflightIsAnsweredForAllowedOriginsOnly(t *testing.T) {
	h := open(t, engineio.Options{AllowedOrigins: []string{"https://friend.org"}}, nil)
	c := h.stranger(mode{4, "polling"})
	ask := []string{"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-token, content-type"}

	a := c.request("OPTIONS", "EIO=4&transport=polling&sid=any", "", append(ask, "Origin: https://friend.org")...)
	if a.status != http.StatusNoContent || a.body != "" {
		t.Errorf("%d %q", a.status, a.body)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin":      "https://friend.org",
		"Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods":     "GET, POST",
		"Access-Control-Allow-Headers":     "x-token, content-type",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	a = c.request("OPTIONS", "EIO=4&transport=polling", "", append(ask, "Origin: "+foreign)...)
	if a.status != http.StatusForbidden || a.header.Get("Access-Control-Allow-Headers") != "" {
		t.Errorf("for a foreign origin: %+v", a)
	}
}

func TestOptionsThatCannotBeAreNamed(t *testing.T) {
	for want, o := range map[string]engineio.Options{
		"PingInterval":   {PingInterval: -1},
		"PingTimeout":    {PingTimeout: 1},
		"UpgradeTimeout": {UpgradeTimeout: -1},
		"WriteTimeout":   {WriteTimeout: 10},
		"MaxPayload":     {MaxPayload: -1},
		"MaxQueue":       {MaxQueue: 2 << 30},
		`"carrier"`:      {Transports: []string{"carrier"}},
		`"friend.org"`:   {AllowedOrigins: []string{"friend.org"}},
		"friend.org/a":   {AllowedOrigins: []string{"https://friend.org/a"}},
		"scheme":         {AllowedOrigins: []string{"nowhere"}},
	} {
		if _, err := engineio.New(o, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: the error is %v, want it to name %s", o, err, want)
		}
	}
}

func TestTheAllowedOriginsCanChangeWhileTheServerRuns(t *testing.T) {
	h := open(t, engineio.Options{}, nil)
	c := h.stranger(mode{4, "polling"})
	for _, allowed := range [][]string{nil, {foreign}, nil, {"https://*.org"}} {
		list, err := origin.NewList(allowed)
		if err != nil {
			t.Fatal(err)
		}
		h.sv.AllowOrigins(list)
		want := http.StatusForbidden
		if allowed != nil {
			want = http.StatusOK
		}
		for _, d := range doorways {
			if status, _, _ := d.ask(c, "Origin: "+foreign); status != want {
				t.Errorf("%s with %q: %d, want %d", d.name, allowed, status, want)
			}
		}
	}
}
