package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// What an argument can have that others can't read.
var (
	flawNumber    = badArgument("the argument has a number that is out of range")
	flawDigits    = badArgument("the argument has a number of too many digits")
	flawSurrogate = badArgument("the argument has half a surrogate pair")
)

// Portable returns an error if the argument came in with what common JSON readers of other languages refuse: a number
// that no 64-bit floating-point number is near to (1e400, or an integer of 400 digits), one of over 1,100 characters,
// or an escape of half a surrogate pair ("\ud800" alone). Of these JavaScript writes only the last. What goes out has
// null in place of a number out of range, as with the reference server, the nearest number in place of one that is too
// long, and U+FFFD in place of half a pair.
func (a Arg) Portable() error {
	if a.flaw == nil {
		return nil
	}
	return a.flaw
}

// portable returns checked JSON with what others can't read replaced, and what that was. Text without escapes and
// numbers of up to 15 characters cost one pass over their bytes.
func portable(raw []byte) ([]byte, *Error) {
	var clean []byte
	var flaw *Error
	from := 0
	for i := 0; i < len(raw); {
		start, c := i, raw[i]
		var instead []byte
		var why *Error
		switch {
		case c == '"':
			i = skipString(raw, i)
			if !pairedSurrogates(raw[start:i]) {
				instead, why = pairSurrogates(raw[start:i]), flawSurrogate
			}
		case c == '-' || '0' <= c && c <= '9':
			i = skipScalar(raw, i)
			if !portableNumber(raw[start:i]) {
				instead, why = nearNumber(raw[start:i])
			}
		default:
			i++
		}
		if why != nil {
			clean = append(append(clean, raw[from:start]...), instead...)
			from = i
			if flaw != flawNumber {
				flaw = why
			}
		}
	}
	if flaw == nil {
		return raw, nil
	}
	return append(clean, raw[from:]...), flaw
}

// nearNumber writes a number as JavaScript does: the nearest that it has, null if there is none.
func nearNumber(raw []byte) ([]byte, *Error) {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return null, flawNumber
	}
	text, _ := json.Marshal(f) // by the rules of ECMAScript; f is finite
	return text, flawDigits
}

// pairSurrogates replaces each escaped half of a surrogate pair in a checked string.
func pairSurrogates(s []byte) []byte { return appendString(nil, unquote(s)) }

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
