package engineio

import (
	"net/http"
	"net/url"

	"github.com/crier/crier/server/origin"
)

// admit checks where a request comes from and sets the CORS headers of the answer. It is the same for every
// transport: a page of another host is refused unless its origin is allowed by name.
func (sv *Server) admit(w http.ResponseWriter, r *http.Request, jsonp bool) *refusal {
	v := sv.pages.Judge(r)
	if jsonp && r.Header.Get("Origin") == "" {
		v = sv.pages.JudgeFrom(r, scriptOrigin(r))
	}
	if v.Refusal != nil {
		sv.noteRefused(r, v.Refusal)
		return &refusal{http.StatusForbidden, refuseForbidden.Code, v.Refusal.Message(), 0, string(v.Refusal.Reason)}
	}
	if v.Allowed != "" {
		w.Header().Add("Vary", "Origin")
		shareWith(w.Header(), v.Allowed)
	}
	return nil
}

// shareWith lets the pages of an origin read the answer. Clients before 3.0 send their XHR with credentials, which a
// browser allows only if the answer names the origin.
func shareWith(h http.Header, origin string) {
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
}

// Share lets a page whose origin may connect read a file beside the server, such as a client script, by CORS headers:
// <script crossorigin> and import ask for them. It answers a preflight, and reports whether it has. A page that may
// not connect gets the file without them, and its browser decides.
func (sv *Server) Share(w http.ResponseWriter, r *http.Request) (answered bool) {
	w.Header().Add("Vary", "Origin") // caches hold the file for others
	if v := sv.pages.Judge(r); v.Refusal == nil && v.Allowed != "" {
		shareWith(w.Header(), v.Allowed)
	}
	if r.Method != http.MethodOptions {
		return false
	}
	preflight(w, r)
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

// JudgeOrigin says why the page that a request comes from may not connect, by the same rules as to the server itself,
// or nil if it may. It is for endpoints beside it, which set no CORS headers. RefusedOrigin is told.
func (sv *Server) JudgeOrigin(r *http.Request) *origin.Refusal {
	v := sv.pages.Judge(r)
	if v.Refusal != nil {
		sv.noteRefused(r, v.Refusal)
	}
	return v.Refusal
}

// AllowOrigins puts another list in the place of Options.AllowedOrigins, for requests from now on. Sessions that are
// open stay so until their next request.
func (sv *Server) AllowOrigins(list *origin.List) { sv.pages.Allow(list) }

func (sv *Server) noteRefused(r *http.Request, f *origin.Refusal) {
	if sv.opts.RefusedOrigin != nil {
		sv.opts.RefusedOrigin(r, f)
	}
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
