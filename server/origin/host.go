package origin

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// A Host is the host and port of a URL or of a Host header, in the one form in which two can be compared.
type Host struct {
	// Name is in lower case, without a dot at its end, in Punycode where it is not ASCII; an IP address is as
	// [netip.Addr] writes it, without brackets.
	Name string

	// Port is 0 where none is named.
	Port uint16
}

// Bounds of a text that can be a host, in bytes: a name has at most 253 letters of ASCII (RFC 1035, section 2.3.4). To
// make Punycode of what is longer than that would cost up to a millisecond.
const (
	longestName = 253
	longestHost = 2 * longestName // not in Punycode yet, or with a dot at its end and a port
)

// Why a text is no host. They complete "...: ".
var (
	errEmpty   = errors.New("a host is missing")
	errTooLong = errors.New("the host is too long")
	errLetters = errors.New("the host has letters that no host can have")
	errDots    = errors.New("the host has an empty part between dots")
	errIPv4    = errors.New("an IPv4 address is four numbers from 0 to 255, such as 127.0.0.1")
	errIPv6    = errors.New("an IPv6 address stands in brackets, without a zone, such as [::1]")
	errPort    = errors.New("a port is a number from 1 to 65535")
	errIDN     = errors.New("the host is no valid internationalized name")
)

// ParseHost reads "example.org", "example.org:8080" or "[::1]:8080".
func ParseHost(text string) (Host, error) {
	if len(text) > longestHost {
		return Host{}, errTooLong
	}
	name, port := text, ""
	if end := strings.LastIndexByte(text, ']'); strings.HasPrefix(text, "[") && end > 0 {
		name, port = text[:end+1], text[end+1:]
		if port != "" && port[0] != ':' {
			return Host{}, errIPv6
		}
		port = strings.TrimPrefix(port, ":")
	} else if i := strings.IndexByte(text, ':'); i >= 0 {
		if strings.Count(text, ":") > 1 {
			return Host{}, errIPv6
		}
		name, port = text[:i], text[i+1:]
	}
	n, err := parseName(name)
	if err != nil {
		return Host{}, err
	}
	p, err := parsePort(port)
	return Host{n, p}, err
}

// parsePort reads a port as browsers do: zeros before it count for nothing, and none at all may stand behind a colon.
func parsePort(text string) (uint16, error) {
	if text == "" {
		return 0, nil
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, errPort
		}
	}
	n, err := strconv.ParseUint(strings.TrimLeft(text, "0"), 10, 16)
	if err != nil {
		return 0, errPort
	}
	return uint16(n), nil
}

func parseName(text string) (string, error) {
	if strings.HasPrefix(text, "[") {
		a, err := netip.ParseAddr(strings.Trim(text, "[]"))
		if err != nil || !a.Is6() || a.Zone() != "" {
			return "", errIPv6
		}
		return a.String(), nil
	}
	name := strings.TrimSuffix(text, ".")
	if name == "" {
		return "", errEmpty
	}
	name, err := lower(name)
	if err != nil {
		return "", err
	}
	if len(name) > longestName {
		return "", errTooLong
	}
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
		return "", errDots
	}
	if last := name[strings.LastIndexByte(name, '.')+1:]; isNumber(last) {
		if a, err := netip.ParseAddr(name); err != nil || !a.Is4() {
			return "", errIPv4
		}
	}
	return name, nil
}

// lower returns a name in lower case and ASCII. It allocates only where the name is not so already.
func lower(name string) (string, error) {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_': // Docker has names with "_"
		case 'A' <= c && c <= 'Z', c >= 0x80:
			return toASCII(name)
		default:
			return "", errLetters
		}
	}
	return name, nil
}

func toASCII(name string) (string, error) {
	if low := strings.ToLower(name); isASCII(low) {
		return lower(low)
	}
	ascii, err := idna.Lookup.ToASCII(name) // the rules that browsers go by (UTS 46)
	if err != nil {
		return "", errIDN
	}
	return lower(strings.TrimSuffix(ascii, "."))
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isNumber says whether the last part of a name makes browsers take the whole for an IPv4 address (WHATWG URL, "ends in
// a number"): such a name never comes from one.
func isNumber(part string) bool {
	digits := "0123456789"
	if strings.HasPrefix(part, "0x") {
		part, digits = part[len("0x"):], "0123456789abcdef"
	} else if part == "" {
		return false
	}
	return strings.Trim(part, digits) == ""
}

// IsAddress says whether the host is an IP address.
func (h Host) IsAddress() bool {
	_, err := netip.ParseAddr(h.Name)
	return err == nil
}

// String writes the host as a URL has it.
func (h Host) String() string {
	name := h.Name
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if h.Port == 0 {
		return name
	}
	return name + ":" + strconv.Itoa(int(h.Port))
}
