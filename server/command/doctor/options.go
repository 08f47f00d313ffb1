package doctor

import (
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	defaultTimeout = 10 * time.Second
	defaultPath    = "/socket.io/"

	// mostIdle is how long quiet connections are watched unless told, so that a run ends within about half a minute:
	// Crier and the reference server ping after 25 s.
	mostIdle = 28 * time.Second

	longest     = time.Hour // for both durations
	mostOrigins = 16
)

// options are what the command line says.
type options struct {
	url      *url.URL // scheme http or https, host, and a query; nothing else
	path     string   // begins and ends with "/"
	origins  []string
	headers  http.Header
	host     string // the Host header, if headers had one
	insecure bool
	json     bool
	timeout  time.Duration
	idle     time.Duration // 0: not at all; negative: as long as it takes, at most mostIdle

	wrongHeader bool // there was one that could not be read

	mu      sync.Mutex // guards the following
	secrets []string   // texts that are never printed
}

// parse reads the command line. Flags may stand before the URL and behind it. The options are never nil: they know what
// may not be printed.
func parse(args []string) (*options, error) {
	o := &options{headers: http.Header{}}
	f := flag.NewFlagSet("doctor", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.StringVar(&o.path, "path", "", "")
	f.BoolVar(&o.insecure, "insecure", false, "")
	f.BoolVar(&o.json, "json", false, "")
	f.DurationVar(&o.timeout, "timeout", defaultTimeout, "")
	f.DurationVar(&o.idle, "idle", -1, "")
	f.Func("header", "", o.addHeader)
	f.Func("origin", "", o.addOrigin)
	var words []string
	for len(args) > 0 {
		if err := f.Parse(args); o.wrongHeader {
			return o, errHeader
		} else if err != nil {
			return o, err
		}
		if args = f.Args(); len(args) > 0 {
			words, args = append(words, args[0]), args[1:]
		}
	}
	switch {
	case len(words) == 0 && f.NFlag() == 0, len(words) > 0 && words[0] == "help":
		return o, flag.ErrHelp
	case len(words) != 1:
		return o, fmt.Errorf("one URL is needed, not %d", len(words))
	case o.timeout <= 0 || o.timeout > longest || o.idle > longest:
		return o, errors.New("--timeout and --idle are durations such as 30s, at most 1h")
	}
	return o, o.setURL(words[0])
}

// headerName is a token (RFC 9110, section 5.6.2).
var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// errHeader does not repeat the value, as the errors of package flag do.
var errHeader = errors.New("--header is written 'Name: value'")

func (o *options) addHeader(line string) error {
	name, value, ok := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	o.hide(value)
	if !ok || !headerName.MatchString(name) || strings.ContainsFunc(value, unicode.IsControl) {
		o.wrongHeader = true
		return errHeader
	}
	if strings.EqualFold(name, "Host") {
		o.host = value
		return nil
	}
	o.headers.Add(name, value)
	return nil
}

func (o *options) addOrigin(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return errors.New("an origin is written like https://example.org")
	}
	if len(o.origins) == mostOrigins {
		return fmt.Errorf("at most %d", mostOrigins)
	}
	o.origins = append(o.origins, u.Scheme+"://"+u.Host)
	return nil
}

func (o *options) setURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return errors.New("the URL cannot be read; it looks like https://chat.example.org")
	}
	o.hideURL(u)
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	case "http", "https":
	default:
		return errors.New("the URL begins with https:// or http://")
	}
	if u.Hostname() == "" {
		return errors.New("the URL has no host")
	}
	if u.User != nil {
		password, _ := u.User.Password()
		basic := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))
		o.hide(basic)
		o.headers.Set("Authorization", "Basic "+basic)
	}
	o.url = &url.URL{Scheme: u.Scheme, Host: u.Host, RawQuery: u.RawQuery}
	return o.setPath(u.Path)
}

