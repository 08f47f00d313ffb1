package server

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// proxies are the networks whose word is taken for where a request comes from.
type proxies []netip.Prefix

// newProxies reads the setting trusted_proxies, which has been checked.
func newProxies(networks []string) proxies {
	all := make(proxies, len(networks))
	for i, n := range networks {
		all[i] = netip.MustParsePrefix(n)
	}
	return all
}

func (p proxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

// address returns the IP address of the client that a request comes from: that of the connection's peer, or, if that
// is a proxy that is trusted, what the proxy says. Each proxy adds whom it was asked by at the end, so the list is
// followed from there to the first that is not trusted; what stands before it anybody may have written.
//
// A proxy sets one of two headers and may pass on the other as a client made it up. When both are there and differ,
// it can't be known which is which, and neither counts.
//
// The address is unnamed if its request has passed a proxy, or pretends so, and it is not trusted.
func (p proxies) address(r *http.Request) (address string, unnamed bool) {
	peer, ok := parseHost(r.RemoteAddr)
	if !ok {
		return r.RemoteAddr, false
	}
	xff, forwarded := r.Header["X-Forwarded-For"], r.Header["Forwarded"]
	if !p.trust(peer) {
		return peer.String(), xff != nil || forwarded != nil
	}
	client := p.follow(peer, splitList(xff))
	if len(forwarded) > 0 {
		nodes, ok := forwardedValues(strings.Join(forwarded, ","), "for")
		other := peer
		if ok {
			other = p.follow(peer, nodes)
		}
		if len(xff) == 0 {
			client = other
		} else if other != client {
			client = peer
		}
	}
	return client.String(), false
}

// hintPause is the time between two lines that tell of a proxy without a name.
const hintPause = time.Hour

// mostUnnamed is how many proxies without a name are remembered. Any client can pretend to be one.
const mostUnnamed = 100

// unnamed are addresses that seem to be proxies and are not among trusted_proxies. When they are too many, any of
// them is forgotten.
type unnamed struct {
	mu   sync.Mutex // guards the following
	all  map[string]struct{}
	told time.Time // when the log last told of one
}

// note remembers an address, and says whether the log should tell of it: not twice within hintPause, since any client
// can pretend to be a proxy.
func (u *unnamed) note(address string) (tell bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, known := u.all[address]; known {
		return false
	}
	if u.all == nil {
		u.all = make(map[string]struct{})
	}
	for some := range u.all {
		if len(u.all) < mostUnnamed {
			break
		}
		delete(u.all, some)
	}
	u.all[address] = struct{}{}
	if !u.told.IsZero() && time.Since(u.told) < hintPause {
		return false
	}
	u.told = time.Now()
	return true
}

func (u *unnamed) has(address string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, known := u.all[address]
	return known
}

// follow walks from peer to the client. What is no address ends the walk: the proxy before it is all that is known.
func (p proxies) follow(peer netip.Addr, hops []string) netip.Addr {
	for i := len(hops) - 1; i >= 0 && p.trust(peer); i-- {
		hop, ok := parseHost(hops[i])
		if !ok {
			break
		}
		peer = hop
	}
	return peer
}

// parseHost reads an IP address with or without a port, and without the zone, which means nothing on another machine.
func parseHost(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddrPort(text); err == nil { // as net/http tells a peer's
		return a.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		host, _, splitErr := net.SplitHostPort(text)
		if splitErr != nil {
			return netip.Addr{}, false
		}
		a, err = netip.ParseAddr(host)
	}
	return a.Unmap().WithZone(""), err == nil
}

func splitList(lines []string) []string {
	if len(lines) == 0 {
		return nil
	}
	return strings.Split(strings.Join(lines, ","), ",")
}

// forwardedValues returns a parameter, such as "for", of each element of a Forwarded header, "" where there is none
// (RFC 7239, section 4). It is not ok if any of it is malformed: with a quotation mark of its own a client could hide
// what the proxy has added, or make it look like something else.
func forwardedValues(header, parameter string) (values []string, ok bool) {
	found := ""
	for rest := header; ; {
		name, value, after, ok := cutPair(rest)
		if !ok {
			return nil, false
		}
		if strings.EqualFold(name, parameter) {
			found = value
		}
		if after == "" || after[0] == ',' {
			values, found = append(values, found), ""
		}
		if after == "" {
			return values, true
		}
		rest = after[1:]
	}
}

// cutPair reads name=value up to the separator behind it. An empty element, which lists may have, is a pair of
// nothing.
func cutPair(text string) (name, value, after string, ok bool) {
	text = strings.TrimLeft(text, " \t")
	if text == "" || text[0] == ',' || text[0] == ';' {
		return "", "", text, true
	}
	name, rest, ok := strings.Cut(text, "=")
	if !ok || strings.ContainsAny(name, " \t,;\"") {
		return "", "", "", false
	}
	if value, rest, ok = cutValue(rest); !ok {
		return "", "", "", false
	}
	rest = strings.TrimLeft(rest, " \t")
	return name, value, rest, rest == "" || rest[0] == ',' || rest[0] == ';'
}

// cutValue reads a token or a quoted string.
func cutValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, " \t,;")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], !strings.Contains(text[:end], `"`)
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], true
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}
