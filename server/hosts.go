package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/crier/crier/server/origin"
)

// guard answers requests for hosts that are not this server's with 421 (RFC 9110, section 15.5.20), and serves the
// others. addr is where the requests come in. Those for the paths in open are served in any case.
func (s *Server) guard(addr string, next http.Handler, open ...string) http.Handler {
	return s.guardBy((*origin.Hosts).Include, addr, next, open...)
}

// guardInside is guard for an address that others ask inside of a network, by names without a dot as well, such as
// "crier:9100" in Docker and Kubernetes.
func (s *Server) guardInside(addr string, next http.Handler) http.Handler {
	include := func(hosts *origin.Hosts, name string) bool { return isInternal(name) || hosts.Include(name) }
	return s.guardBy(include, addr, next)
}

func (s *Server) guardBy(
	include func(*origin.Hosts, string) bool, addr string, next http.Handler, open ...string,
) http.Handler {
	local := origin.IsLoopback(addr)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hosts := s.hostsAt(local); hosts != nil && !slices.Contains(open, r.URL.Path) {
			for _, name := range s.askedFor(r) {
				if !include(hosts, name) {
					s.refuseHost(w, r, name)
					return
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// hostsAt returns the hosts by which the server may be asked at an address of its own; nil for any. A loopback address
// without trusted proxies is reached from this machine only, so only localhost and IP addresses are accepted.
func (s *Server) hostsAt(local bool) *origin.Hosts {
	if hosts := s.hosts.Load(); hosts != nil {
		return hosts
	}
	if local && len(*s.proxies.Load()) == 0 {
		return &ownNames
	}
	return nil
}

var ownNames origin.Hosts

func (s *Server) refuseHost(w http.ResponseWriter, r *http.Request, name string) {
	s.log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", http.StatusMisdirectedRequest,
		"address", s.address(r))
	f := origin.Refusal{Reason: otherHost, Host: origin.Cut(name)}
	s.refusals.note(f)
	s.bound(w)
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "421: this server does not answer to the host "+f.Host+
		". If it should, its operator adds it to the setting allowed_hosts.", http.StatusMisdirectedRequest)
}

// allowHosts sets by which hosts, which have been checked, the server may be asked from now on.
func (s *Server) allowHosts(hosts *origin.Hosts) { s.hosts.Store(hosts) }

// hostsOf reads the setting allowed_hosts; nil if there are none.
func hostsOf(setting []string) (*origin.Hosts, error) {
	if len(setting) == 0 {
		return nil, nil
	}
	return origin.NewHosts(setting)
}

// askedFor returns by which names a request asks, as in a Host header: those that a trusted proxy tells, and the Host
// header's own, unless that can only be an upstream's. All must be right: some proxies pass on an X-Forwarded-Host that
// the client wrote, others a Host.
func (s *Server) askedFor(r *http.Request) []string {
	said := s.proxies.Load().hosts(r)
	if len(said) > 0 && isInternal(r.Host) {
		return said
	}
	return append(said, r.Host)
}

// isInternal says whether a host has a name without a dot: no page of another site can be loaded by that. Addresses are
// not asked about: they are among all Hosts.
func isInternal(host string) bool {
	h, err := origin.ParseHost(host)
	return err == nil && !strings.Contains(h.Name, ".")
}

// hosts returns which hosts a request was for before its proxies changed the Host header, if the proxy that it came
// from is trusted and says so.
func (p proxies) hosts(r *http.Request) (names []string) {
	if !p.trustsPeer(r) {
		return nil
	}
	names = splitList(r.Header["X-Forwarded-Host"])
	if forwarded := r.Header["Forwarded"]; len(forwarded) > 0 {
		if hosts, ok := forwardedValues(strings.Join(forwarded, ","), "host"); ok {
			names = append(names, hosts...)
		}
	}
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

func (p proxies) trustsPeer(r *http.Request) bool {
	if len(p) == 0 {
		return false
	}
	peer, ok := parseHost(r.RemoteAddr)
	return ok && p.trust(peer)
}

// otherHosts returns under which hosts else than the Host header's a page may have asked: those that a proxy that is
// trusted names, and each of them, the Host header's too, with the port that it names. A page of another site can't
// write these headers: its browser would ask first (CORS), and be refused. A page by DNS rebinding can, but is of the
// same origin as the server anyway: guard keeps it out.
func (s *Server) otherHosts(r *http.Request) []string {
	p := *s.proxies.Load()
	names := p.hosts(r)
	if !p.trustsPeer(r) {
		return nil
	}
	port := strings.TrimSpace(r.Header.Get("X-Forwarded-Port"))
	if port == "" {
		return names
	}
	for _, name := range append([]string{r.Host}, names...) {
		if h, err := origin.ParseHost(name); err == nil && h.Port == 0 {
			names = append(names, h.String()+":"+port)
		}
	}
	return names
}
