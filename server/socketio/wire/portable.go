package wire

import (
	"bytes"
	"strconv"
)

// Portable returns an error if the argument holds what common JSON readers of other languages refuse, so that
// whoever passes it on ends their connections: a number that no 64-bit floating-point number is near to (1e400,
// or an integer of 400 digits), or an escape of half a surrogate pair ("\ud800" alone). JavaScript writes
// neither. Text without escapes and numbers of up to 15 characters cost one pass over their bytes.
func (a Arg) Portable() error {
	b := a.raw
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == '"':
			end := skipString(b, i)
			if !pairedSurrogates(b[i:end]) {
				return badArgument("the argument has half a surrogate pair")
			}
			i = end
		case c == '-' || '0' <= c && c <= '9':
			end := skipScalar(b, i)
			if !portableNumber(b[i:end]) {
				return badArgument("the argument has a number that is out of range")
			}
			i = end
		default:
			i++
		}
	}
	return nil
}

// maxNumber is the longest number that is accepted, in characters: the longest exact value of a 64-bit
// floating-point number takes 1,077.
const maxNumber = 1100

// maxExponent is the most digits of an exponent: Java's BigDecimal ends at ten.
const maxExponent = 6

// portableNumber reports whether other languages can read a checked number.
func portableNumber(raw []byte) bool {
	e := bytes.LastIndexAny(raw, "eE")
	if e < 0 && len(raw) <= 300 {
		return true // below 1e308, which is near the largest
	}
	if len(raw) > maxNumber || e >= 0 && len(raw)-e > maxExponent {
		return false
	}
	_, err := strconv.ParseFloat(string(raw), 64)
	return err == nil
}

var unicodeEscape = []byte(`\u`)

// pairedSurrogates reports whether every surrogate that is escaped in a checked string has its other half.
func pairedSurrogates(s []byte) bool {
	if !bytes.Contains(s, unicodeEscape) {
		return true
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		if i++; s[i] != 'u' {
			continue
		}
		switch code := hex4(s[i+1:]); {
		case code >= 0xdc00 && code <= 0xdfff:
			return false
		case code >= 0xd800 && code <= 0xdbff:
			if !bytes.HasPrefix(s[i+5:], unicodeEscape) {
				return false
			}
			if low := hex4(s[i+7:]); low < 0xdc00 || low > 0xdfff {
				return false
			}
			i += 10
		default:
			i += 4
		}
	}
	return true
}

// hex4 returns the number that four checked hexadecimal digits stand for.
func hex4(s []byte) uint64 {
	n, _ := strconv.ParseUint(string(s[:4]), 16, 32)
	return n
}
