package origin

import (
	"errors"
	"strings"
)

// An Origin is scheme, host and port in the one form in which two can be compared.
type Origin struct {
	// Scheme is in lower case; "http" stands for ws too, and "https" for wss.
	Scheme string

	// Host has no port where it is the one that the scheme implies. With schemes other than these, which programs have
	// for pages of their own ("capacitor://localhost"), the name is what stands there, in lower case.
	Host Host
}

// Why a text is no origin.
var (
	errScheme   = errors.New(`an origin begins with its scheme, such as "https://"`)
	errPath     = errors.New("an origin has no path")
	errFile     = errors.New(`files are all of one origin, "file://"`)
	errUser     = errors.New("an origin has no user")
	errWildcard = errors.New(`"*" stands alone, or for all subdomains, as in "https://*.example.org"`)
)

// schemes of which hosts are names in the DNS, and the ports that they imply.
var schemes = map[string]struct {
	family string
	port   uint16
}{
	"http": {"http", 80}, "ws": {"http", 80}, "https": {"https", 443}, "wss": {"https", 443},
}

// Parse reads an origin such as "https://example.org:8443". The slash at its end that an address bar adds is dropped.
func Parse(text string) (Origin, error) {
	scheme, authority, ok := strings.Cut(text, "://")
	if !ok || !isScheme(scheme) {
		return Origin{}, errScheme
	}
	if strings.EqualFold(scheme, "file") {
		return Origin{}, errFile
	}
	authority = strings.TrimSuffix(authority, "/")
	switch {
	case strings.ContainsAny(authority, `/?#\`):
		return Origin{}, errPath
	case strings.Contains(authority, "@"):
		return Origin{}, errUser
	case strings.Contains(authority, "*"):
		return Origin{}, errWildcard
	}
	return parse(strings.ToLower(scheme), authority)
}

func parse(scheme, authority string) (Origin, error) {
	known, ok := schemes[scheme]
	if !ok {
		name, err := parseOpaque(authority)
		return Origin{scheme, Host{Name: name}}, err
	}
	host, err := ParseHost(authority)
	if err != nil {
		return Origin{}, err
	}
	if host.Port == known.port {
		host.Port = 0
	}
	return Origin{known.family, host}, nil
}

// parseOpaque reads what stands for a host behind a scheme of somebody's own.
func parseOpaque(text string) (string, error) {
	if text == "" {
		return "", errEmpty
	}
	if len(text) > longestHost {
		return "", errTooLong
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f || c == '"' || c == ',' {
			return "", errLetters
		}
	}
	return strings.ToLower(text), nil
}

// isScheme follows RFC 3986, section 3.1.
func isScheme(text string) bool {
	for i := range len(text) {
		c := text[i] | 0x20
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(text[i]))) {
			return false
		}
	}
	return text != "" && len(text) <= 64
}

// String writes the origin as a browser does.
func (o Origin) String() string {
	if !o.isWeb() {
		return o.Scheme + "://" + o.Host.Name
	}
	return o.Scheme + "://" + o.Host.String()
}

// isWeb says whether the origin is one of which the host is a name in the DNS.
func (o Origin) isWeb() bool { return o.Scheme == "http" || o.Scheme == "https" }

// port is the one that the page's own requests go to.
func (o Origin) port() uint16 {
	if o.Host.Port != 0 {
		return o.Host.Port
	}
	return schemes[o.Scheme].port
}

// isOf says whether the origin is that of pages that come from a host as a request names it. The ports 80 and 443 are
// one there: behind a proxy that ends TLS the server knows neither the scheme nor the port of the page.
func (o Origin) isOf(h Host) bool {
	if !o.isWeb() || o.Host.Name != h.Name {
		return false
	}
	return o.Host.Port == 0 && (h.Port == 0 || h.Port == 80 || h.Port == 443) || h.Port == o.port()
}
