package engineio

import (
	"strings"
	"unicode/utf8"
)

// All clients of Socket.IO 1.x and 2.x call their protocol EIO 3, but they don't speak it alike. What
// follows keeps the older ones connected; the reference server loses them at the first character
// beyond ASCII, or at the handshake. Read from engine.io-client 1.3.1, 1.4.2, 1.8.4 and 3.5.2 with
// their parsers:
//
//	Socket.IO   XHR2 poll answers it understands   encodes text as UTF-8 twice
//	1.0         binary form only                   everywhere
//	1.1 - 1.3   binary form only                   in text payloads
//	1.4 - 1.7   binary form; text form if ASCII    in text payloads
//	2.x         both forms                         nowhere
//
// A payload in binary form is the same for all of them, which is why appendPayload prefers it where
// it matters. Where there is no XHR2 (b64=1, JSONP) the text form with nothing but ASCII is what all
// understand: whoever sends JSON can escape the rest.

// readsBinaryPayloadsOnly tells the XHR2 clients before Socket.IO 1.4 from the value of their
// cache-busting query field t: milliseconds, a hyphen and a counter, where later ones write a short
// word. Such a client takes any poll answer in text form for "ok" and never connects, so each answer to it,
// the handshake first, must come from appendPayload3Binary, unless it asked for base64.
func readsBinaryPayloadsOnly(t string) bool {
	millis, counter, ok := strings.Cut(t, "-")
	return ok && len(millis) >= 13 && counter != "" &&
		len(millis) == len(digitsOnly(millis)) && len(counter) == len(digitsOnly(counter))
}

// textRepair undoes the second UTF-8 encoding in the text that one session on EIO 3 sends. The zero
// value is ready for use; it is not safe for concurrent use. Packets from binary payloads must not go
// through it.
//
// A session is taken for an old client's until it has sent text that such a client could not have sent. A
// newer client is misread only if every character beyond ASCII in its first such packet happens to
// belong to a pair like "Ã©".
type textRepair struct {
	plain bool // this client encodes once
}

// repair returns what the client meant by data, which is valid UTF-8. It may work in place.
func (t *textRepair) repair(data []byte) []byte {
	if t.plain || isASCII(data) {
		return data
	}
	if !isDoubledUTF8(data) {
		t.plain = true
		return data
	}
	out := data[:0]
	for i := 0; i < len(data); i++ {
		c := data[i]
		if c >= utf8.RuneSelf {
			i++
			c = c<<6 | data[i]&0x3f
		}
		out = append(out, c)
	}
	return out
}

// isDoubledUTF8 reports whether the characters of data, taken as bytes, are valid UTF-8 in turn.
func isDoubledUTF8(data []byte) bool {
	var char [utf8.UTFMax]byte
	for i := 0; i < len(data); {
		if data[i] < utf8.RuneSelf {
			i++
			continue
		}
		n := 0
		for ; n < len(char) && i+1 < len(data) && (data[i] == 0xc2 || data[i] == 0xc3); i += 2 {
			char[n] = data[i]<<6 | data[i+1]&0x3f
			n++
			if utf8.FullRune(char[:n]) {
				i += 2
				break
			}
		}
		if r, size := utf8.DecodeRune(char[:n]); r == utf8.RuneError && size <= 1 {
			return false
		}
	}
	return true
}
