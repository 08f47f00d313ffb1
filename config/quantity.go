package config

import (
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// units are the names a size may end with, the largest first; upper and lower case are one. "k" alone is none:
// some mean 1000 by it, and some 1024.
var units = []struct {
	name  string
	bytes int64
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3},
	{"B", 1}, {"", 1},
}

// parseSize reads bytes: "1500000", "5KB", "5 kB", "1.5MiB".
func parseSize(text string) (int64, error) {
	number, rest := cutNumber(text)
	name := strings.TrimSpace(rest)
	for _, unit := range units {
		if !strings.EqualFold(unit.name, name) || unit.bytes == 1 && strings.Contains(number, ".") {
			continue
		}
		if n, ok := amount(number, unit.bytes); ok {
			return n, nil
		}
	}
	return 0, refuse(text)
}

func formatSize(n int64) string {
	for _, unit := range units {
		if n >= unit.bytes && n%unit.bytes == 0 && unit.bytes > 1 {
			return strconv.FormatInt(n/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// spans are the names that the parts of a duration may have.
var spans = map[string]time.Duration{
	"ns": time.Nanosecond, "us": time.Microsecond, "µs": time.Microsecond, "μs": time.Microsecond,
	"ms": time.Millisecond,
	"s":  time.Second, "sec": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

// parseDuration reads "25s", "1m30s", "1.5 h", "7d", "2 weeks", and "0".
func parseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	var sum time.Duration
	for rest := text; ; {
		number, after := cutNumber(rest)
		after = strings.TrimSpace(after)
		end := strings.IndexFunc(after, func(r rune) bool { return !unicode.IsLetter(r) })
		if end < 0 {
			end = len(after)
		}
		n, ok := amount(number, int64(spans[after[:end]]))
		if sum += time.Duration(n); !ok || spans[after[:end]] == 0 || sum < 0 {
			return 0, refuse(text)
		}
		if rest = strings.TrimSpace(after[end:]); rest == "" {
			return sum, nil
		}
	}
}

// cutNumber cuts off the digits, and the point between them, that text begins with.
func cutNumber(text string) (number, rest string) {
	rest = strings.TrimLeft(text, "0123456789.")
	return text[:len(text)-len(rest)], rest
}

// amount returns number times unit, to the nearest whole.
func amount(number string, unit int64) (int64, bool) {
	if len(number) > 40 || strings.HasPrefix(number, ".") || strings.HasSuffix(number, ".") {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, false
	}
	r.Mul(r, new(big.Rat).SetInt64(unit))
	r.Add(r, big.NewRat(1, 2))
	whole := new(big.Int).Quo(r.Num(), r.Denom())
	return whole.Int64(), whole.IsInt64()
}
