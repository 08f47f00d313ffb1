package engineio

import "net/http"

// ServeAsPolling serves a request that was found to be for a session on long-polling before the session moved on.
func (s *Session) ServeAsPolling(w http.ResponseWriter, r *http.Request) {
	q := parseQuery(r.URL.RawQuery)
	s.servePolling(w, r, &q)
}

// Posting says whether a POST is being read.
func (s *Session) Posting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posting
}

// Leaving says whether the server has said good-bye.
func (s *Session) Leaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaving != ""
}

// Held returns the bytes that wait for the client.
func (s *Session) Held() int { return s.out.Size() }
