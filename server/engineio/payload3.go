package engineio

import (
	"encoding/base64"
	"encoding/binary"
	"iter"
	"strconv"
	"unicode/utf8"
)

// The two payload forms of EIO 3. Lengths in the text form count UTF-16 code units of the decoded
// text, because JavaScript does; in the binary form they count bytes.

// endOfLength follows the digits of a length in a binary payload.
const endOfLength = 0xff

// decodePayload3Text needs a body in valid UTF-8. A length of zero is no packet and is passed over:
// "0:" is the reference's way to write no packets at all.
func decodePayload3Text(body []byte, each func(packet) error) error {
	for n := 0; len(body) > 0; n++ {
		if n == maxPayloadPackets {
			return errPayloadPackets
		}
		length, rest, ok := cutLength(body, '0', ':')
		if !ok {
			return errPayloadLength
		}
		end, ok := utf16Offset(rest, length)
		if !ok {
			return errPayloadLength
		}
		text := rest[:end]
		body = rest[end:]
		if len(text) == 0 {
			continue
		}
		p, err := decodeText(3, text)
		if err != nil {
			return err
		}
		if err := each(p); err != nil {
			return err
		}
	}
	return nil
}

// decodePayload3Binary takes an empty body for no packets, as the reference does. Where the reference
// would cut a packet short because its length exceeds the body, this is an error.
func decodePayload3Binary(body []byte, each func(packet) error) error {
	for n := 0; len(body) > 0; n++ {
		if n == maxPayloadPackets {
			return errPayloadPackets
		}
		marker := body[0]
		length, rest, ok := cutLength(body[1:], 0, endOfLength)
		if !ok || length > len(rest) {
			return errPayloadLength
		}
		p, err := decodeMarked3(marker, rest[:length])
		if err != nil {
			return err
		}
		if err := each(p); err != nil {
			return err
		}
		body = rest[length:]
	}
	return nil
}

func decodeMarked3(marker byte, b []byte) (packet, error) {
	switch marker {
	case 0:
		if !utf8.Valid(b) {
			return packet{}, errInvalidUTF8
		}
		return decodeText(3, b)
	case 1:
		return decodeBinary3(b)
	}
	return packet{}, errPayloadMarker
}

// cutLength reads a decimal length whose digits start at zero ('0' in text, 0 in binary) up to and
// with end. It gives up as soon as the number is larger than what could follow.
func cutLength(b []byte, zero, end byte) (length int, rest []byte, ok bool) {
	for i, c := range b {
		if c == end {
			return length, b[i+1:], i > 0
		}
		digit := c - zero
		if digit > 9 {
			return 0, nil, false
		}
		if length = length*10 + int(digit); length > len(b) {
			return 0, nil, false
		}
	}
	return 0, nil, false
}

// utf16Offset returns how many bytes of b, which is valid UTF-8, make the given number of UTF-16 code
// units. It is not ok when b is too short or the last unit is the first half of a surrogate pair.
func utf16Offset(b []byte, units int) (offset int, ok bool) {
	if units > len(b) {
		return 0, false
	}
	for units > 0 {
		if units >= 8 && len(b)-offset >= 8 && binary.LittleEndian.Uint64(b[offset:])&highBits == 0 {
			offset, units = offset+8, units-8
			continue
		}
		if offset == len(b) {
			return 0, false
		}
		size, width := runeShape(b[offset])
		offset, units = offset+size, units-width
	}
	return offset, units == 0
}

// runeShape tells from its first byte how many bytes of UTF-8 and how many units of UTF-16 a
// character has.
func runeShape(first byte) (size, width int) {
	switch {
	case first < utf8.RuneSelf:
		return 1, 1
	case first < 0xe0:
		return 2, 1
	case first < 0xf0:
		return 3, 1
	}
	return 4, 2
}

// utf16Len counts the UTF-16 code units of b, which is valid UTF-8.
func utf16Len(b []byte) int {
	if isASCII(b) {
		return len(b)
	}
	units := 0
	for _, c := range b {
		if c&0xc0 != 0x80 { // not the inside of a character
			units++
		}
		if c >= 0xf0 {
			units++
		}
	}
	return units
}

// needsBinary3 says whether the binary form is the one to send. For packets with bytes it is the
// protocol's choice. For text beyond ASCII it is the only form that all clients read alike: those of
// Socket.IO 1.x take the text form's characters for bytes and decode them a second time.
func needsBinary3(packets iter.Seq[wirePacket]) bool {
	for p := range packets {
		if p.binary || !isASCII(p.data) {
			return true
		}
	}
	return false
}

func appendPayload3Binary(dst []byte, packets iter.Seq[wirePacket]) []byte {
	for p := range packets {
		marker := byte(0)
		if p.binary {
			marker = 1
		}
		dst = append(appendLength3Binary(dst, marker, len(p.data)), p.data...)
	}
	return dst
}

// appendLength3Binary appends what stands before a packet in the binary form.
func appendLength3Binary(dst []byte, marker byte, length int) []byte {
	dst = append(dst, marker)
	first := len(dst)
	dst = strconv.AppendInt(dst, int64(length), 10)
	for i := first; i < len(dst); i++ {
		dst[i] -= '0'
	}
	return append(dst, endOfLength)
}

// appendLength3Text appends what stands before a packet in the text form.
func appendLength3Text(dst []byte, length int) []byte {
	return append(strconv.AppendInt(dst, int64(length), 10), ':')
}

func appendPayload3Text(dst []byte, packets iter.Seq[wirePacket]) []byte {
	first := len(dst)
	for p := range packets {
		if p.binary {
			dst = appendBase643(dst, p.data)
			continue
		}
		dst = append(appendLength3Text(dst, utf16Len(p.data)), p.data...)
	}
	if len(dst) == first {
		dst = append(dst, "0:"...)
	}
	return dst
}

// appendBase643 appends a binary packet, whose first byte is its type, to a text payload.
func appendBase643(dst, data []byte) []byte {
	kind, data := data[0], data[1:]
	dst = strconv.AppendInt(dst, int64(2+base64.StdEncoding.EncodedLen(len(data))), 10)
	dst = append(dst, ':', 'b', '0'+kind)
	return base64.StdEncoding.AppendEncode(dst, data)
}
