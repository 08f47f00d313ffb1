package engineio

import (
	"encoding/base64"
	"errors"
	"sync"

	"github.com/crier/crier/server/websocket"
)

// A Message is one message for a client.
type Message struct {
	Binary bool
	Data   []byte
	// Plain keeps the message from being compressed.
	Plain bool
}

// compressFrom is the size from which a message is worth compressing, as in the reference server.
const compressFrom = 1024

// Send queues messages, side by side with nothing in between. It never waits and does not keep data. The error is
// ErrClosed or ErrSlowConsumer.
func (s *Session) Send(messages ...Message) error {
	p := Prepared{server: s.server, messages: messages, traits: traitsOf(messages)}
	return sendError(s.out.Push(p.encode(s.form(&p))))
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

// A Prepared holds messages that go to many sessions: they are encoded once for each form that the sessions need. It
// is used by one goroutine at a time.
type Prepared struct {
	server   *Server
	messages []Message
	traits   form // what makes a difference to some session
	frames   [forms]websocket.Frames
}

// Prepare returns messages ready to be sent to any of the server's sessions. Their data must stay as it is until the last of
// the calls of SendPrepared.
func (sv *Server) Prepare(messages ...Message) *Prepared {
	return &Prepared{server: sv, messages: messages, traits: traitsOf(messages)}
}

// SendPrepared is Send for one of many sessions: the frames leave after b.Flush.
func (s *Session) SendPrepared(p *Prepared, b *websocket.Batch) error {
	f := s.form(p)
	if p.frames[f].Len() == 0 {
		p.frames[f] = p.encode(f)
	}
	return sendError(s.out.PushBatch(p.frames[f], b))
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
		} else if !isASCII(m.Data) {
			traits |= formOld
		}
		if m.compressible() {
			traits |= formDeflated
		}
	}
	return traits
}

func (m *Message) compressible() bool { return len(m.Data) >= compressFrom && !m.Plain }

// form returns the form that the session needs.
func (s *Session) form(p *Prepared) (f form) {
	if s.version == 3 {
		f |= formOld
	}
	if s.base64 {
		f |= formBase64
	}
	if p.traits&formDeflated != 0 && s.deflate.Load() {
		f |= formDeflated
	}
	return f & p.traits
}

// encode puts the messages into the server's arena.
func (p *Prepared) encode(f form) websocket.Frames {
	buf := frameBufs.Get().(*[]byte)
	*buf = (*buf)[:0]
	for i := range p.messages {
		*buf = p.server.appendMessage(*buf, &p.messages[i], f)
	}
	frames := p.server.arena.Put(*buf)
	if cap(*buf) <= maxPooled {
		frameBufs.Put(buf)
	}
	return frames
}

func (sv *Server) appendMessage(dst []byte, m *Message, f form) []byte {
	op, head, data := websocket.OpText, messageHead[0:1], m.Data
	switch {
	case !m.Binary:
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
	case errors.Is(err, websocket.ErrQueueFull):
		return ErrSlowConsumer
	default:
		return ErrClosed
	}
}
