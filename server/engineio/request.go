package engineio

import (
	"net/http"
	"strings"
	"time"
)

// A Request is what is kept of the request that opened a session.
type Request struct {
	URL        string // path and query
	RemoteAddr string // the client's IP address, without port: what Options.Address says
	Secure     bool   // it came over TLS
	Time       time.Time

	header string // see packHeader
}

func newRequest(r *http.Request, address string) Request {
	return Request{
		URL: r.URL.RequestURI(), RemoteAddr: strings.Clone(address), Secure: r.TLS != nil, Time: time.Now(),
		header: packHeader(r),
	}
}

// held returns how many bytes a session is charged for the request: whole steps, and a browser's take none.
func (r *Request) held() int { return (len(r.URL) + len(r.header)) &^ (heldStep - 1) }

// Header returns the header as it was sent, with Host. It is put together with each call.
func (r *Request) Header() http.Header {
	h := make(http.Header)
	for line := range strings.Lines(r.header) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		h[key] = append(h[key], value)
	}
	return h
}

// packHeader writes a header into one string, in which neither names nor values can hold a line feed. A browser's
// fifteen fields take 2 KiB as a map, for as long as the session lives, and a third of that like this.
func packHeader(r *http.Request) string {
	lines := append(make([]byte, 0, 1024), "Host:"...)
	lines = append(append(lines, r.Host...), '\n')
	for key, values := range r.Header {
		for _, value := range values {
			lines = append(append(lines, key...), ':')
			lines = append(append(lines, value...), '\n')
		}
	}
	return string(lines) // of just the size it needs
}
