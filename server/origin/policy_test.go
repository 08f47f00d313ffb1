package origin

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func request(host string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/socket.io/", nil)
	r.Host = host
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	return r
}

func judge(allowed []string, from string, r *http.Request) Verdict {
	l, err := NewList(allowed)
	if err != nil {
		panic(err)
	}
	named := func(r *http.Request) []string { return r.Header.Values("Test-Host") } // stands for a proxy that is trusted
	return NewPolicy(l, named).JudgeFrom(r, from)
}

// The clients are those that write it so.
func TestWhoeverIsOfTheSameHostIsServed(t *testing.T) {
	for _, c := range []struct{ from, host, client string }{
		{"", "h:3000", "Python, curl"},
		{"http://h:3000", "h:3000", "browsers"},
		{"https://h", "h", "browsers, behind a proxy that ends TLS"},
		{"http://H:3000", "h:3000", "browsers"},
		{"http://h.", "h", "browsers"},
		{"https://h", "h:443", "Swift (Starscream)"},
		{"wss://h", "h:443", "Swift (Starscream 4)"},
		{"wss://h", "h", "Swift (Starscream 4)"},
		{"ws://h:3000", "h:3000", "Swift (Starscream 4)"},
		{"https://h:443", "h", "Java"},
		{"http://h:80", "h", "Java"},
		{"http://h", "h:80", "Java"},
		{"http://h:3000/socket.io/?eio=4", "h:3000", "maldikhan/go.socket.io"},
		{"*", "h:3000", "elephant.io"},
		{"http://h:3000/", "h:3000", "elephant.io"},
		{"h:3000", "h:3000", "boards"},
		{"http://[::1]:3000", "[0:0::1]:3000", "browsers"},
		{"http://bücher.example", "xn--bcher-kva.example", "clients that know no Punycode"},
	} {
		if v := judge(nil, c.from, request(c.host)); v.Refusal != nil || v.Allowed != "" {
			t.Errorf("%q at %q (%s): %+v", c.from, c.host, c.client, v.Refusal)
		}
	}
}

func TestABoardIsServedWhereBoardsAsk(t *testing.T) {
	const polling, socket = "/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=4&transport=websocket&sid=x"
	for _, c := range []struct {
		method, url, from string
		upgrade, want     bool
	}{
		{http.MethodGet, polling, "file://", false, true},
		{http.MethodGet, socket, "file://", true, true},
		{http.MethodGet, "/ws/echo", "file://", true, true},
		{http.MethodGet, polling, "https://elsewhere.org", false, false},
		{http.MethodGet, polling, "null", false, false},
		{http.MethodGet, socket, "https://elsewhere.org", true, false},
		{http.MethodGet, polling + "&sid=x", "file://", false, false},
		{http.MethodGet, polling + "&j=0", "file://", false, false},
		{http.MethodPost, polling, "file://", false, false},
		{http.MethodGet, "/", "file://", false, false},
	} {
		r := httptest.NewRequest(c.method, c.url, nil)
		r.Header.Set("User-Agent", "arduino-WebSocket-Client")
		if c.upgrade {
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Upgrade", "websocket")
		}
		if v := judge(nil, c.from, r); (v.Refusal == nil) != c.want {
			t.Errorf("%s %s of %s: %+v", c.method, c.url, c.from, v.Refusal)
		}
	}
}

func TestAForeignPageIsRefusedWithTheReason(t *testing.T) {
	for _, c := range []struct {
		from, host string
		want       Reason
		headers    []string
	}{
		{"https://elsewhere.org", "h:3000", Foreign, []string{"Sec-Fetch-Site: cross-site"}},
		{"https://elsewhere.org", "chat.example.org", Foreign, nil},
		{"https://chat.example.org.elsewhere.org", "chat.example.org", Foreign, nil},
		{"https://elsewhere.org", "chat.example.org", Foreign, []string{"X-Forwarded-For: 192.0.2.1"}},
		{"http://h:81", "h:3000", Foreign, nil},
		{"https://h", "h:3000", Foreign, nil},
		{"http://localhost:5173", "localhost:3000", Foreign, []string{"Sec-Fetch-Site: same-site"}},
		{"http://localhost:5173", "127.0.0.1:3000", Foreign, nil},
		{"capacitor://localhost", "localhost", Foreign, nil},
		{"chrome-extension://abc", "abc", Foreign, nil},
		{"undefined", "h", Foreign, nil},
		{"about:blank", "h", Foreign, nil},
		{"https://", "", Foreign, nil},
		{"https://a@h", "h", Foreign, nil},
		{"https://friend.org, https://elsewhere.org", "h", Foreign, nil},
		{"https://friend.org/, https://elsewhere.org", "h", Foreign, nil},
		{"null", "null", Hidden, nil},
		{"file://", "h", OnDisk, nil},
		{"file:///sdcard/index.html", "h", OnDisk, nil},
		{"https://chat.example.org", "127.0.0.1:3000", Proxied, nil},                                               // nginx's own
		{"https://chat.example.org", "localhost:3000", Proxied, nil},                                               // nginx's own
		{"https://chat.example.org", "crier_upstream", Proxied, nil},                                               // nginx's own
		{"http://192.168.1.5", "127.0.0.1:3000", Proxied, nil},                                                     // nginx's own
		{"http://192.168.1.5:8080", "192.168.1.5", Proxied, nil},                                                   // $host
		{"https://chat.example.org:8443", "chat.example.org", Proxied, nil},                                        // $host
		{"https://chat.example.org", "10.0.0.7:3000", Proxied, []string{"Via: 1.1 apache"}},                        // Apache
		{"http://localhost:8080", "127.0.0.1:3000", Proxied, []string{"X-Forwarded-For: 127.0.0.1"}},               // Apache
		{"https://chat.example.org", "crier.example.org", Proxied, []string{"X-Forwarded-Host: chat.example.org"}}, // not trusted
	} {
		v := judge([]string{"https://friend.org"}, c.from, request(c.host, c.headers...))
		if v.Refusal == nil || v.Refusal.Reason != c.want || v.Refusal.Origin != c.from || v.Refusal.Host != c.host {
			t.Errorf("%q at %q %q: got %+v, want %s", c.from, c.host, c.headers, v.Refusal, c.want)
		}
	}
}

