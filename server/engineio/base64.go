package engineio

import (
	"bytes"
	"encoding/base64"
)

// fromBase64 decodes base64 in the forms that the reference server's Buffer.from(text, "base64") takes and clients
// send: in both alphabets (RFC 4648, sections 4 and 5), with white space anywhere (the Java client 2.1 breaks lines as
// Android's Base64.DEFAULT does, also behind the padding), with or without padding. Unlike the reference, which passes
// over all that is not base64, it refuses the rest: a damaged attachment is not worth having.
//
// The data have memory of their own. b may be changed.
func fromBase64(b []byte) ([]byte, error) {
	b = bytes.TrimRight(b, padding)
	data := make([]byte, base64.RawStdEncoding.DecodedLen(len(b)))
	n, err := base64.RawStdEncoding.Decode(data, b) // passes over line breaks
	if err != nil {
		n, err = base64.RawStdEncoding.Decode(data, plainBase64(b))
	}
	if err != nil {
		return nil, errBase64
	}
	return data[:n], nil
}

// padding is what may follow the last character that counts.
const padding = "=" + whiteSpace

const whiteSpace = " \t\n\v\f\r"

// plainBase64 writes b in the standard alphabet, without white space, in place. What is neither stays.
func plainBase64(b []byte) []byte {
	plain := b[:0]
	for _, c := range b {
		switch c {
		case ' ', '\t', '\n', '\v', '\f', '\r':
			continue
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		plain = append(plain, c)
	}
	return plain
}
