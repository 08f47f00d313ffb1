package origin

import (
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/crier/crier/server/websocket"
)

// A Policy says which pages may connect. All methods may be called concurrently.
type Policy struct {
	hosts func(*http.Request) []string
	list  atomic.Pointer[List]
}

// NewPolicy lets in pages of the host that a request is for, and of the origins in allowed.
//
// hosts, if not nil, returns under which names else a client may have asked for the server: what a proxy says, if it
// can be believed. It is called where the Host header is another than the page's.
func NewPolicy(allowed *List, hosts func(*http.Request) []string) *Policy {
	p := &Policy{hosts: hosts}
	p.Allow(allowed)
	return p
}

// Allow puts another list in the place of the one before.
func (p *Policy) Allow(list *List) { p.list.Store(list) }

// A Verdict is what becomes of a request.
type Verdict struct {
	// Allowed is the origin that CORS headers must name; "" if there is no need for them.
	Allowed string

	// Refusal says why the page may not connect; nil if it may.
	Refusal *Refusal
}

// Judge says whether the page that makes a request may connect. Of several Origin headers, which no browser sends, each
// must be one that may.
func (p *Policy) Judge(r *http.Request) Verdict {
	var v Verdict
	for _, from := range r.Header["Origin"] {
		if v = p.JudgeFrom(r, from); v.Refusal != nil {
			break
		}
	}
	return v
}

// JudgeFrom is Judge for a page of which another header tells the origin.
func (p *Policy) JudgeFrom(r *http.Request, from string) Verdict {
	list := p.list.Load()
	switch {
	case from == "":
		return Verdict{}
	case list.any:
		return Verdict{Allowed: from}
	case list.isEmpty() && isSameText(from, r.Host):
		return Verdict{}
	}
	c := read(from)
	switch {
	case list.includes(c):
		return Verdict{Allowed: from}
	case c.kind == nobody, c.kind == file && isBoard(r), isSameOrigin(r), p.isOwn(c.origin, r):
		return Verdict{}
	}
	return Verdict{Refusal: refuse(r, from, c)}
}

func (p *Policy) isOwn(o Origin, r *http.Request) bool {
	if h, err := ParseHost(r.Host); err == nil && o.isOf(h) {
		return true
	}
	if p.hosts == nil {
		return false
	}
	for _, name := range p.hosts(r) {
		if h, err := ParseHost(name); err == nil && o.isOf(h) {
			return true
		}
	}
	return false
}

// isSameText is the quick way to see that a page is of the host that it asks.
func isSameText(from, host string) bool {
	scheme, rest, ok := strings.Cut(from, "://")
	return ok && (scheme == "http" || scheme == "https") && host != "" && strings.EqualFold(rest, host)
}

// isSameOrigin says whether the browser itself has compared the page's origin with the address that it asked, before
// any proxy changed the Host header, and found them the same. No page can write this header (Fetch Metadata, section
// 2.3).
func isSameOrigin(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Site") == "same-origin" }

// isBoard says whether the client is the WebSocket library of ESP8266 and ESP32 boards (Links2004/arduinoWebSockets,
// its SocketIOclient too), which writes "Origin: file://" unless it is told otherwise. It asks for a WebSocket, or,
// as SocketIOclient does first, for a session by polling. No page can write this header of a WebSocket, and no
// browser has such a name.
func isBoard(r *http.Request) bool {
	if r.Method != http.MethodGet || !strings.HasPrefix(r.UserAgent(), "arduino-WebSocket-Client") {
		return false
	}
	if websocket.IsUpgrade(r) {
		return true
	}
	q := r.URL.Query()
	return q.Get("transport") == "polling" && !q.Has("sid") && !q.Has("j")
}

// A claim is what an Origin header says.
type claim struct {
	kind   kind
	origin Origin // of a page
}

type kind int

const (
	nobody kind = iota // no browser writes this
	hidden             // "null"
	file               // a file of the disk
	page
	unreadable
)

// read says whom an Origin header speaks for.
//
// These clients write what no browser does, and are no pages: elephant.io "*" or a slash at the end,
// maldikhan/go.socket.io the whole address of the request.
func read(from string) claim {
	switch {
	case from == Any:
		return claim{kind: nobody}
	case strings.EqualFold(from, Null):
		return claim{kind: hidden}
	case len(from) >= len("file:") && strings.EqualFold(from[:len("file:")], "file:"):
		return claim{kind: file}
	}
	scheme, rest, ok := strings.Cut(from, "://")
	scheme = strings.ToLower(scheme)
	if !ok {
		scheme, rest = "http", from // the bare host, of some clients
	} else if !isScheme(scheme) {
		return claim{kind: unreadable}
	}
	o, err := parse(scheme, rest)
	if err == nil {
		return claim{kind: page, origin: o}
	}
	if i := strings.IndexAny(rest, "/?#"); ok && i >= 0 && !strings.ContainsAny(rest, ", ") {
		if o, err = parse(scheme, rest[:i]); err == nil && o.isWeb() {
			return claim{kind: nobody}
		}
	}
	return claim{kind: unreadable}
}

// includes says whether somebody whom a header speaks for is in the list.
func (l *List) includes(c claim) bool {
	switch c.kind {
	case hidden:
		return l.null
	case file:
		return l.file
	case page:
		return l.has(c.origin)
	}
	return l.any
}
