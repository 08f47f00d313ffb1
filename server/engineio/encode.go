package engineio

import (
	"sync"

	"github.com/crier/crier/server/internal/outbound"
	"github.com/crier/crier/server/websocket"
)

// A Message is one message for a client.
type Message struct {
	Binary bool
	Data   []byte
	// Old is what clients on EIO 3 are sent in place of Data; nil means Data. For text only.
	Old []byte
	// Plain keeps the message from being compressed.
	Plain bool
}

// compressFrom is the size from which a message is worth compressing, as in the reference server.
const compressFrom = 1024

// traitsOf looks at messages once, however many sessions they go to. Text in ASCII looks the same in both revisions,
// and so most messages have no traits and one form of frame only.
func traitsOf(messages []Message) (traits form) {
	for _, m := range messages {
		if m.Binary {
			traits |= formOld | formBase64
		} else if m.Old != nil || !isASCII(m.Data) {
			traits |= formOld
		}
		if m.compressible() {
			traits |= formDeflated
		}
	}
	return traits
}

func (m *Message) compressible() bool { return len(m.Data) >= compressFrom && !m.Plain }

// encode puts messages into the arena.
func (c *core) encode(messages []Message, f form) outbound.Frames {
	if f&formRecoded != 0 {
		messages = c.recoded(messages, f)
	}
	buf := frameBufs.Get().(*[]byte)
	*buf = (*buf)[:0]
	for i := range messages {
		*buf = c.appendMessage(*buf, &messages[i], f)
	}
	frames := c.arena.Put(*buf)
	if cap(*buf) <= maxPooled {
		frameBufs.Put(buf)
	}
	return frames
}

// recoded returns messages in the coding of Options.Recode. It copies the list, since Recode is a func value: without
// the copy every caller's list would escape to the heap.
func (c *core) recoded(messages []Message, f form) []Message {
	own := append([]Message(nil), messages...)
	if f&formOld != 0 {
		for i := range own {
			if m := &own[i]; m.Old != nil {
				m.Data, m.Old = m.Old, nil
			}
		}
	}
	return c.opts.Recode(own)
}

func (c *core) appendMessage(dst []byte, m *Message, f form) []byte {
	data := m.Data
	if !m.Binary {
		if f&formOld != 0 && m.Old != nil {
			data = m.Old
		}
		if f&formOld != 0 && c.opts.EscapeText != nil && !isASCII(data) {
			data = c.opts.EscapeText(data)
		}
	}
	switch {
	case f&formDeflated != 0 && m.compressible():
		return appendDeflated(dst, m.Binary, data, f)
	case m.Binary:
		return appendBinary(dst, data, f)
	}
	return appendPacket(dst, packetMessage.digit(), data, f)
}

// appendDeflated appends a message as a compressed frame: what stands in the frame that is not.
func appendDeflated(dst []byte, binary bool, data []byte, f form) []byte {
	frame := appendPacket(nil, packetMessage.digit(), data, f)
	if binary {
		frame = appendBinary(nil, data, f)
	}
	op, payload, _, _ := websocket.NextFrame(frame)
	return websocket.AppendCompressed(dst, op, payload)
}

// maxPooled is the size from which a buffer is left to the garbage collector: a pool of a few huge ones would never
// shrink.
const maxPooled = 64 << 10

var frameBufs = sync.Pool{New: func() any { return new([]byte) }}
