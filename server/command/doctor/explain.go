package doctor

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// A refusedError is an answer that is not the one that a client needs.
type refusedError struct{ answer *answer }

func (e *refusedError) Error() string { return e.answer.describe() }

// engineCode returns the code with which Engine.IO refuses a request (engine.io, lib/server.ts, errors); -1 if somebody
// else has answered.
func (a *answer) engineCode() int {
	var e struct {
		Code    *int    `json:"code"`
		Message *string `json:"message"`
	}
	if json.Unmarshal(a.body, &e) != nil || e.Code == nil || e.Message == nil {
		return -1
	}
	return *e.Code
}

// Codes of Engine.IO.
const (
	codeTransport = 0 // Transport unknown
	codeSession   = 1 // Session ID unknown
	codeRequest   = 3 // Bad request
	codeForbidden = 4 // Forbidden
	codeProtocol  = 5 // Unsupported protocol version
)

// describe says in a line what was answered, and by whom.
func (a *answer) describe() string {
	text := fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))
	if server := a.front(); server != "" {
		text += " from " + server
	}
	switch {
	case a.location() != "":
		return text + ", to " + a.location()
	case len(a.body) == 0:
		return text + ", empty"
	case strings.HasPrefix(a.header.Get("Content-Type"), "text/html"):
		return text + ", an HTML page"
	}
	return text + ": " + printable(string(a.body[:min(len(a.body), utf8.UTFMax*(mostPrinted+1))]))
}

// front is what a proxy calls itself; Crier gives itself no name.
func (a *answer) front() string {
	if via := a.header.Get("Via"); via != "" {
		return printable(via)
	}
	return printable(a.header.Get("Server"))
}

// location is where the answer sends the client, without the query; "" for nowhere.
func (a *answer) location() string {
	if a.status < 300 || a.status > 399 {
		return ""
	}
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil {
		return ""
	}
	return printable((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// What to change, by what was seen. Lines for nginx belong into the location of Socket.IO.
var (
	adviseSticky = []string{
		"use sticky sessions. nginx: upstream app { ip_hash; server ...; }    haproxy: balance source, or cookie NODE insert",
	}
	adviseUpgrade = []string{
		`nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";`,
	}
	adviseHost    = []string{"nginx: proxy_set_header Host $http_host;"}
	adviseTooFast = []string{
		"wait; or raise max_address_rate and max_address_sessions; behind a proxy set trusted_proxies",
	}
	adviseFull     = []string{"the server is full or stops: raise max_sessions, or wait until it has started"}
	adviseUpstream = []string{
		"the proxy does not reach the server: does it run, and is its address right? nginx: proxy_pass",
	}
	adviseCut = []string{
		"nginx: proxy_read_timeout 60s; proxy_send_timeout 60s;    haproxy: timeout client, server and tunnel 60s",
	}
	advisePath = []string{
		"is the path right (--path here, path in Crier)? nginx: location /socket.io/ { proxy_pass ...; }",
	}
	adviseDenied = []string{
		"give what is asked for: --header 'Authorization: ...', or a token in the URL's query",
	}
	adviseSlow = []string{
		"something between holds data back or is overloaded: switch off its buffering, filtering and delays for this path",
	}
	adviseNetwork = []string{"look into the logs of the proxy and of the server, and at firewalls in between"}
)

// adviseBody is for a server that takes bodies of so many bytes.
func adviseBody(most int) string {
	return fmt.Sprintf("nginx: client_max_body_size %dk;    let other proxies take as much too (413)", most>>10+1)
}

// explain says what was seen and what to change.
func explain(err error) (seen string, change []string) {
	var refused *refusedError
	if errors.As(err, &refused) {
		return err.Error(), refused.answer.advice()
	}
	var late *lateError
	if errors.As(err, &late) {
		return err.Error(), adviseSlow
	}
	return err.Error(), adviseNetwork
}

func (a *answer) advice() []string {
	engine := a.engineCode()
	switch {
	case engine == codeSession:
		return []string{`requests of one session reach different servers: see the check "servers"`}
	case a.status == http.StatusMisdirectedRequest:
		return []string{"in Crier: trusted_proxies with the proxy's address, or allowed_hosts with this name"}
	case a.status == http.StatusTooManyRequests && engine >= 0:
		return adviseTooFast
	case a.status == http.StatusTooManyRequests:
		return []string{"the proxy limits requests: let this path have more, or give it no such limit"}
	case a.status == http.StatusServiceUnavailable && engine >= 0:
		return adviseFull
	case a.status == http.StatusGatewayTimeout, a.status == http.StatusRequestTimeout && engine < 0:
		return adviseCut
	case a.status == http.StatusRequestEntityTooLarge && engine < 0:
		return []string{adviseBody(1_000_000)}
	case a.status == http.StatusBadGateway, a.status == http.StatusServiceUnavailable:
		return adviseUpstream
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden, a.status == http.StatusProxyAuthRequired:
		return adviseDenied
	case a.location() != "":
		return []string{"let clients use the URL to which they are sent, or let the proxy pass this path on"}
	case engine < 0:
		return advisePath
	}
	return nil
}

// faulty is the result of a check that an error has ended.
func faulty(err error) Result {
	seen, change := explain(err)
	return Result{Status: Fault, Seen: seen, Change: change}
}

func ok(format string, args ...any) Result {
	return Result{Status: OK, Seen: fmt.Sprintf(format, args...)}
}

func skipped(why string) Result { return Result{Status: Skipped, Seen: why} }

func fault(seen string, change ...string) Result {
	return Result{Status: Fault, Seen: seen, Change: change}
}

func warning(seen string, change ...string) Result {
	return Result{Status: Warning, Seen: seen, Change: change}
}
