package engineio

import (
	"bytes"
	"encoding/base64"
	"iter"
	"unicode/utf8"
)

// A payload is what one polling request or answer carries: any number of packets.
//
//	EIO 4         <packet> 0x1e <packet> ...            binary packets as "b" and base64
//	EIO 3 text    <length>:<packet><length>:<packet>... binary packets as "b", type and base64
//	EIO 3 binary  0|1 <digits> 0xff <packet> ...
//
// (Engine.IO protocol 4, "HTTP long-polling"; protocol 3, "Payload".)

// separator stands between the packets of an EIO 4 payload.
const separator = 0x1e

// maxPayloadPackets is how many packets one body may hold at most, and by default. A body of 1,000,000 bytes has room
// for 500,000 pings, each worth an answer; events average more than the 15 bytes that this limit leaves each of them
// there (CVE-2020-36048 has the shape of the attack).
const maxPayloadPackets = 1 << 16

// decodePayload hands the packets of one polling body to each, in order. It stops at the first error:
// a parseError of its own, or each's, as it is. What came before the error has been handed over by
// then. The packets' data are parts of body. binary says that the body came as
// application/octet-stream, which only EIO 3 knows.
func decodePayload(version int, binary bool, body []byte, each func(packet) error) error {
	switch {
	case binary && version == 3:
		return decodePayload3Binary(body, each)
	case binary:
		return errBinaryPayload
	case len(body) == 0:
		return errEmptyPayload
	case !utf8.Valid(body):
		return errInvalidUTF8
	case version == 3:
		return decodePayload3Text(body, each)
	}
	return decodePayload4(body, each)
}

func decodePayload4(body []byte, each func(packet) error) error {
	for n, more := 0, true; more; n++ {
		if n == maxPayloadPackets {
			return errPayloadPackets
		}
		var text []byte
		if i := bytes.IndexByte(body, separator); i >= 0 {
			text, body = body[:i], body[i+1:]
		} else {
			text, more = body, false
		}
		p, err := decodeText(4, text)
		if err != nil {
			return err
		}
		if err := each(p); err != nil {
			return err
		}
	}
	return nil
}

// appendPayload appends the answer to a poll. base64 says that the client can't take binary bodies
// (b64=1, or JSONP), which matters in EIO 3 only. The returned binary tells the content type:
// application/octet-stream, or text/plain; charset=UTF-8. No packets make an empty payload in EIO 4
// and "0:" in EIO 3.
func appendPayload(dst []byte, version int, base64 bool, packets iter.Seq[wirePacket]) (body []byte, binary bool) {
	if version != 3 {
		return appendPayload4(dst, packets), false
	}
	if !base64 && needsBinary3(packets) {
		return appendPayload3Binary(dst, packets), true
	}
	return appendPayload3Text(dst, packets), false
}

func appendPayload4(dst []byte, packets iter.Seq[wirePacket]) []byte {
	first := len(dst)
	for p := range packets {
		if len(dst) > first {
			dst = append(dst, separator)
		}
		if p.binary {
			dst = append(dst, 'b')
			dst = base64.StdEncoding.AppendEncode(dst, p.data)
		} else {
			dst = append(dst, p.data...)
		}
	}
	return dst
}
