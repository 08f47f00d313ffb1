package websocket

import "unicode/utf8"

// utf8Check validates text that comes in pieces which may end within a character. It refuses at the first byte that no
// further byte could make good, so that a bad message ends before all of it was kept. The zero value is ready.
type utf8Check struct {
	begun [utf8.UTFMax]byte // the first bytes of a character that has not ended yet
	n     uint8             // how many
}

// write says whether the text is valid so far.
func (u *utf8Check) write(b []byte) bool {
	if u.n > 0 {
		var ok bool
		if b, ok = u.finish(b); !ok || u.n > 0 {
			return ok
		}
	}
	cut := len(b) - unfinished(b)
	u.n = uint8(copy(u.begun[:], b[cut:]))
	return utf8.Valid(b[:cut])
}

// finish completes the character that the last piece ended in, and returns what follows it.
func (u *utf8Check) finish(b []byte) (rest []byte, ok bool) {
	added := copy(u.begun[u.n:], b)
	seen := u.begun[:int(u.n)+added]
	if !utf8.FullRune(seen) {
		u.n = uint8(len(seen))
		return nil, true
	}
	r, size := utf8.DecodeRune(seen)
	if r == utf8.RuneError && size == 1 {
		return nil, false
	}
	rest = b[size-int(u.n):]
	u.n = 0
	return rest, true
}

// done says whether the text ended with a whole character.
func (u *utf8Check) done() bool { return u.n == 0 }

// unfinished returns how many bytes at the end of b begin a character that further bytes could complete.
func unfinished(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}
