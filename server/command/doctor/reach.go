package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// mostAddresses is how many of a name's addresses are tried.
const mostAddresses = 8

// reach finds the name's addresses and connects to each.
func (p *probe) reach(ctx context.Context) Result {
	name := p.url.Hostname()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil || len(addrs) == 0 {
		return fault("the name "+printable(name)+" has no address that this machine finds",
			"give it an A or AAAA record, or mend the URL")
	}
	addrs = addrs[:min(len(addrs), mostAddresses)]
	began := time.Now()
	type try struct {
		addr netip.AddrPort
		err  error
	}
	tries := make(chan try, len(addrs))
	for _, a := range addrs {
		addr := netip.AddrPortFrom(a.Unmap(), portOf(p.url))
		go func() { // ends with ctx at the latest
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr.String())
			if err == nil {
				_ = conn.Close()
			}
			tries <- try{addr, err}
		}()
	}
	var lost []string
	for range addrs {
		if t := <-tries; t.err == nil {
			p.addrs = append(p.addrs, t.addr)
		} else {
			lost = append(lost, fmt.Sprintf("%s: %v", t.addr, p.plainError(ctx, t.err, "no connection within")))
		}
	}
	took := time.Since(began)
	switch {
	case len(p.addrs) == 0:
		return fault(strings.Join(lost, "; "),
			"does the server run, on this address and port (addr in Crier), and does a firewall let it through?")
	case len(lost) > 0 && !p.addrs[0].Addr().IsLoopback(): // who listens on one loopback address alone is reached
		return warning(strings.Join(lost, "; "),
			"clients that try this address first wait: listen there, or take the record away")
	}
	return ok("%s, connected in %s", p.addrs[0], short(took))
}

// short rounds a duration for people.
func short(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(100 * time.Microsecond)
}

// isPublic says whether the server can be reached from the whole internet, as far as its address tells.
func (p *probe) isPublic() bool {
	a := p.addrs[0].Addr()
	return a.IsGlobalUnicast() && !a.IsPrivate()
}

// mostRedirects is how many redirects are followed, on one host.
const mostRedirects = 3

// checkRedirects follows redirects that stay on the host; with them go the headers that the user has given.
func (p *probe) checkRedirects(ctx context.Context) Result {
	from := p.opts.name()
	for hop := 0; ; hop++ {
		a, err := p.do(ctx, request{path: p.opts.path + diagnosisFile})
		if err != nil || a.location() == "" {
			break // the next check tells
		}
		if why := p.follow(a, hop); why != "" {
			return fault(a.describe()+"; "+why,
				"clients need a URL that answers by itself (WebSocket follows no redirect); or do not redirect this path")
		}
		if r := p.secure(ctx); r.Status == Fault {
			return r
		}
	}
	if to := p.opts.name(); to != from {
		return warning(from+" sends to "+to+", which the checks use", "give clients "+to+": WebSocket follows no redirect")
	}
	return ok("none")
}

// follow goes on with where an answer sends to, or says why not.
func (p *probe) follow(a *answer, hop int) (why string) {
	to, err := p.url.Parse(a.header.Get("Location"))
	switch {
	case err != nil || to.Scheme != "http" && to.Scheme != "https":
		return "this is no URL to follow"
	case hop == mostRedirects:
		return fmt.Sprintf("that was redirect %d, no more are followed", hop+1)
	case !strings.EqualFold(to.Hostname(), p.url.Hostname()):
		return "another host is not followed"
	case to.Scheme == "http" && p.url.Scheme == "https":
		return "the way from https to http is not followed"
	case to.Scheme == p.url.Scheme && portOf(to) != portOf(p.url):
		return "another port is not followed"
	}
	path, isOurs := strings.CutSuffix(to.Path, "/"+diagnosisFile)
	if !isOurs {
		return "another path is not followed"
	}
	p.url = &url.URL{Scheme: to.Scheme, Host: to.Host, RawQuery: p.url.RawQuery}
	p.opts.url, p.opts.path = p.url, path+"/"
	return ""
}

// identify finds out what answers.
func (p *probe) identify(ctx context.Context) Result {
	if err := p.shakeHands(ctx); err != nil {
		seen, change := explain(err)
		var refused *refusedError
		if errors.As(err, &refused) && refused.answer.engineCode() < 0 {
			seen = "no Socket.IO server answers at " + printable(p.opts.path) + ": " + seen
		}
		return fault(seen, change...)
	}
	p.kind = "socket.io"
	a, err := p.do(ctx, request{path: p.opts.path + diagnosisFile})
	if err == nil {
		p.rtt = a.took
		if p.self = readDiagnosis(a); p.self != nil {
			p.kind = "crier"
		}
		p.front = a.front()
	}
	seen := "a Socket.IO server, not Crier or an older one"
	if p.kind == "crier" {
		seen = "Crier"
	}
	if p.front != "" {
		seen += ", behind " + p.front
	}
	return ok("%s; an answer takes %s", seen, short(p.rtt))
}

// shakeHands finds a handshake that the server takes, and settles which transport and version there are.
func (p *probe) shakeHands(ctx context.Context) error {
	s, err := p.openSession(ctx, form{version: 4})
	var refused *refusedError
	if errors.As(err, &refused) && refused.answer.status == http.StatusOK { // a server of Socket.IO 2 takes 4 for 3
		if old, oldErr := p.openSession(ctx, form{version: 3}); oldErr == nil {
			s, err, p.eio = old, nil, 3
		}
	}
	if err == nil {
		p.polling, p.open = true, s.open
		s.leave(ctx)
		return nil
	}
	if refused == nil || refused.answer.engineCode() != codeTransport {
		return err
	}
	k, open, err := p.openSocket(ctx, 4, nil)
	if err != nil {
		return err
	}
	k.leave()
	p.open = open
	return nil
}
