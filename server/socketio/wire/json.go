package wire

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// Packets are checked by one walk over their JSON that also bounds its depth, which encoding/json leaves at
// 10,000. It reads three times as many bytes a second as json.Valid (BenchmarkValidJSON). All functions here take
// and return indexes into b; those that can't fail need JSON that was checked before.

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// validJSON reports whether b is one JSON value of at most MaxDepth nested arrays and objects. Whether
// its strings are valid UTF-8 is not looked at.
func validJSON(b []byte, MaxDepth int) bool {
	end, ok := checkValue(b, skipSpace(b, 0), MaxDepth)
	return ok && skipSpace(b, end) == len(b)
}

// checkValue returns the end of the value that starts at i.
func checkValue(b []byte, i, depth int) (end int, ok bool) {
	if i >= len(b) {
		return i, false
	}
	switch b[i] {
	case '"':
		return checkString(b, i)
	case '[':
		return checkArray(b, i, depth)
	case '{':
		return checkObject(b, i, depth)
	case 't':
		return checkWord(b, i, "true")
	case 'f':
		return checkWord(b, i, "false")
	case 'n':
		return checkWord(b, i, "null")
	}
	return checkNumber(b, i)
}

func checkWord(b []byte, i int, word string) (end int, ok bool) {
	end = i + len(word)
	return end, end <= len(b) && string(b[i:end]) == word
}

func checkArray(b []byte, i, depth int) (end int, ok bool) {
	if depth == 0 {
		return i, false
	}
	if i = skipSpace(b, i+1); i < len(b) && b[i] == ']' {
		return i + 1, true
	}
	for {
		if i, ok = checkValue(b, i, depth-1); !ok {
			return i, false
		}
		if i = skipSpace(b, i); i >= len(b) {
			return i, false
		}
		if b[i] == ']' {
			return i + 1, true
		}
		if b[i] != ',' {
			return i, false
		}
		i = skipSpace(b, i+1)
	}
}

func checkObject(b []byte, i, depth int) (end int, ok bool) {
	if depth == 0 {
		return i, false
	}
	if i = skipSpace(b, i+1); i < len(b) && b[i] == '}' {
		return i + 1, true
	}
	for {
		if i, ok = checkMember(b, i, depth); !ok {
			return i, false
		}
		if i = skipSpace(b, i); i >= len(b) {
			return i, false
		}
		if b[i] == '}' {
			return i + 1, true
		}
		if b[i] != ',' {
			return i, false
		}
		i = skipSpace(b, i+1)
	}
}

func checkMember(b []byte, i, depth int) (end int, ok bool) {
	if i >= len(b) || b[i] != '"' {
		return i, false
	}
	if i, ok = checkString(b, i); !ok {
		return i, false
	}
	if i = skipSpace(b, i); i >= len(b) || b[i] != ':' {
		return i, false
	}
	return checkValue(b, skipSpace(b, i+1), depth-1)
}

func checkString(b []byte, i int) (end int, ok bool) {
	for i = skipPlain(b, i+1); i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1, true
		case c < ' ':
			return i, false
		case c == '\\':
			if i, ok = checkEscape(b, i+1); !ok {
				return i, false
			}
			i = skipPlain(b, i+1) - 1
		}
	}
	return i, false
}

// checkEscape returns the last index of the escape whose backslash stands before i.
func checkEscape(b []byte, i int) (last int, ok bool) {
	if i >= len(b) {
		return i, false
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i, true
	case 'u':
		for n := 1; n <= 4; n++ {
			if i+n >= len(b) || !isHex(b[i+n]) {
				return i, false
			}
		}
		return i + 4, true
	}
	return i, false
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func checkNumber(b []byte, i int) (end int, ok bool) {
	if b[i] == '-' {
		i++
	}
	start := i
	if i = skipDigits(b, i); i == start || i > start+1 && b[start] == '0' {
		return i, false
	}
	if i < len(b) && b[i] == '.' {
		start = i + 1
		if i = skipDigits(b, start); i == start {
			return i, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start = i
		if i = skipDigits(b, start); i == start {
			return i, false
		}
	}
	return i, true
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return i
}

// skipValue returns the end of the value that starts at i in checked JSON.
func skipValue(b []byte, i int) int {
	for depth := 0; ; {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '[', '{':
			depth++
			i++
		case ']', '}':
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			i++
		default:
			i = skipScalar(b, i)
		}
		if depth == 0 {
			return i
		}
	}
}

func skipString(b []byte, i int) int {
	for i = skipPlain(b, i+1); b[i] != '"'; i++ {
		if b[i] == '\\' {
			i = skipPlain(b, i+2) - 1
		}
	}
	return i + 1
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// skipPlain passes over the inside of a string in steps of eight bytes while none of them is a
// quote, a backslash or a control character.
func skipPlain(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		word := binary.LittleEndian.Uint64(b[i:])
		quote, backslash := word^lowBits*'"', word^lowBits*'\\'
		special := (quote-lowBits)&^quote | (backslash-lowBits)&^backslash | (word-lowBits*' ')&^word
		if special&highBits != 0 {
			break
		}
	}
	return i
}

// skipScalar passes over a number, true, false or null: anything up to the next delimiter.
func skipScalar(b []byte, i int) int {
	for ; i < len(b); i++ {
		switch b[i] {
		case ',', ':', ']', '}', ' ', '\n', '\t', '\r':
			return i
		}
	}
	return i
}

// unquote returns the content of a checked JSON string.
func unquote(raw []byte) string {
	if content := raw[1 : len(raw)-1]; !hasEscape(content) {
		return string(content)
	}
	var s string
	_ = json.Unmarshal(raw, &s) // a checked string can't fail
	return s
}

func hasEscape(content []byte) bool {
	for _, c := range content {
		if c == '\\' {
			return true
		}
	}
	return false
}

// numberName returns a checked JSON number as JavaScript writes it when it is used as an event's
// name: 1.0 is "1", 1e3 is "1000". Numbers that JavaScript can't hold are refused.
func numberName(raw []byte) (name string, ok bool) {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return "", false
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e21 {
		return strconv.FormatFloat(f+0, 'f', -1, 64), true // adding 0 makes 0 of -0
	}
	text, err := json.Marshal(f) // by the rules of ECMAScript
	return string(text), err == nil
}

const hexDigits = "0123456789abcdef"

// appendString appends s as JSON.stringify writes it. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := len(dst)
	dst = append(dst, s...)
	if !isPlain(dst[start:]) {
		dst = appendContent(dst[:start], s)
	}
	return append(dst, '"')
}

// isPlain reports whether text needs no escapes in a JSON string. Most strings don't, and to copy first and
// look then is twice as fast as to look at each byte before it is copied.
func isPlain(text []byte) bool {
	for _, c := range text[skipPlain(text, 0):] {
		if c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return utf8.Valid(text)
}

func appendContent(dst []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r >= ' ' && r != '"' && r != '\\' && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscaped(dst, s[i])
		i += size
		start = i
	}
	return append(dst, s[start:]...)
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if c >= utf8.RuneSelf {
		return utf8.AppendRune(dst, utf8.RuneError)
	}
	return append(dst, `\u00`+string(hexDigits[c>>4])+string(hexDigits[c&15])...)
}
