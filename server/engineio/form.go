package engineio

import (
	"encoding/base64"

	"github.com/crier/crier/server/websocket"
)

// A form is a way in which messages stand on the wire, and in the queues of sessions. On WebSocket they are frames.
// On long-polling they are what a payload is made of: whole packets, each with its length (EIO 3) or a separator
// before it (EIO 4), so that an answer is the queue as it is. What goes to many sessions is encoded once for each
// form.
//
// The first byte of a packet tells a frame, which has its high bit set, from everything else.
type form uint8

const (
	formOld      form     = 1 << iota // for EIO 3: binary data has its type before it, text may be escaped
	formDeflated                      // frames: long messages are compressed
	formBase64                        // binary data is text; a payload of EIO 3 is text too
	formPayload                       // long-polling
	formScript                        // payload: escaped as the inside of a script's string (JSONP)
	formBytes                         // payload of EIO 3: binary, even if it holds nothing but ASCII
	formRecoded                       // messages stand in the coding of Options.Recode
	forms        = 1 << 6             // of packets without data, which have no coding
)

// needed returns the part of the queue's form f that makes a difference to messages with traits.
func (f form) needed(traits form) form {
	if f&formRecoded != 0 {
		traits = ^form(0) // what a message has in another coding is not known
	}
	if f&formPayload == 0 {
		return f & traits
	}
	f &^= formDeflated
	if f&formOld != 0 && f&formBase64 == 0 && traits&formBase64 != 0 {
		f |= formBytes // one form for all of them, so that an answer need not make it one
	}
	return f
}

// appendPacket appends a packet of text in a form: its first byte is head.
func appendPacket(dst []byte, head byte, data []byte, f form) []byte {
	if f&formPayload == 0 {
		dst = websocket.AppendFrameHeader(dst, websocket.OpText, 1+len(data))
		return append(append(dst, head), data...)
	}
	if f&formScript != 0 {
		return appendScriptString(dst, appendPacket(nil, head, data, f&^formScript))
	}
	switch {
	case f&formOld == 0:
		dst = append(dst, separator)
	case f&formBytes != 0 || f&formBase64 == 0 && !isASCII(data):
		dst = appendLength3Binary(dst, 0, 1+len(data))
	default:
		dst = appendLength3Text(dst, 1+utf16Len(data))
	}
	return append(append(dst, head), data...)
}

// appendBinary appends a message of bytes in a form.
func appendBinary(dst, data []byte, f form) []byte {
	switch {
	case f&formPayload == 0:
		return appendBinaryFrame(dst, data, f)
	case f&formScript != 0:
		return appendScriptString(dst, appendBinary(nil, data, f&^formScript))
	case f&formOld == 0:
		return base64.StdEncoding.AppendEncode(append(dst, separator, 'b'), data)
	case f&formBase64 != 0:
		dst = appendLength3Text(dst, 2+base64.StdEncoding.EncodedLen(len(data)))
		return base64.StdEncoding.AppendEncode(append(dst, 'b', packetMessage.digit()), data)
	}
	dst = appendLength3Binary(dst, 1, 1+len(data))
	return append(append(dst, byte(packetMessage)), data...)
}

func appendBinaryFrame(dst, data []byte, f form) []byte {
	switch {
	case f&formBase64 != 0:
		head := []byte{'b', packetMessage.digit()}
		if f&formOld == 0 {
			head = head[:1]
		}
		text := base64.StdEncoding.AppendEncode(head, data)
		return websocket.AppendFrame(dst, websocket.OpText, text)
	case f&formOld != 0:
		dst = websocket.AppendFrameHeader(dst, websocket.OpBinary, 1+len(data))
		return append(append(dst, byte(packetMessage)), data...)
	}
	return websocket.AppendFrame(dst, websocket.OpBinary, data)
}

// packetEnd returns where the first packet of b ends, which stands there in a form of long-polling.
func (f form) packetEnd(b []byte) int {
	switch {
	case f&formOld == 0:
		return separatorBehind(b, f&formScript != 0)
	case b[0] <= 1:
		length, rest, _ := cutLength(b[1:], 0, endOfLength)
		return len(b) - len(rest) + length
	}
	length, rest, _ := cutLength(b, '0', ':')
	end := 0
	if f&formScript != 0 {
		end = scriptOffset(rest, length)
	} else {
		end, _ = utf16Offset(rest, length)
	}
	return len(b) - len(rest) + end
}

// boundary returns how many bytes from the start of piece are whole packets, n at most, but one packet at least.
func (f form) boundary(piece []byte, n int) int {
	end := f.packetEnd(piece)
	for end < len(piece) {
		next := end + f.packetEnd(piece[end:])
		if next > n {
			break
		}
		end = next
	}
	return end
}

// packets takes pieces of a queue on long-polling apart, as if each packet had come over WebSocket.
func (f form) packets(pieces [][]byte) func(yield func(wirePacket) bool) {
	return func(yield func(wirePacket) bool) {
		for _, rest := range pieces {
			if f&formScript != 0 {
				rest = unescapeScript(rest)
			}
			for plain := f &^ formScript; len(rest) > 0; {
				end := plain.packetEnd(rest)
				if !yield(plain.content(rest[:end])) {
					return
				}
				rest = rest[end:]
			}
		}
	}
}

// content returns what a packet holds, without its length or separator. It is not for scripts.
func (f form) content(b []byte) wirePacket {
	switch {
	case f&formOld == 0:
		return wirePacket{data: b[1:]}
	case b[0] <= 1:
		_, rest, _ := cutLength(b[1:], 0, endOfLength)
		return wirePacket{binary: b[0] == 1, data: rest}
	}
	_, rest, _ := cutLength(b, '0', ':')
	return wirePacket{data: rest}
}

// appendFrames appends what stands in pieces as frames, for a client that has moved from long-polling with the form f
// to WebSocket. What are frames already stays as it is.
func (f form) appendFrames(dst []byte, pieces [][]byte) []byte {
	for _, piece := range pieces {
		end := 0
		for end < len(piece) && piece[end]&0x80 == 0 {
			end += f.packetEnd(piece[end:])
		}
		for p := range f.packets([][]byte{piece[:end]}) {
			dst = f.appendFrame(dst, p)
		}
		dst = append(dst, piece[end:]...)
	}
	return dst
}

func (f form) appendFrame(dst []byte, p wirePacket) []byte {
	if p.binary {
		return websocket.AppendFrame(dst, websocket.OpBinary, p.data)
	}
	if f&(formOld|formBase64) == 0 && p.data[0] == 'b' { // in a payload only because it has no other way
		data, err := base64.StdEncoding.AppendDecode(nil, p.data[1:])
		if err == nil {
			return websocket.AppendFrame(dst, websocket.OpBinary, data)
		}
	}
	return websocket.AppendFrame(dst, websocket.OpText, p.data)
}
