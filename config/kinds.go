package config

import (
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crier/crier/server/origin"
)

// kind is how the text of a setting becomes a value, and back.
type kind[T any] struct {
	word    string // stands for the value in the help: "DURATION"
	allowed string // completes "it must be ..."
	parse   func(text string) (T, error)
	format  func(T) string // as YAML
	orNone  bool           // nothing is a value of its own, other than the default, also in a variable
}

// refuse is the error of a text, or of one item of a list, that is not allowed.
func refuse(text string) error { return fmt.Errorf("%q is not allowed", text) }

func oneOf(choices ...string) kind[string] {
	return kind[string]{
		word:    strings.Join(choices, "|"),
		allowed: "one of " + strings.Join(choices, ", "),
		format:  strconv.Quote,
		parse: func(text string) (string, error) {
			if !slices.Contains(choices, text) {
				return "", refuse(text)
			}
			return text, nil
		},
	}
}

func level() kind[slog.Level] {
	names := oneOf("debug", "info", "warn", "error")
	return kind[slog.Level]{
		word:    names.word,
		allowed: names.allowed,
		format:  func(l slog.Level) string { return strconv.Quote(strings.ToLower(l.String())) },
		parse: func(text string) (l slog.Level, err error) {
			if _, err := names.parse(text); err != nil {
				return 0, err
			}
			return l, l.UnmarshalText([]byte(text))
		},
	}
}

// listOf allows a list of items, each of which item accepts or rewrites. In a variable or a flag they stand in one
// text, with commas between them.
func listOf(word, allowed string, empty bool, item func(string) (string, error)) kind[[]string] {
	parse := func(text string) ([]string, error) {
		list := []string{}
		for field := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
			one, err := item(field)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(list, one) {
				list = append(list, one)
			}
		}
		if len(list) == 0 && !empty {
			return nil, refuse(text)
		}
		return list, nil
	}
	return kind[[]string]{word: word, allowed: allowed, parse: parse, format: formatList}
}

func formatList(list []string) string {
	quoted := make([]string, len(list))
	for i, item := range list {
		quoted[i] = strconv.Quote(item)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func someOf(choices ...string) kind[[]string] {
	return listOf("LIST", "one or more of "+strings.Join(choices, ", "), false, oneOf(choices...).parse)
}

func origins() kind[[]string] {
	return listOf("ORIGINS", `a list of origins such as "https://example.org" (scheme, host and port, no path) or `+
		`"https://*.example.org" (all its subdomains), of "null" and "file://", or "*"`, true, because(origin.Canonical))
}

func hosts() kind[[]string] {
	return listOf("HOSTS", `a list of hosts without ports, such as "example.org" or "*.example.org" (all its `+
		`subdomains), or "*"`, true, because(origin.CanonicalHost))
}

// because says of an item that is not allowed why.
func because(parse func(string) (string, error)) func(string) (string, error) {
	return func(text string) (string, error) {
		canonical, err := parse(text)
		if err != nil {
			return "", fmt.Errorf("%w: %w", refuse(text), err)
		}
		return canonical, nil
	}
}

func networks() kind[[]string] {
	return listOf("NETWORKS", `a list of addresses or networks such as "10.0.0.1", "10.0.0.0/8", "fd00::/8"`, true,
		parseNetwork)
}

// parseNetwork writes an address as the network that it alone is in. An IPv4 address may be written as IPv6, a
// network may not: what its length counts would be a guess.
func parseNetwork(text string) (string, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()).String(), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() || p != p.Masked() {
		return "", refuse(text)
	}
	return p.String(), nil
}

func boolean() kind[bool] {
	return kind[bool]{
		word:    "BOOL",
		allowed: "true or false",
		format:  strconv.FormatBool,
		parse: func(text string) (bool, error) {
			if text != "true" && text != "false" {
				return false, refuse(text)
			}
			return text == "true", nil
		},
	}
}

func duration(least, most time.Duration) kind[time.Duration] {
	return kind[time.Duration]{
		word:    "DURATION",
		allowed: fmt.Sprintf(`a duration from %s to %s, such as "25s", "1m30s" or "7d"`, short(least), short(most)),
		format:  short,
		parse: func(text string) (time.Duration, error) {
			d, err := parseDuration(text)
			if err != nil || d < least || d > most {
				return 0, refuse(text)
			}
			return d, nil
		},
	}
}

// short drops the zeros that [time.Duration.String] adds: "2m" for "2m0s". Two days and more are days.
func short(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func count(least, most int) kind[int] {
	return kind[int]{
		word:    "COUNT",
		allowed: fmt.Sprintf("a whole number from %d to %d", least, most),
		format:  strconv.Itoa,
		parse: func(text string) (int, error) {
			n, err := strconv.Atoi(text)
			if err != nil || n < least || n > most {
				return 0, refuse(text)
			}
			return n, nil
		},
	}
}

// size allows bytes. Those of an int end on a 32-bit system where int does.
func size[T int | int64](least, most int64) kind[T] {
	if _, isInt := any(T(0)).(int); isInt {
		most = min(most, math.MaxInt)
	}
	return kind[T]{
		word:    "BYTES",
		allowed: fmt.Sprintf(`bytes from %d to %d, as a number or such as "64KiB", "1MB", "4MiB"`, least, most),
		format:  func(n T) string { return formatSize(int64(n)) },
		parse: func(text string) (T, error) {
			n, err := parseSize(text)
			if err != nil || n < least || n > most {
				return 0, refuse(text)
			}
			return T(n), nil
		},
	}
}

func folder() kind[string] {
	return kind[string]{
		word:    "FOLDER",
		allowed: "the path of a folder, or nothing",
		orNone:  true,
		format:  strconv.Quote,
		parse: func(text string) (string, error) {
			if strings.ContainsRune(text, 0) {
				return "", refuse(text)
			}
			return text, nil
		},
	}
}

func address() kind[string] {
	return kind[string]{
		word:    "ADDR",
		allowed: `an address "host:port" with a port from 0 to 65535, such as ":3000" or "127.0.0.1:8080"`,
		format:  strconv.Quote,
		parse: func(text string) (string, error) {
			_, port, err := net.SplitHostPort(text)
			if err != nil || !isPort(port) || strings.ContainsAny(text, " /") {
				return "", refuse(text)
			}
			return text, nil
		},
	}
}

// optional also allows nothing.
func optional(k kind[string]) kind[string] {
	parse := k.parse
	k.allowed += `, or nothing`
	k.parse = func(text string) (string, error) {
		if text == "" {
			return "", nil
		}
		return parse(text)
	}
	return k
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == text
}

// mountPath allows what can be a folder of its own beside the page: letters that need no escape, not the root.
func mountPath() kind[string] {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/"
	return kind[string]{
		word: "PATH",
		allowed: `a path such as "/socket.io/": it begins with "/", is not "/" alone, and holds only letters, ` +
			"digits and -._~/",
		format: strconv.Quote,
		parse: func(text string) (string, error) {
			path := strings.TrimSuffix(text, "/") + "/"
			if len(path) < 3 || path[0] != '/' || strings.Trim(path, plain) != "" || strings.Contains(path, "//") ||
				strings.Contains(path, "/./") || strings.Contains(path, "/../") {
				return "", refuse(text)
			}
			return path, nil
		},
	}
}
