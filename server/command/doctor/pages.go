package doctor

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
)

// stranger is a page that no server allows by name (RFC 2606: the name exists nowhere).
const stranger = "https://crier-doctor.invalid"

// visit makes a handshake as a page of an origin does, and returns the answer. The error is a *refusedError if the
// server does not take the page.
func (p *probe) visit(ctx context.Context, origin string) (*answer, error) {
	header := http.Header{"Origin": {origin}}
	if p.polling {
		s, err := p.openSession(ctx, form{version: p.eio, header: header})
		if err != nil {
			return nil, err
		}
		s.leave(ctx)
		return s.first, nil
	}
	k, _, err := p.openSocket(ctx, p.eio, header)
	if err != nil {
		return nil, err
	}
	k.leave()
	return nil, nil
}

func isForbidden(err error) bool {
	var refused *refusedError
	return errors.As(err, &refused) && refused.answer.status == http.StatusForbidden
}

func (p *probe) ownOrigin() string { return p.url.Scheme + "://" + p.url.Host }

// checkOwnPage connects as a page that the server itself serves does.
func (p *probe) checkOwnPage(ctx context.Context) Result {
	_, err := p.visit(ctx, p.ownOrigin())
	if !isForbidden(err) {
		if err != nil {
			return faulty(err)
		}
		return ok("pages of %s may connect", printable(p.ownOrigin()))
	}
	seen := "pages of " + printable(p.ownOrigin()) + " itself are refused"
	if host := p.hostSeen(ctx); host != "" && host != p.url.Host {
		seen += ": the server is told that its Host is " + host
	}
	if p.kind != "crier" {
		return fault(seen, append([]string{"allow this origin in the server"}, adviseHost...)...)
	}
	return fault(seen, append(adviseHost[:1:1], `or in Crier: allowed_origins: ["`+printable(p.ownOrigin())+`"]`)...)
}

// socketSource finds, in the policy of Crier's page, the host that Crier was asked for.
var socketSource = regexp.MustCompile(`connect-src 'self' ws://([A-Za-z0-9_.:-]+) `)

// hostSeen returns the Host header as it reaches Crier; "" if its page does not tell.
func (p *probe) hostSeen(ctx context.Context) string {
	if p.kind != "crier" {
		return ""
	}
	a, err := p.do(ctx, request{path: "/", most: mostMetrics})
	if err != nil {
		return ""
	}
	if found := socketSource.FindStringSubmatch(a.header.Get("Content-Security-Policy")); found != nil {
		return printable(found[1])
	}
	return ""
}

// checkForeign connects as a page of some other site.
func (p *probe) checkForeign(ctx context.Context) Result {
	a, err := p.visit(ctx, stranger)
	switch {
	case isForbidden(err):
		return ok("pages of other sites are refused")
	case err != nil:
		return faulty(err)
	}
	if r := doubled(a); r != nil {
		return *r
	}
	const seen = "pages of every site on the web may connect"
	if p.kind == "crier" {
		return warning(seen, `name those that should: allowed_origins: ["https://example.org"] in place of "*"`)
	}
	if a != nil && a.header.Get("Access-Control-Allow-Origin") == "" {
		k, _, err := p.openSocket(ctx, p.eio, http.Header{"Origin": {stranger}})
		if err != nil {
			return ok("pages of other sites are refused")
		}
		k.leave()
		return warning(seen+" over WebSocket, where the rules for CORS do not count",
			"refuse foreign origins in the server's allowRequest")
	}
	return warning(seen, "name those that should in the server's cors.origin")
}

const allowOrigin = "Access-Control-Allow-Origin"

// doubled tells of an answer to which both the server and the proxy have added the header.
func doubled(a *answer) *Result {
	if a == nil {
		return nil
	}
	values := a.header[allowOrigin]
	if len(values) < 2 && !strings.Contains(strings.Join(values, ""), ",") {
		return nil
	}
	r := fault(allowOrigin+" is there twice: browsers refuse such an answer",
		"take the header out of the proxy (nginx: add_header): the server sets it")
	return &r
}

// checkOrigin connects as a page that is to be let in.
func (p *probe) checkOrigin(ctx context.Context, origin string) Result {
	a, err := p.visit(ctx, origin)
	switch {
	case isForbidden(err):
		return fault("pages of "+printable(origin)+" are refused", p.adviseOrigin(origin))
	case err != nil:
		return faulty(err)
	}
	if r := doubled(a); r != nil {
		return *r
	}
	if a == nil || strings.EqualFold(origin, p.ownOrigin()) {
		return ok("pages of %s may connect", printable(origin))
	}
	switch a.header.Get(allowOrigin) {
	case origin:
		return ok("pages of %s may connect", printable(origin))
	case "*":
		return warning("pages of "+printable(origin)+" may connect, but not with cookies, and not with clients before 3.0",
			p.adviseOrigin(origin))
	}
	return fault("the answer does not allow pages of "+printable(origin)+": browsers keep it from them",
		p.adviseOrigin(origin))
}

func (p *probe) adviseOrigin(origin string) string {
	if p.kind == "crier" {
		return `in Crier: allowed_origins: ["` + printable(origin) + `"]`
	}
	return `in the server: cors: { origin: ["` + printable(origin) + `"] }; and let the proxy pass on what it answers`
}

// checkHosts asks under a name that nobody has. A page whose name is made to point to the server (DNS rebinding) looks
// like the server's own.
func (p *probe) checkHosts(ctx context.Context) Result {
	if p.kind != "crier" {
		return skipped(crierOnly)
	}
	a, err := p.do(ctx, request{path: p.opts.path + diagnosisFile, host: strings.TrimPrefix(stranger, "https://")})
	if err != nil {
		return faulty(err)
	}
	if readDiagnosis(a) == nil {
		return ok("Crier is not reached, or does not answer, under other names")
	}
	advice := `in Crier: allowed_hosts: ["` + printable(p.url.Hostname()) + `"], if clients know it by this name alone`
	if p.isPublic() {
		return warning("every Host is taken, so pages under any name that is pointed here count as its own", advice)
	}
	return ok("every Host is taken")
}
