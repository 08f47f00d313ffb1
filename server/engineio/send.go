package engineio

import (
	"encoding/base64"
	"errors"
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

// Send queues messages, side by side with nothing in between, behind what the flusher has yet to deliver. It never waits for
// the client and does not keep data. The error is ErrClosed or ErrSlowConsumer.
func (s *Session) Send(messages ...Message) error {
	return sendError(s.follow(s.server.encode(messages, s.form(traitsOf(messages)))))
}

// Ready says whether what is sent now would leave at once. Volatile messages are those that one drops when it would not.
func (s *Session) Ready() bool {
	s.mu.Lock()
	polling, waits := s.conn == nil, s.poll != nil && !s.answering
	s.mu.Unlock()
	if polling {
		return waits && s.out.Size() == 0
	}
	return s.out.Ready()
}

// Flushed returns a channel that is closed when everything sent before has been handed to the transport (on long-polling:
// to a poll's answer), or never will be because the session has ended.
func (s *Session) Flushed() <-chan struct{} {
	s.out.Settle()
	return s.out.Flushed()
}

// Spare returns how many bytes of messages may still be queued, 12 counted for each beside its own.
func (s *Session) Spare() int {
	s.out.Settle()
	return s.server.opts.MaxQueue - s.out.Size()
}

// A form is a way in which messages stand on the wire. Queues hold WebSocket frames whatever the transport, so that an
// upgrade changes nothing in them; a poll's answer is made from the frames it takes. Text in ASCII looks the same in both
// revisions, and so most messages have one form only.
type form uint8

const (
	formOld      form = 1 << iota // for EIO 3: binary data has its type before it, text may be escaped
	formDeflated                  // long messages are compressed
	formBase64                    // binary data is text, for clients that asked for it
	forms        = 1 << 3
)

// traitsOf looks at messages once, however many sessions they go to.
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

// form returns the form that the session needs of messages with traits.
func (s *Session) form(traits form) (f form) {
	if traits == 0 {
		return 0
	}
	if s.version == 3 {
		f |= formOld
	}
	if s.base64 {
		f |= formBase64
	}
	if traits&formDeflated != 0 && s.deflate.Load() {
		f |= formDeflated
	}
	return f & traits
}

// encode puts messages into the arena.
func (sv *Server) encode(messages []Message, f form) outbound.Frames {
	buf := frameBufs.Get().(*[]byte)
	*buf = (*buf)[:0]
	for i := range messages {
		*buf = sv.appendMessage(*buf, &messages[i], f)
	}
	frames := sv.arena.Put(*buf)
	if cap(*buf) <= maxPooled {
		frameBufs.Put(buf)
	}
	return frames
}

func (sv *Server) appendMessage(dst []byte, m *Message, f form) []byte {
	op, head, data := websocket.OpText, messageHead[0:1], m.Data
	switch {
	case !m.Binary:
		if f&formOld != 0 && m.Old != nil {
			data = m.Old
		}
		if f&formOld != 0 && sv.opts.EscapeText != nil && !isASCII(data) {
			data = sv.opts.EscapeText(data)
		}
	case f&formBase64 != 0:
		head, data = base64Head(f), base64.StdEncoding.AppendEncode(nil, data)
	case f&formOld != 0:
		op, head = websocket.OpBinary, messageHead[1:2]
	default:
		op, head = websocket.OpBinary, nil
	}
	if f&formDeflated != 0 && m.compressible() {
		return websocket.AppendCompressed(dst, op, append(append([]byte(nil), head...), data...))
	}
	dst = websocket.AppendFrameHeader(dst, op, len(head)+len(data))
	return append(append(dst, head...), data...)
}

// messageHead has what stands before text, and before binary data in EIO 3.
var messageHead = [2]byte{PacketMessage.digit(), byte(PacketMessage)}

// base64Head is what stands before binary data that is written as text.
func base64Head(f form) []byte {
	if f&formOld != 0 {
		return []byte{'b', PacketMessage.digit()}
	}
	return []byte{'b'}
}

// maxPooled is the size from which a buffer is left to the garbage collector: a pool of a few huge ones would never shrink.
const maxPooled = 64 << 10

var frameBufs = sync.Pool{New: func() any { return new([]byte) }}

func sendError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, outbound.ErrQueueFull):
		return ErrSlowConsumer
	default:
		return ErrClosed
	}
}
