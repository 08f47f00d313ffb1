package socketio

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/crier/crier/server/socketio/wire"
)

// A Handshake is what a client sent when it connected.
type Handshake struct {
	Headers     http.Header     // of the request that opened the session, Host among them
	Query       url.Values      // of that request
	Auth        json.RawMessage // the client's auth option, a JSON object; before 3.0 the namespace's query. {} if none
	Address     string          // the peer's IP address, without port
	Time        time.Time       // when the session was opened
	Secure      bool            // over TLS
	CrossOrigin bool            // the request named an origin
	URL         string          // path and query of that request
}

// Handshake returns what the client sent when it connected. It is put together with each call.
func (s *Socket) Handshake() *Handshake {
	r := s.session.Request()
	header := r.Header()
	var query url.Values
	if u, err := url.ParseRequestURI(r.URL); err == nil {
		query = u.Query()
	}
	return &Handshake{
		Headers: header, Query: query, Auth: s.auth, Address: r.RemoteAddr, Time: r.Time,
		Secure: r.Secure, CrossOrigin: header.Get("Origin") != "", URL: r.URL,
	}
}

// Auth returns the client's auth option alone: see [Handshake].
func (s *Socket) Auth() json.RawMessage { return s.auth }

// BindAuth stores the client's auth option in the value that v points to, mostly a struct: see [wire.Arg.Bind]. What a
// client before 3.0 sent as the namespace's query is an object of strings. An auth that does not fit is an *Error with
// CodeBadArgument: a middleware may return it to the client as it is.
func (s *Socket) BindAuth(v any) error {
	arg, err := wire.NewArg(s.auth)
	if err != nil {
		return err
	}
	err = arg.Bind(v)
	if bad := (*Error)(nil); errors.As(err, &bad) {
		return &Error{Code: bad.Code, Message: "auth " + strings.TrimPrefix(bad.Message, "the argument ")}
	}
	return err
}

var noAuth = json.RawMessage("{}")

// queryAuth is the auth of a client on EIO 3, which sends it as the query of the namespace: "/admin?token=x".
func queryAuth(query string) json.RawMessage {
	values, err := url.ParseQuery(query)
	if err != nil {
		return noAuth
	}
	flat := make(map[string]string, len(values))
	for k, v := range values {
		flat[k] = v[len(v)-1]
	}
	auth, err := json.Marshal(flat)
	if err != nil {
		return noAuth // a map of strings: never
	}
	return auth
}

// Address returns the client's IP address, without port: see [Handshake]. It allocates nothing.
func (s *Socket) Address() string { return s.session.Request().RemoteAddr }
