package origin

import (
	"net/http"
	"net/netip"
	"strings"
)

// A Reason is why a page may not connect, in one word.
type Reason string

const (
	Foreign Reason = "foreign" // it comes from another origin
	Hidden  Reason = "null"    // its origin is hidden
	OnDisk  Reason = "file"    // it is a file of the disk
	Proxied Reason = "proxy"   // it may well be of this server: a proxy seems to have changed the Host header
)

// Reasons are all that there are.
var Reasons = []Reason{Foreign, Hidden, OnDisk, Proxied}

// A Refusal says that a page may not connect.
type Refusal struct {
	Reason Reason
	Origin string // as it was sent, cut off where it is longer than any origin
	Host   string // what the Host header says, cut off as well
}

// Message is what the client is told, in fewer bytes than the reason of a WebSocket's close frame may have.
func (f *Refusal) Message() string {
	switch f.Reason {
	case Hidden:
		return "Forbidden: pages without an origin, such as files, are not allowed here"
	case OnDisk:
		return "Forbidden: pages in files are not allowed here"
	case Proxied:
		return "Forbidden: the Host header is not that of this page; a proxy in front of this server may change it"
	}
	return "Forbidden: pages of this origin are not allowed here"
}

// told is how much of a header is told, in bytes.
const told = 200

// Cut shortens a header for a log.
func Cut(text string) string {
	if len(text) > told {
		return strings.ToValidUTF8(text[:told], "") + "..."
	}
	return text
}

func refuse(r *http.Request, from string, c claim) *Refusal {
	f := &Refusal{Reason: Foreign, Origin: Cut(from), Host: Cut(r.Host)}
	switch {
	case c.kind == hidden:
		f.Reason = Hidden
	case c.kind == file:
		f.Reason = OnDisk
	case c.kind == page && seemsProxied(r, c.origin):
		f.Reason = Proxied
	}
	return f
}

// seemsProxied says whether a page that is foreign by the Host header may be of this server all the same. It decides
// about words alone, never about who is let in: anybody may have written these headers.
func seemsProxied(r *http.Request, o Origin) bool {
	if r.Header.Get("Sec-Fetch-Site") != "" {
		return false // the browser says that it is another site
	}
	asked, err := ParseHost(r.Host)
	if err != nil || !o.isWeb() {
		return false
	}
	for _, field := range r.Header.Values("X-Forwarded-Host") {
		if h, err := ParseHost(field); err == nil && o.isOf(h) {
			return true // it is not named among those that are believed
		}
	}
	if asked.Name == o.Host.Name {
		return asked.Port == 0 || hasTraces(r) // nginx's $host is without the port
	}
	return reach(asked) < reach(o.Host) || reach(asked) != public && hasTraces(r)
}

// hasTraces says whether a request seems to have passed a proxy.
func hasTraces(r *http.Request) bool {
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip", "Via"} {
		if r.Header[name] != nil {
			return true
		}
	}
	return false
}

// From how far away a host can be asked for by its name.
const (
	loopback = iota
	private  // a network of one's own, or the name of a container or of an upstream
	public
)

func reach(h Host) int {
	if a, err := netip.ParseAddr(h.Name); err == nil {
		switch {
		case a.Unmap().IsLoopback():
			return loopback
		case a.Unmap().IsPrivate(), a.IsLinkLocalUnicast():
			return private
		}
		return public
	}
	switch {
	case isLocalhost(h.Name):
		return loopback
	case !strings.Contains(h.Name, "."), isBelow(h.Name, "internal"), isBelow(h.Name, "local"):
		return private
	}
	return public
}

// isLocalhost says whether browsers take a name for this machine without asking the DNS (RFC 6761, section 6.3).
func isLocalhost(name string) bool { return name == "localhost" || isBelow(name, "localhost") }
