package server

import (
	"net/http"

	"github.com/crier/crier/server/admin"
	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/plain"
)

// limitHeaders is the limit of header fields, which net/http does not have: its own, in bytes, lets a request have
// thousands of empty ones.
const limitHeaders = "MaxHeaders"

// fewHeaders answers requests that have too many header fields with 431, and serves the others.
func (s *Server) fewHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.unread.passed(r)
		fields := 0
		for _, values := range r.Header {
			fields += len(values)
		}
		if fields > s.config.MaxHeaders {
			s.hits.Add(limitHeaders)
			w.Header().Set("Connection", "close")
			http.Error(w, "431: this request has too many header fields", http.StatusRequestHeaderFieldsTooLarge)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) refusedSession(r *http.Request, l engineio.Limit) { s.turnedAway(r, string(l)) }
func (s *Server) refusedClient(r *http.Request, l plain.Limit)     { s.turnedAway(r, string(l)) }

// turnedAway logs that a new client was refused for a limit; not each has a line. Where the limit counts a whole
// proxy as one address, the line says what to do.
func (s *Server) turnedAway(r *http.Request, limit string) {
	held, ok := s.turned.Next()
	if !ok {
		return
	}
	address := s.address(r)
	s.log.Warn("a new client was refused for a limit",
		s.withHint(address, "limit", admin.Setting(limit), "address", address, "not_logged", held)...)
}

// address is the IP address of the client that a request comes from.
func (s *Server) address(r *http.Request) string {
	address, unnamed := s.proxies.Load().address(r)
	if unnamed && s.unnamed.note(address) {
		s.log.Warn("a request came through a proxy that is not named, so all its clients count as one address; "+
			"if the proxy is yours, add its address to the setting trusted_proxies", "address", address)
	}
	return address
}