// setPath settles where Socket.IO is. In a URL for a client a path names a namespace, so only one that looks like
// Socket.IO's own is taken for it.
func (o *options) setPath(inURL string) error {
	switch trimmed := strings.TrimSuffix(inURL, "/"); {
	case trimmed == "":
	case o.path == "" && strings.HasSuffix(trimmed, "/socket.io"):
		o.path = trimmed + "/"
	default:
		return fmt.Errorf("the URL has the path %s; the path of Socket.IO is given as --path", printable(inURL))
	}
	if o.path == "" {
		o.path = defaultPath
	}
	if !strings.HasPrefix(o.path, "/") || strings.ContainsAny(o.path, "?#") {
		return errors.New("--path begins with / and has no query")
	}
	if !strings.HasSuffix(o.path, "/") {
		o.path += "/"
	}
	return nil
}

func (o *options) hideURL(u *url.URL) {
	if u.User != nil {
		password, _ := u.User.Password()
		o.hide(password)
		o.hide(u.User.Username())
	}
	for _, values := range u.Query() {
		for _, value := range values {
			o.hide(value)
			o.hide(url.QueryEscape(value))
		}
	}
}

// Lengths from which a value, and a word in one, are hidden. Shorter ones are found everywhere, and hide nothing.
const (
	shortestSecret = 4
	shortestWord   = 8
)

// hide keeps a value, the words in it and what stands behind a "=", as in a cookie, from being printed.
func (o *options) hide(value string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.add(value, shortestSecret)
	o.add(strings.Trim(value, `"`), shortestSecret)
	for _, word := range strings.Fields(value) {
		o.add(word, shortestWord)
	}
	ends := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(";,&", r) }
	for _, pair := range strings.FieldsFunc(value, ends) {
		if _, right, ok := strings.Cut(pair, "="); ok {
			o.add(strings.Trim(right, `"`), shortestSecret)
		}
	}
}

// add adds a secret, the longest first: a short one may be a part of a long one. o.mu must be held.
func (o *options) add(secret string, shortest int) {
	for _, form := range []string{secret, printed(secret)} {
		if len(form) >= shortest && !slices.Contains(o.secrets, form) {
			o.secrets = append(o.secrets, form)
		}
	}
	slices.SortStableFunc(o.secrets, func(a, b string) int { return len(b) - len(a) })
}

// mask replaces what may not be printed. A server may repeat what it was sent.
func (o *options) mask(text string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	parts := strings.Split(text, ellipsis)
	for i := range parts[:len(parts)-1] {
		parts[i] = o.maskEnd(parts[i])
	}
	text = strings.Join(parts, ellipsis)
	for _, secret := range o.secrets {
		text = strings.ReplaceAll(text, secret, masked)
	}
	return text
}

// maskEnd replaces the beginning of a secret at the end of a text that was cut there. o.mu must be held.
func (o *options) maskEnd(text string) string {
	most := 0
	for _, secret := range o.secrets {
		for n := min(len(secret), len(text)); n >= shortestSecret && n > most; n-- {
			if strings.HasSuffix(text, secret[:n]) {
				most = n
			}
		}
	}
	if most == 0 {
		return text
	}
	return text[:len(text)-most] + masked
}

const (
	masked   = "***" // stands for a secret
	ellipsis = "..." // and this for what was cut off
)

// name is the URL as it is printed: without user, password and query.
func (o *options) name() string {
	name := o.url.Scheme + "://" + o.url.Host
	if o.path != defaultPath {
		name += o.path
	}
	return printable(name)
}

// mostPrinted is how many characters of a text from elsewhere are printed.
const mostPrinted = 120

// printable makes a line of text from elsewhere: no control characters, which a terminal would obey, and not too long.
func printable(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > mostPrinted {
			b.WriteString(ellipsis)
			break
		}
		b.WriteRune(visible(r))
	}
	return strings.TrimSpace(b.String())
}

// printed is a text as printable writes it, in full.
func printed(text string) string { return strings.TrimSpace(strings.Map(visible, text)) }

func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case r == utf8.RuneError, !unicode.IsPrint(r):
		return '?'
	}
	return r
}
