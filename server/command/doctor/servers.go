package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// How many connections are made to find a second server, and how many requests of a session go over one each.
const (
	serverTries  = 8
	sessionTries = 6
)

// checkServers finds out whether several servers answer, and whether a session's requests reach the same.
func (p *probe) checkServers(ctx context.Context) Result {
	instances := map[string]bool{}
	for range serverTries {
		if p.kind != "crier" {
			break
		}
		d, _, err := p.diagnose(ctx, nil, true)
		if err != nil && !errors.Is(err, errNoDiagnosis) {
			return faulty(err)
		}
		if d != nil {
			instances[d.Instance] = true
		}
	}
	sticky := p.trySticky(ctx)
	switch {
	case len(instances) > 1:
		return fault(fmt.Sprintf("%d Criers answer, and share no feed: their clients do not hear each other", len(instances)),
			"let the name lead to one Crier; sticky sessions do not help")
	case sticky.Status == Fault:
		return sticky
	case len(p.addrs) > 1:
		sticky.Seen += fmt.Sprintf("; the name has %d addresses", len(p.addrs))
	}
	return sticky
}

// trySticky sends each request of a session over a connection of its own, with the cookies that it was given.
func (p *probe) trySticky(ctx context.Context) Result {
	if !p.polling {
		return skipped(noPolling)
	}
	s, err := p.openSession(ctx, form{version: p.eio, fresh: true})
	if err != nil {
		return faulty(err)
	}
	defer s.leave(ctx)
	for range sessionTries / 2 {
		_, err := roundTrip(ctx, s, p.eio)
		if isCode(err, codeSession) {
			return fault("requests of one session reach different servers: "+err.Error(), adviseSticky...)
		}
		if err != nil {
			return faulty(err)
		}
	}
	seen := "one, or requests of a session reach the same"
	if p.kind == "crier" {
		seen = "one"
	}
	if cookies := (&http.Response{Header: s.first.header}).Cookies(); len(cookies) > 0 {
		seen += ", with the cookie " + printable(cookies[0].Name)
	}
	return ok("%s", seen)
}
