package engineio

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// packetType says what an Engine.IO packet is for. On the wire it is a digit before text and, in
// EIO 3, a byte of its value before binary data (Engine.IO protocol 3 and 4, "Packet encoding").
type packetType byte

// The seven packet types, the same in both versions of the protocol.
const (
	packetOpen    packetType = iota // the handshake, from the server
	packetClose                     // the sender leaves
	packetPing                      // heartbeat: the client's in EIO 3, the server's in EIO 4; an upgrade's probe
	packetPong                      // answer to a ping, with the same data
	packetMessage                   // what the two sides have to say
	packetUpgrade                   // the client takes the probed transport into use
	packetNoop                      // says nothing: ends a waiting poll
)

var packetNames = [...]string{"open", "close", "ping", "pong", "message", "upgrade", "noop"}

// String returns the protocol's own word for the type.
func (t packetType) String() string {
	if t.valid() {
		return packetNames[t]
	}
	return "unknown"
}

func (t packetType) valid() bool { return t <= packetNoop }

func (t packetType) digit() byte { return '0' + byte(t) }

// typeOf is the inverse of digit; what is no digit becomes an invalid type.
func typeOf(digit byte) packetType { return packetType(digit - '0') }

// packet is one decoded Engine.IO packet.
type packet struct {
	kind   packetType
	binary bool   // data are bytes, not text
	data   []byte // without the type; part of the input unless it came as base64
}

// wirePacket is one encoded packet, exactly as a WebSocket message carries it. Text is the type's
// digit and the data, in valid UTF-8. Binary is the bare data in EIO 4; in EIO 3 a byte with the
// type's number (4 for a message) comes first.
type wirePacket struct {
	binary bool
	data   []byte
}

// parseError is what every decoder here returns for input that breaks the protocol, in words for the programmer of the
// client: the close frame of a WebSocket carries them.
type parseError string

func (e parseError) Error() string { return string(e) }

const (
	errEmptyPacket    parseError = "an Engine.IO packet is empty"
	errUnknownType    parseError = "an Engine.IO packet has an unknown type"
	errBase64         parseError = "a binary packet is not valid base64"
	errInvalidUTF8    parseError = "the payload is not valid UTF-8"
	errEmptyPayload   parseError = "the payload is empty"
	errBinaryPayload  parseError = "the payload is binary, which Engine.IO 4 does not have"
	errPayloadLength  parseError = "the payload has an invalid length of a packet"
	errPayloadMarker  parseError = "the payload has a packet that is neither text nor binary"
	errPayloadPackets parseError = "the payload has too many packets"
	errNoJSONPData    parseError = "the form has no field d"
)

// encodePacket returns p as a WebSocket message carries it. Binary packets of EIO 4 share p's
// data; they can only be messages.
func encodePacket(version int, p packet) wirePacket {
	if p.binary && version != 3 {
		return wirePacket{binary: true, data: p.data}
	}
	kind := p.kind.digit()
	if p.binary {
		kind = byte(p.kind)
	}
	data := make([]byte, 0, 1+len(p.data))
	data = append(data, kind)
	return wirePacket{binary: p.binary, data: append(data, p.data...)}
}

// decodeMessage decodes the packet in one WebSocket message. The WebSocket layer has checked that
// text is UTF-8. Text may carry base64 in both versions ("b" and, in EIO 3, the type).
func decodeMessage(version int, binary bool, b []byte) (packet, error) {
	switch {
	case !binary:
		return decodeText(version, b)
	case version == 3:
		return decodeBinary3(b)
	}
	return packet{kind: packetMessage, binary: true, data: b}, nil
}

func decodeText(version int, b []byte) (packet, error) {
	if len(b) == 0 {
		return packet{}, errEmptyPacket
	}
	if b[0] == 'b' {
		return decodeBase64(version, b[1:])
	}
	kind := typeOf(b[0])
	if !kind.valid() {
		return packet{}, errUnknownType
	}
	return packet{kind: kind, data: b[1:]}, nil
}

func decodeBinary3(b []byte) (packet, error) {
	if len(b) == 0 {
		return packet{}, errEmptyPacket
	}
	kind := packetType(b[0])
	if !kind.valid() {
		return packet{}, errUnknownType
	}
	return packet{kind: kind, binary: true, data: b[1:]}, nil
}

// decodeBase64 decodes what follows the "b".
func decodeBase64(version int, b []byte) (packet, error) {
	kind := packetMessage
	if version == 3 {
		if len(b) == 0 || !typeOf(b[0]).valid() {
			return packet{}, errUnknownType
		}
		kind, b = typeOf(b[0]), b[1:]
	}
	data, err := fromBase64(b)
	return packet{kind: kind, binary: true, data: data}, err
}

// digitsOnly drops all but 0 to 9 from s: what is left is safe inside a script.
func digitsOnly(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
}

const highBits = 0x8080808080808080

// isASCII looks at eight bytes at a time: nearly all text is ASCII, and this decides for each
// polled packet whether its characters have to be counted.
func isASCII(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b)&highBits != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
