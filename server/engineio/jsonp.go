package engineio

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// JSONP carries the text payloads of both versions through script elements and hidden forms
// (Engine.IO protocol 3, "JSONP").

const hexDigits = "0123456789abcdef"

// appendJSONP appends the script that hands payload to the client's callback number index. Only the
// digits of index are used: it comes from the query and ends up in a script.
func appendJSONP(dst []byte, index string, payload []byte) []byte {
	dst = appendScriptString(appendCall(dst, index), payload)
	return append(dst, endOfCall...)
}

// appendCall appends what stands before the payload.
func appendCall(dst []byte, index string) []byte {
	dst = append(dst, "___eio["...)
	dst = append(dst, digitsOnly(index)...)
	return append(dst, `]("`...)
}

// endOfCall is what stands behind the payload.
const endOfCall = `");`

// escapedSeparator is the separator of EIO 4 in a script.
const escapedSeparator = `\u001e`

// appendScriptString appends text as the inside of a string that is valid both in JSON and in
// JavaScript. U+2028 and U+2029 end a line in scripts before ES2019; "<" could end a script element.
func appendScriptString(dst, text []byte) []byte {
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != '<' {
				i++
				continue
			}
			dst = append(dst, text[start:i]...)
			dst = appendEscape(dst, rune(c))
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if r == '\u2028' || r == '\u2029' || (r == utf8.RuneError && size == 1) {
			dst = append(dst, text[start:i]...)
			dst = appendEscape(dst, r)
			start = i + size
		}
		i += size
	}
	return append(dst, text[start:]...)
}

func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, `\n`...)
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// unescapeScript undoes appendScriptString.
func unescapeScript(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		size := escapeLen(b)
		switch {
		case size == 1:
			out = append(out, b[0])
		case b[1] == 'n':
			out = append(out, '\n')
		case b[1] == 'u':
			r, _ := strconv.ParseUint(string(b[2:size]), 16, 16) // appendEscape wrote it
			out = utf8.AppendRune(out, rune(r))
		default:
			out = append(out, b[1])
		}
		b = b[size:]
	}
	return out
}

// escapeLen returns how many bytes the escape takes that b begins with; 1 if it begins with none.
func escapeLen(b []byte) int {
	size := 1
	if b[0] == '\\' && len(b) > 1 {
		size = 2
		if b[1] == 'u' {
			size = len(escapedSeparator)
		}
	}
	return min(size, len(b))
}

// scriptOffset returns how many bytes of b, the inside of a script's string, make the given number of UTF-16 code
// units.
func scriptOffset(b []byte, units int) (offset int) {
	for offset < len(b) && units > 0 {
		size, width := escapeLen(b[offset:]), 1
		if size == 1 {
			size, width = runeShape(b[offset])
		}
		offset, units = offset+size, units-width
	}
	return min(offset, len(b))
}

// separatorBehind returns where the next separator stands in b, which begins with one; len(b) if there is none.
func separatorBehind(b []byte, script bool) int {
	if !script {
		if i := bytes.IndexByte(b[1:], separator); i >= 0 {
			return 1 + i
		}
		return len(b)
	}
	for at := len(escapedSeparator); at < len(b); {
		i := bytes.Index(b[at:], []byte(escapedSeparator))
		if i < 0 {
			break
		}
		at += i
		before := at
		for before > 0 && b[before-1] == '\\' {
			before--
		}
		if (at-before)%2 == 0 { // otherwise the backslash is itself escaped
			return at
		}
		at++
	}
	return len(b)
}

// decodeJSONPForm returns the payload in an application/x-www-form-urlencoded body: its first field d,
// or errNoJSONPData. It decodes in place: the result is part of body, whose content is lost.
func decodeJSONPForm(body []byte) ([]byte, error) {
	for rest := body; len(rest) > 0; {
		var field []byte
		field, rest, _ = bytes.Cut(rest, []byte{'&'})
		if name, value, _ := bytes.Cut(field, []byte{'='}); string(name) == "d" {
			return decodeFormValue(value), nil
		}
	}
	return nil, errNoJSONPData
}

// decodeFormValue undoes two encodings at once, in place: the form's own (percent, plus; a percent sign
// without two hex digits stands for itself, as in the reference), and the client's, which writes a
// newline as \n and what was \n already as \\n, because old browsers turn newlines in forms into
// CR LF.
func decodeFormValue(value []byte) []byte {
	out := value[:0]
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(value) && isHex(value[i+1]) && isHex(value[i+2]):
			c = unhex(value[i+1])<<4 | unhex(value[i+2])
			i += 2
		}
		out = append(out, c)
		if c == 'n' {
			out = unescapeNewline(out)
		}
	}
	return out
}

// unescapeNewline looks at the end of out, which is an "n": \\n becomes \n, and \n a newline.
func unescapeNewline(out []byte) []byte {
	last := len(out) - 1
	if last < 1 || out[last-1] != '\\' {
		return out
	}
	if last < 2 || out[last-2] != '\\' {
		out[last-1] = '\n'
	} else {
		out[last-1] = 'n'
	}
	return out[:last]
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
