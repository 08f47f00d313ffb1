package server

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/crier/crier/server/websocket"
)

// A target is where requests belong that came by plain HTTP.
type target struct {
	port string // of https; empty: the usual one
	path string // of Socket.IO, with a slash at the end
}

// A direction is an answer to such a request.
type direction struct {
	status int
	header http.Header
	body   string
}

// target returns where requests belong that came by plain HTTP to an address of TLS.
func (s *Server) target(addr net.Addr, setting string) target {
	t := target{path: s.config.Path}
	if tcp, ok := addr.(*net.TCPAddr); ok {
		t.port = strconv.Itoa(tcp.Port)
	}
	if s.config.RedirectPort > 0 && setting == "addr" {
		t.port = strconv.Itoa(s.config.RedirectPort)
	}
	if t.port == "443" {
		t.port = ""
	}
	return t
}

// direct sends browsers on. Clients of Socket.IO and WebSockets are told in words instead: XMLHttpRequest and
// WebSocket in a page do not follow from http to https (the answer would need CORS at each step), Node's neither; and
// what they have said by then, others could read.
func (t target) direct(r *http.Request) direction {
	d := direction{header: http.Header{
		"Content-Type":  {"text/plain; charset=utf-8"},
		"Cache-Control": {"no-store"}, // a 308 may be kept for ever (RFC 9110, section 15.4.9), and the port may change
	}}
	url := t.url(r)
	switch {
	case url == "":
		d.status, d.body = http.StatusBadRequest, "This address speaks HTTPS: the URL must begin with https://\n"
	case websocket.IsUpgrade(r):
		d.status = http.StatusForbidden
		d.body = "This address does not take plain WebSockets: use wss" + strings.TrimPrefix(url, "https") + "\n"
	case t.isSocketIO(r):
		d.status = http.StatusForbidden
		d.body = refusal("Crier is connected to by TLS alone here: the URL given to io() must begin with " +
			strings.TrimSuffix(url, r.URL.RequestURI()))
		d.header.Set("Content-Type", "application/json")
		d.header.Set("Access-Control-Allow-Origin", "*") // the page's script may read the words: there is nothing else
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		d.status, d.body = http.StatusPermanentRedirect, "This address speaks HTTPS: use "+url+"\n"
		d.header.Set("Location", url)
	default:
		d.status, d.body = http.StatusForbidden, "This address speaks HTTPS: use "+url+"\n"
	}
	return d
}

// refusal is a reason as the engine's clients get it; 4 is "forbidden" (packages/engine.io/lib/server.ts).
func refusal(message string) string {
	text, _ := json.Marshal(map[string]any{"code": 4, "message": message}) // a string can be encoded
	return string(text)
}

func (t target) isSocketIO(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path+"/", t.path) && r.URL.Query().Has("transport")
}

// url returns where a request belongs, or "" if that can't be told.
func (t target) url(r *http.Request) string {
	if r.URL == nil || !strings.HasPrefix(r.URL.Path, "/") {
		return ""
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(r.Host); err == nil {
		host = name
		if strings.Contains(name, ":") {
			host = "[" + name + "]"
		}
	}
	if host == "" || strings.ContainsAny(host, "/\\@?# \"<>") {
		return ""
	}
	if t.port != "" {
		host += ":" + t.port
	}
	return "https://" + host + r.URL.RequestURI()
}

// redirect is what redirect_addr serves: the proofs that an authority asks for, and the way to https for all else.
func (s *Server) redirect() http.Handler {
	to := s.target(s.listener.Addr(), "addr")
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := to.direct(r)
		for name, values := range d.header {
			w.Header()[name] = values
		}
		w.WriteHeader(d.status)
		_, _ = io.WriteString(w, d.body) // a client that is gone gets nothing
	})
	if s.tls.acme != nil {
		h = s.tls.acme.HTTPHandler(h)
	}
	return h
}
