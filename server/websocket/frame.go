package websocket

import (
	"encoding/binary"
	"errors"

	"github.com/gobwas/ws"
)

// An OpCode says what a frame carries (RFC 6455 section 5.2).
type OpCode byte

// The operation codes.
const (
	OpContinuation OpCode = 0x0 // more of the message that a text or binary frame began
	OpText         OpCode = 0x1 // UTF-8
	OpBinary       OpCode = 0x2
	OpClose        OpCode = 0x8 // the last frame of its direction
	OpPing         OpCode = 0x9
	OpPong         OpCode = 0xA
)

// MaxHeader is the most bytes that the header of a frame from the server takes: two, and eight for a long length.
const MaxHeader = 10

// maxControl is the largest payload of a control frame (RFC 6455 section 5.5).
const maxControl = ws.MaxControlFramePayloadSize

// The bits of a frame's first two bytes.
const (
	bitFin  = 0x80
	bitRsv1 = 0x40 // the message is compressed (RFC 7692 section 6)
	bitMask = 0x80 // in the second byte
)

// AppendFrameHeader appends to dst the header of a frame that is a message of its own, not masked, as a server sends
// it; length bytes of payload must follow. For a control frame (close, ping, pong) they are at most 125.
//
// ws.WriteHeader does the same into an io.Writer, for the price of two allocations.
func AppendFrameHeader(dst []byte, op OpCode, length int) []byte {
	dst = append(dst, bitFin|byte(op))
	switch {
	case length <= maxControl:
		return append(dst, byte(length))
	case length <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(length))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 127), uint64(length))
	}
}

// AppendFrame appends to dst a frame that is a message of its own, not masked, as a server sends it. The payload of a
// control frame (close, ping, pong) is at most 125 bytes.
func AppendFrame(dst []byte, op OpCode, payload []byte) []byte {
	return append(AppendFrameHeader(dst, op, len(payload)), payload...)
}

// NextFrame takes the first frame off b, which holds frames made by AppendFrame or AppendClose one behind the other.
// payload and rest point into b. ok is false when b does not begin with such a frame: it is empty or cut short, or the
// frame is compressed, masked or a fragment.
func NextFrame(b []byte) (op OpCode, payload, rest []byte, ok bool) {
	h, size, err := decodeHeader(b)
	if err != nil || size == 0 || h.Masked || !h.Fin || h.Rsv != 0 || h.Length > int64(len(b)-size) {
		return 0, nil, b, false
	}
	end := size + int(h.Length)
	return OpCode(h.OpCode), b[size:end:end], b[end:], true
}

var (
	errLengthSign  = errors.New("a length of 2^63 bytes or more")
	errLengthShort = errors.New("a length that is not in its shortest form")
)

// decodeHeader reads the header that b begins with. size is how many bytes it takes; 0 when b does not hold it whole.
//
// ws.ReadHeader wants an io.Reader that has, or waits for, the whole header; a push parser has neither. It also takes
// lengths in any form, where RFC 6455 section 5.2 demands the shortest.
func decodeHeader(b []byte) (h ws.Header, size int, err error) {
	if len(b) < 2 {
		return h, 0, nil
	}
	h.Fin = b[0]&bitFin != 0
	h.Rsv = b[0] & 0x70 >> 4
	h.OpCode = ws.OpCode(b[0] & 0x0F)
	h.Masked = b[1]&bitMask != 0
	h.Length, size = int64(b[1]&^bitMask), 2
	if h.Length > maxControl {
		if h.Length, size, err = decodeLength(b); size == 0 || err != nil {
			return h, 0, err
		}
	}
	if !h.Masked {
		return h, size, nil
	}
	if len(b) < size+len(h.Mask) {
		return h, 0, nil
	}
	copy(h.Mask[:], b[size:])
	return h, size + len(h.Mask), nil
}

// decodeLength reads the length that did not fit into the second byte of the header, and returns where it ends.
func decodeLength(b []byte) (length int64, end int, err error) {
	switch short := b[1]&^bitMask == 126; {
	case short && len(b) >= 4:
		length, end = int64(binary.BigEndian.Uint16(b[2:])), 4
		if length <= maxControl {
			err = errLengthShort
		}
	case !short && len(b) >= 10:
		length, end = int64(binary.BigEndian.Uint64(b[2:])), 10
		if length < 0 {
			err = errLengthSign
		} else if length <= 0xFFFF {
			err = errLengthShort
		}
	}
	return length, end, err
}
