package origin

import (
	"errors"
	"fmt"
	"strings"
)

// Hosts are the names by which a server may be asked. A page whose name in the DNS was turned to this server (DNS
// rebinding) is of the same origin as the server for its browser; by the name it is known.
//
// What no page can be from by a trick with the DNS is always in: IP addresses, and localhost with all below it. The
// zero Hosts have no more. They are not changed once they are made.
type Hosts struct {
	any     bool
	exact   map[string]struct{}
	parents []string // of all their subdomains
}

// NewHosts makes hosts of what [CanonicalHost] accepts.
func NewHosts(patterns []string) (*Hosts, error) {
	s := &Hosts{exact: make(map[string]struct{})}
	for _, pattern := range patterns {
		canonical, err := CanonicalHost(pattern)
		if err != nil {
			return nil, fmt.Errorf("allowed host %q: %w", pattern, err)
		}
		switch parent, below := strings.CutPrefix(canonical, "*."); {
		case canonical == Any:
			s.any = true
		case below:
			s.parents = append(s.parents, parent)
		default:
			s.exact[canonical] = struct{}{}
		}
	}
	return s, nil
}

// Why a text is no item of such a list.
var (
	errHostScheme = errors.New(`a host is written without a scheme, such as "example.org"`)
	errHostPort   = errors.New("a host is written without a port: it may be asked on each")
	errSubdomains = errors.New("an address has no subdomains")
)

// CanonicalHost returns an item of such a list in the form in which it is compared: a name or an address without a
// port, "*.example.org" for all subdomains of a name, or "*" for any. The error says what is wrong.
func CanonicalHost(pattern string) (string, error) {
	if pattern == Any {
		return pattern, nil
	}
	name, below := strings.CutPrefix(pattern, "*.")
	if strings.Contains(name, "://") {
		return "", errHostScheme
	}
	if strings.Count(name, ":") > 1 && !strings.HasPrefix(name, "[") {
		name = "[" + name + "]"
	}
	h, err := ParseHost(name)
	switch {
	case err != nil:
		return "", err
	case h.Port != 0:
		return "", errHostPort
	case below && h.IsAddress():
		return "", errSubdomains
	case below:
		return "*." + h.Name, nil
	}
	return h.Name, nil
}

// Include says whether a server may be asked by what a Host header says. No header at all is in: every browser sends
// one.
func (s *Hosts) Include(header string) bool {
	if s.any || header == "" {
		return true
	}
	h, err := ParseHost(header)
	if err != nil {
		return false
	}
	if isLocalhost(h.Name) || h.IsAddress() {
		return true
	}
	if _, ok := s.exact[h.Name]; ok {
		return true
	}
	for _, parent := range s.parents {
		if isBelow(h.Name, parent) {
			return true
		}
	}
	return false
}

// IsLoopback says whether only this machine can ask an address that a server listens on, such as "127.0.0.1:3000".
func IsLoopback(addr string) bool {
	h, err := ParseHost(addr)
	if i := strings.LastIndexByte(addr, ':'); err != nil && i >= 0 { // port 0 is one here
		h, err = ParseHost(addr[:i])
	}
	return err == nil && reach(h) == loopback
}
