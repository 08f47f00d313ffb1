package load

import (
	"encoding/binary"
	"errors"
)

// The opcodes that are met (RFC 6455, section 5.2).
const (
	OpText   = 1
	OpBinary = 2
	OpClose  = 8
	OpPing   = 9
	OpPong   = 10
)

var errFrame = errors.New("the server sent a WebSocket frame that is none")

// AppendFrame appends a client's frame. The mask is the example of RFC 6455, section 5.7: a server has the same work
// with every mask but zero, and a new one for each frame would be work for the generator alone.
func AppendFrame(dst []byte, op byte, payload []byte) []byte {
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	dst = append(dst, 0x80|op)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	dst = append(dst, mask[:]...)
	for i, c := range payload {
		dst = append(dst, c^mask[i&3])
	}
	return dst
}

// NextFrame takes a server's frame from b. size is 0 if there is no whole one yet.
func NextFrame(b []byte) (op byte, payload []byte, size int, err error) {
	if len(b) < 2 {
		return 0, nil, 0, nil
	}
	if b[0]&0xf0 != 0x80 || b[1]&0x80 != 0 {
		return 0, nil, 0, errFrame // a fragment, a reserved bit or a mask: no server sends them unasked
	}
	head, n := frameLength(b)
	if n > mostFrame {
		return 0, nil, 0, errFrame
	}
	size = head + int(n)
	if head == 0 || len(b) < size {
		return 0, nil, 0, nil
	}
	return b[0] & 0x0f, b[head:size], size, nil
}

// mostFrame is more than any server has to say to the generator.
const mostFrame = 4 << 20

// frameLength returns how long a frame's header and payload are; head is 0 if the header is not whole.
func frameLength(b []byte) (head int, payload uint64) {
	switch short := b[1]; {
	case short < 126:
		return 2, uint64(short)
	case short == 126 && len(b) >= 4:
		return 4, uint64(binary.BigEndian.Uint16(b[2:]))
	case short == 127 && len(b) >= 10:
		return 10, binary.BigEndian.Uint64(b[2:])
	}
	return 0, 0
}
