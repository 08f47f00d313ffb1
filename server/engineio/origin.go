package engineio

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// admit checks where a request comes from and sets the CORS headers of the answer. It is the same for every
// transport: a page of another host is refused unless its origin is allowed by name.
func (o *Options) admit(w http.ResponseWriter, r *http.Request, jsonp bool) bool {
	origin := r.Header.Get("Origin")
	if origin == "" && jsonp {
		origin = scriptOrigin(r)
	}
	if origin == "" || sameHost(origin, r.Host) {
		return true
	}
	if !o.originAllowed(origin) {
		o.noteRefused(origin)
		return false
	}
	// Clients before 3.0 send their XHR with credentials, which a browser allows only if the answer names the origin.
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Add("Vary", "Origin")
	return true
}

// scriptOrigin tells whose page loads a JSONP answer: a script element sends no Origin. Browsers that say that the
// request crosses sites, but not from where, give an origin that only "*" allows.
func scriptOrigin(r *http.Request) string {
	if u, err := url.Parse(r.Referer()); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return "null"
	}
	return ""
}

// allowsOrigin is admit for endpoints beside the server, which set no CORS headers.
func (o *Options) allowsOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || sameHost(origin, r.Host) || o.originAllowed(origin) {
		return true
	}
	o.noteRefused(origin)
	return false
}

func (o *Options) noteRefused(origin string) {
	if o.RefusedOrigin != nil {
		o.RefusedOrigin(origin)
	}
}

func (o *Options) originAllowed(origin string) bool {
	return slices.Contains(o.AllowedOrigins, "*") ||
		slices.Contains(o.AllowedOrigins, strings.ToLower(origin))
}

// sameHost compares hosts alone: behind a proxy that ends TLS the server does not know the scheme of the page.
func sameHost(origin, host string) bool {
	_, after, ok := strings.Cut(origin, "://")
	return ok && strings.EqualFold(after, host)
}

// preflight answers a browser that asks whether it may send the real request.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked) // the origin is allowed: its headers harm nobody
		h.Add("Vary", "Access-Control-Request-Headers")
	}
	h.Set("Access-Control-Max-Age", "7200")
	w.WriteHeader(http.StatusNoContent)
}
