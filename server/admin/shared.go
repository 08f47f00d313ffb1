package admin

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	sharedFor = time.Second // how long one rendering of the metrics is told
	mostForms = 8           // how many forms of it are kept: scrapers ask for different ones
)

// shared tells everybody who asks within a second the same: a rendering asks every session, and whoever may ask at
// all may ask often.
type shared struct {
	render http.Handler

	mu    sync.Mutex // guards the following, and is held while one renders
	since time.Time
	forms map[form]*rendering
}

// A form is what a scraper understands.
type form struct {
	accept   string
	compress bool
}

// A rendering is an answer that can be told again.
type rendering struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (s *shared) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	told := s.rendering(r)
	header := w.Header()
	for name, values := range told.header {
		header[name] = values
	}
	w.WriteHeader(told.status)
	_, _ = w.Write(told.body.Bytes()) // a scraper that has gone needs nothing
}

// rendering returns that of the last second, or a new one.
func (s *shared) rendering(r *http.Request) *rendering {
	f := form{
		accept:   strings.Join(r.Header["Accept"], ","),
		compress: strings.Contains(strings.Join(r.Header["Accept-Encoding"], ","), "gzip"),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.forms == nil || now.Sub(s.since) >= sharedFor {
		s.since, s.forms = now, make(map[form]*rendering)
	}
	if told := s.forms[f]; told != nil {
		return told
	}
	if len(s.forms) >= mostForms {
		f = form{}
		if told := s.forms[f]; told != nil {
			return told
		}
	}
	told := &rendering{header: make(http.Header), status: http.StatusOK}
	s.render.ServeHTTP(told, f.request(r))
	s.forms[f] = told
	return told
}

// request is one that asks for a form and nothing else.
func (f form) request(r *http.Request) *http.Request {
	asks := &http.Request{Method: http.MethodGet, URL: r.URL, Header: make(http.Header)}
	if f.accept != "" {
		asks.Header.Set("Accept", f.accept)
	}
	if f.compress {
		asks.Header.Set("Accept-Encoding", "gzip")
	}
	return asks
}

// Header, WriteHeader and Write implement http.ResponseWriter.
func (r *rendering) Header() http.Header                   { return r.header }
func (r *rendering) WriteHeader(status int)                { r.status = status }
func (r *rendering) Write(bytes []byte) (n int, err error) { return r.body.Write(bytes) }