func TestWhoIsAllowedByNameIsToldSo(t *testing.T) {
	for _, c := range []struct {
		allowed, from string
		want          bool
	}{
		{"null", "null", true},
		{"file://", "file://", true},
		{"file://", "file:///", true},
		{"null", "file://", false},
		{"file://", "null", false},
		{"*", "null", true},
		{"*", "anything at all", true},
		{"http://h:3000", "http://h:3000", true}, // its own, and a page of http at a server with TLS needs the headers
		{"https://*.example.org", "https://a.example.org", true},
		{"capacitor://localhost", "capacitor://localhost", true},
	} {
		v := judge([]string{c.allowed}, c.from, request("h:3000"))
		if got := v.Refusal == nil && v.Allowed == c.from; got != c.want {
			t.Errorf("%s: %s is answered with %+v", c.allowed, c.from, v)
		}
	}
}

func TestABrowserThatSaysThatThePageIsOfTheSameOriginIsBelieved(t *testing.T) {
	r := request("127.0.0.1:3000", "Sec-Fetch-Site: same-origin")
	if v := judge(nil, "https://chat.example.org", r); v.Refusal != nil {
		t.Errorf("%+v", v.Refusal)
	}
}

func TestWhatAProxySaysCountsWhereItIsTrusted(t *testing.T) {
	for _, c := range []struct {
		from, said string
		want       bool
	}{
		{"https://chat.example.org", "chat.example.org", true},
		{"https://chat.example.org:8443", "chat.example.org:8443", true},
		{"https://chat.example.org:8443", "chat.example.org", false},
		{"https://elsewhere.org", "chat.example.org", false},
		{"https://chat.example.org", "not a host", false},
	} {
		v := judge(nil, c.from, request("127.0.0.1:3000", "Test-Host: "+c.said))
		if got := v.Refusal == nil; got != c.want {
			t.Errorf("%s, and the proxy says %s: %+v", c.from, c.said, v.Refusal)
		}
	}
}

func TestWhatIsToldOfARefusalIsBounded(t *testing.T) {
	v := judge(nil, "https://"+strings.Repeat("é", 20_000), request(strings.Repeat("h", 20_000)))
	if v.Refusal == nil || len(v.Refusal.Origin) > 210 || len(v.Refusal.Host) > 210 {
		t.Errorf("%d and %d bytes", len(v.Refusal.Origin), len(v.Refusal.Host))
	}
	for _, reason := range Reasons {
		if words := (&Refusal{Reason: reason}).Message(); len(words) > 123 {
			t.Errorf("%s: %d bytes, more than the reason of a close frame may have", reason, len(words))
		}
	}
}

func TestHostsAreNamesWithoutPorts(t *testing.T) {
	s, err := NewHosts([]string{"Example.org", "*.example.net", "bücher.example", "2001:db8::1"})
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]bool{
		"":                           true, // HTTP/1.0; every browser sends one
		"example.org":                true,
		"EXAMPLE.org:3000":           true,
		"example.org.":               true,
		"a.example.org":              false,
		"a.example.net":              true,
		"example.net":                false,
		"xn--bcher-kva.example":      true,
		"localhost:3000":             true,
		"app.localhost":              true,
		"127.0.0.1:3000":             true,
		"[::1]:3000":                 true,
		"203.0.113.9":                true, // no page can turn an address to this server
		"evil.example":               false,
		"localhost.evil.example":     false,
		"127.0.0.1.evil.example":     false,
		"example.org.evil.example":   false,
		"evil.example:3000":          false,
		"127.0.0.1.":                 true,
		"0177.0.0.1":                 false,
		"example.org:99999":          false,
		"evil.example, example.org":  false,
		strings.Repeat("a", 100_000): false,
	} {
		if got := s.Include(header); got != want {
			t.Errorf("%.60q: %v, want %v", header, got, want)
		}
	}
	all, err := NewHosts([]string{"*"})
	if err != nil || !all.Include("evil.example") {
		t.Errorf(`"*" has not all: %v`, err)
	}
}

func TestAHostThatCannotBeIsRefusedWithTheReason(t *testing.T) {
	for text, want := range map[string]error{
		"":                    errEmpty,
		"https://example.org": errHostScheme,
		"example.org:3000":    errHostPort,
		"*.127.0.0.1":         errSubdomains,
		"a.*.org":             errLetters,
		"example.org/":        errLetters,
		"[::1":                errIPv6,
	} {
		if got, err := CanonicalHost(text); err != want {
			t.Errorf("%q: got %q, %v, want %v", text, got, err, want)
		}
	}
}

func TestOnlyAddressesOfThisMachineAreLoopback(t *testing.T) {
	var got []string
	for _, addr := range []string{":3000", "127.0.0.1:3000", "127.8.8.8:0", "localhost:3000", "[::1]:0", "0.0.0.0:3000", "[::]:80", "10.0.0.1:80", "example.org:80"} {
		if IsLoopback(addr) {
			got = append(got, addr)
		}
	}
	if want := []string{"127.0.0.1:3000", "127.8.8.8:0", "localhost:3000", "[::1]:0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
