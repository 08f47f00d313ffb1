package engineio

import (
	"net/url"
	"strings"
)

// A query is what Engine.IO reads of a request's query.
type query struct {
	eio, transport, sid, t, j, b64 string
	jsonp                          bool // there is a j, be it empty
}

// parseQuery reads a raw query: what url.ParseQuery would find, without its map, which was a seventh of all that
// long-polling allocates. Of a field that stands there twice the last counts, as with the reference server.
func parseQuery(raw string) (q query) {
	for field := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(field, "=")
		if target := q.field(key); target != nil {
			*target = unescape(value)
		}
	}
	return q
}

func (q *query) field(key string) *string {
	switch key {
	case "EIO":
		return &q.eio
	case "transport":
		return &q.transport
	case "sid":
		return &q.sid
	case "t":
		return &q.t
	case "b64":
		return &q.b64
	case "j":
		q.jsonp = true
		return &q.j
	}
	return nil
}

// unescape decodes a value; clients' own need no decoding. One that can't be decoded is taken as it is, and found
// wanting by whoever uses it.
func unescape(value string) string {
	if !strings.ContainsAny(value, "%+") {
		return value
	}
	if decoded, err := url.QueryUnescape(value); err == nil {
		return decoded
	}
	return value
}

// version is the protocol revision: 3 unless the client says 4 (clients of 1.x say nothing in some requests).
func (q *query) version() int {
	if q.eio == "4" {
		return 4
	}
	return 3
}
