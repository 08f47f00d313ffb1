package server

import (
	"log/slog"
	"net/http"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/origin"
)

// otherHost is why a request was refused that is not for this server; the others are those of package origin.
const otherHost origin.Reason = "host"

// refusalLines are what the log says of each kind of refusal, and what the operator can do.
var refusalLines = map[origin.Reason]string{
	origin.Foreign: "refused a page of another origin; to let it in, add the origin to the setting allowed_origins",
	origin.Hidden: "refused a page whose origin is hidden, such as a file opened from the disk; to let in these, and " +
		`every page that hides its origin, add "null" to the setting allowed_origins`,
	origin.OnDisk: "refused a page in a file, or a client that pretends to be one, as Cordova, Electron and some " +
		`WebSocket libraries do; to let them in, add "file://" to the setting allowed_origins`,
	origin.Proxied: "refused a page because the Host header is another than its origin; if it is Crier's own page, a " +
		"proxy in front changes the header: let it pass on what it got (nginx: proxy_set_header Host $http_host;), or send " +
		"X-Forwarded-Host and be named in the setting trusted_proxies; if not, add the origin to allowed_origins",
	otherHost: "refused a request for a host that is not among those of this server; to let it in, add the host to " +
		"the setting allowed_hosts, or, if it came through a proxy, the proxy's address to trusted_proxies",
}

// refusals count and log what is refused for where it comes from, or for whom it is. Each kind has its own lines: those
// that are made up don't hold back the one that tells of a proxy.
type refusals struct {
	log    *slog.Logger
	counts limit.Hits // by reason
	firsts map[origin.Reason]*limit.Firsts
}

func newRefusals(log *slog.Logger) *refusals {
	r := &refusals{log: log, firsts: make(map[origin.Reason]*limit.Firsts)}
	var names []string
	for reason := range refusalLines {
		names = append(names, string(reason))
		r.firsts[reason] = limit.NewFirsts()
	}
	r.counts = limit.NewHits(names...)
	return r
}

// note counts a refusal, and logs it unless it was logged before and is still remembered.
func (r *refusals) note(f origin.Refusal) {
	r.counts.Add(string(f.Reason))
	held, ok := r.firsts[f.Reason].Next(f.Origin + " " + f.Host)
	if !ok {
		return
	}
	fields := []any{"host", f.Host, "not_logged", held}
	if f.Origin != "" {
		fields = append([]any{"origin", f.Origin}, fields...)
	}
	r.log.Warn(refusalLines[f.Reason], fields...)
}

func (s *Server) refusedOrigin(_ *http.Request, f *origin.Refusal) { s.refusals.note(*f) }

// refuseOrigin says why a page may not connect to the plain endpoints; "" if it may.
func (s *Server) refuseOrigin(r *http.Request) string {
	if f := s.io.JudgeOrigin(r); f != nil {
		return f.Message()
	}
	return ""
}
