package origin

import (
	"fmt"
	"strings"
)

// Words that stand for origins in a List.
const (
	Any  = "*"       // every page on the web
	Null = "null"    // pages whose origin the browser hides
	File = "file://" // files of the disk, in programs that show them as pages
)

// A List is a set of origins. The zero List has none. It is not changed once it is made.
type List struct {
	any, null, file bool
	exact           map[Origin]struct{}
	parents         []Origin // of all their subdomains
}

// NewList makes a list of what [Canonical] accepts.
func NewList(patterns []string) (*List, error) {
	l := &List{exact: make(map[Origin]struct{})}
	for _, pattern := range patterns {
		switch canonical, err := Canonical(pattern); {
		case err != nil:
			return nil, fmt.Errorf("allowed origin %q: %w", pattern, err)
		case canonical == Any:
			l.any = true
		case canonical == Null:
			l.null = true
		case canonical == File:
			l.file = true
		default:
			l.add(canonical)
		}
	}
	return l, nil
}

func (l *List) add(canonical string) {
	o, below, err := parsePattern(canonical)
	switch {
	case err != nil:
		panic(err) // Canonical has taken it
	case below:
		l.parents = append(l.parents, o)
	default:
		l.exact[o] = struct{}{}
	}
}

// Canonical returns an item of a list as a browser would write it: an origin, or, for all subdomains of a host,
// "https://*.example.org", or one of the words above. The error says what is wrong.
func Canonical(pattern string) (string, error) {
	switch low := strings.ToLower(strings.TrimRight(pattern, "/")); low {
	case Any, Null:
		return low, nil
	case "file:":
		return File, nil
	}
	o, below, err := parsePattern(pattern)
	if err != nil {
		return "", err
	}
	if below {
		return o.Scheme + "://*." + o.Host.String(), nil
	}
	return o.String(), nil
}

// parsePattern reads an origin, or one that stands for those below it.
func parsePattern(pattern string) (o Origin, below bool, err error) {
	scheme, authority, _ := strings.Cut(pattern, "://")
	parent, below := strings.CutPrefix(authority, "*.")
	if !below {
		o, err = Parse(pattern)
		return o, false, err
	}
	if o, err = Parse(scheme + "://" + parent); err != nil {
		return o, true, err
	}
	if !o.isWeb() || o.Host.IsAddress() {
		return o, true, errWildcard
	}
	return o, true, nil
}

// has says whether an origin is in the list.
func (l *List) has(o Origin) bool {
	if l.any {
		return true
	}
	if _, ok := l.exact[o]; ok {
		return true
	}
	for _, p := range l.parents {
		if o.Scheme == p.Scheme && o.Host.Port == p.Host.Port && isBelow(o.Host.Name, p.Host.Name) {
			return true
		}
	}
	return false
}

// isEmpty says whether the list has nothing at all.
func (l *List) isEmpty() bool {
	return !l.any && !l.null && !l.file && len(l.exact) == 0 && len(l.parents) == 0
}

// isBelow says whether name is a subdomain, of any depth, of parent.
func isBelow(name, parent string) bool {
	rest, ok := strings.CutSuffix(name, parent)
	return ok && len(rest) > 1 && rest[len(rest)-1] == '.'
}
