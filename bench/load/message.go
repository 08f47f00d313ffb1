package load

import (
	"bytes"
	"fmt"
	"strings"
)

// MessageSize is the length of every message's data in bytes.
const MessageSize = 128

// digits of a message's number, which its data begins with.
const digits = 10

// filler is the rest of the data; a byte of it that has changed is damage.
var filler = []byte(strings.Repeat("hear ye, hear ye! ", MessageSize)[:MessageSize-digits])

// appendMessage appends the data of a message.
func appendMessage(dst []byte, number uint64) []byte {
	dst = fmt.Appendf(dst, "%0*d", digits, number)
	return append(dst, filler...)
}

// messageIn reads a message's data from the beginning of b. Not whole means that its number may be right, but not what
// is behind it.
func messageIn(b []byte) (number uint64, whole bool) {
	if len(b) < digits {
		return 0, false
	}
	for _, c := range b[:digits] {
		if c < '0' || c > '9' {
			return 0, false
		}
		number = number*10 + uint64(c-'0')
	}
	return number, bytes.HasPrefix(b[digits:], filler) && bytes.HasPrefix(b[MessageSize:], []byte{'"'})
}
