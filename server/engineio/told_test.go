package engineio_test

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/crier/crier/server/engineio"
)

func TestRefusedRequestsAreToldToTheProgram(t *testing.T) {
	told := make(chan engineio.ConnectionError, 1)
	h := open(t, engineio.Options{
		DisableEIO3: true, MaxPayload: 10,
		ConnectionError: func(e *engineio.ConnectionError) { told <- *e },
		Allow: func(r *http.Request) error {
			if r.Header.Get("X-Token") == "bad" {
				return errors.New("no such token")
			}
			return nil
		},
	}, nil)
	c := h.connect(mode{4, "polling"})
	for _, test := range []struct {
		method, query, body, header string
		status, code                int
		message                     string
	}{
		{"GET", "EIO=4", "", "", 400, engineio.CodeUnknownTransport, "Transport unknown"},
		{"GET", "EIO=4&transport=polling&sid=nobody", "", "", 400, engineio.CodeUnknownSession, "Session ID unknown"},
		{"PUT", "EIO=4&transport=polling", "", "", 400, engineio.CodeBadHandshakeMethod, "Bad handshake method"},
		{"GET", "EIO=4&transport=websocket", "", "", 400, engineio.CodeBadRequest, "Bad request"},
		{"GET", "EIO=4&transport=polling", "", "X-Token: bad", 403, engineio.CodeForbidden, "no such token"},
		{"GET", "EIO=4&transport=polling", "", "Origin: " + foreign, 403, engineio.CodeForbidden, "Forbidden"},
		{"GET", "EIO=3&transport=polling", "", "", 400, engineio.CodeUnsupportedVersion, "Unsupported protocol version"},
		{"POST", "EIO=4&transport=polling&sid=" + c.sid, "4" + strings.Repeat("x", 20), "", 413, engineio.CodeBadRequest, "Payload too large"},
	} {
		a := c.request(test.method, test.query, test.body, cmp.Or(test.header, "X-Token: good"))
		select {
		case e := <-told:
			if e.Status != test.status || e.Code != test.code || !strings.HasPrefix(e.Message, test.message) || e.Request.URL.RawQuery != test.query {
				t.Errorf("%s: told of %+v", test.query, e)
			}
		default:
			t.Errorf("%s: not told of %d %s", test.query, a.status, a.body)
		}
	}
}

func TestProgramsAddHeaderFields(t *testing.T) {
	h := open(t, engineio.Options{
		InitialHeaders: func(h http.Header, _ *http.Request) { h.Add("Set-Cookie", "node=1") },
		Headers: func(h http.Header, r *http.Request) {
			h.Set("X-Of", r.URL.Query().Get("sid"))
		},
	}, nil)
	for _, d := range doorways {
		if d.name == "POST" {
			continue
		}
		_, header, _ := d.ask(h.stranger(mode{4, "polling"}))
		if got := header["Set-Cookie"]; len(got) != 1 || got[0] != "node=1" || len(header["X-Of"]) != 1 {
			t.Errorf("%s opens with %v", d.name, header)
		}
	}
	c := h.connect(mode{4, "polling"})
	a := c.request("POST", "EIO=4&transport=polling&sid="+c.sid, "3")
	if a.header.Get("Set-Cookie") != "" || a.header.Get("X-Of") != c.sid {
		t.Errorf("a later answer has %v", a.header)
	}
	if a := c.request("GET", "EIO=4&transport=polling&sid=x", ""); a.header.Get("X-Of") != "" {
		t.Errorf("a refusal has %v", a.header)
	}
}

// What package websocket refuses is told too, of a session's first request and of its upgrade.
func TestRefusedWebSocketHandshakesAreToldToTheProgram(t *testing.T) {
	told := make(chan engineio.ConnectionError, 1)
	h := open(t, engineio.Options{ConnectionError: func(e *engineio.ConnectionError) { told <- *e }}, nil)
	upgrade := []string{"Connection: Upgrade", "Upgrade: websocket"}
	for _, sid := range []string{"", "&sid=" + h.connect(mode{4, "polling"}).sid} {
		query := "EIO=4&transport=websocket" + sid
		for _, test := range []struct {
			header  string
			status  int
			message string
		}{
			{"Sec-WebSocket-Version: 12", 426, "This server speaks version 13"},
			{"Sec-WebSocket-Version: 13", 400, "The Sec-WebSocket-Key header"},
		} {
			a := h.stranger(mode{4, "websocket"}).request("GET", query, "", append(upgrade, test.header)...)
			if a.status != test.status || !strings.HasPrefix(a.body, test.message) {
				t.Errorf("%s: answered with %d %s", test.header, a.status, a.body)
			}
			select {
			case e := <-told:
				if e.Status != test.status || e.Code != engineio.CodeBadRequest || !strings.HasPrefix(e.Message, test.message) ||
					e.Request.URL.RawQuery != query {
					t.Errorf("%s: told of %+v", test.header, e)
				}
			default:
				t.Errorf("%s: not told", test.header)
			}
		}
	}
	waitFor(t, "only the session on long-polling is left", func() bool { return h.sv.Len() == 1 })
}

func TestAnAnswerThatOpensNoSessionHasNoInitialHeaders(t *testing.T) {
	h := open(t, engineio.Options{
		MaxSessions:    1,
		InitialHeaders: func(h http.Header, _ *http.Request) { h.Add("Set-Cookie", "node=1") },
	}, nil)
	h.connect(mode{4, "polling"})
	for _, m := range []mode{{4, "polling"}, {4, "websocket"}} {
		c := h.stranger(m)
		a := c.request("GET", "EIO=4&transport="+m.transport, "", "Connection: Upgrade", "Upgrade: websocket")
		if m.transport == "polling" {
			a = c.request("GET", "EIO=4&transport=polling", "")
		}
		if a.status != http.StatusServiceUnavailable || a.header["Set-Cookie"] != nil {
			t.Errorf("%v: %d with %v", m, a.status, a.header)
		}
	}
}
