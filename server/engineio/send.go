package engineio

import (
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
	queued := form(s.out.Form())
	return sendError(s.follow(queued, s.core.encode(messages, queued.needed(traitsOf(messages)))))
}

// SendPrepared is Send for one of many sessions. The frames leave after b.Flush. It does not look at what the flusher has yet to
// deliver: the caller sees to the order.
func (s *Session) SendPrepared(p *Prepared, b *outbound.Batch) error {
	queued := form(s.out.Form())
	return sendError(s.push(queued, p.in(s.core, queued.needed(p.traits)), b))
}

// SendSequence sends all of q that is for the session: see SendPrepared.
func (s *Session) SendSequence(q *Sequence, b *outbound.Batch) {
	if s.aside != nil || form(s.out.Form())&formPayload != 0 {
		s.sendOneByOne(q, b)
		return
	}
	for i := range q.pieces {
		_ = s.SendPrepared(&q.pieces[i], b) // a session that can't be sent to is ending, and is told why
	}
}

func (s *Session) sendOneByOne(q *Sequence, b *outbound.Batch) {
	for i, p := range q.all {
		s.sendAside(i, b)
		_ = s.SendPrepared(p, b)
	}
	s.sendAside(len(q.all), b)
}

// sendAside sends those for this session alone that have no more than n Prepared before them.
func (s *Session) sendAside(n int, b *outbound.Batch) {
	for s.aside != nil && s.aside.behind <= n {
		d := s.aside
		s.aside, d.next = d.next, nil
		d.push(b)
	}
}

// sendControl queues a packet without data. b may be nil.
func (s *Session) sendControl(kind PacketType, b *outbound.Batch) error {
	f := form(s.out.Form())
	return s.push(f, s.core.control(kind, f), b)
}

// follow pushes frames behind what the session's worker has yet to deliver. If it has something, a queue that proves full
// is told to the session, but not here.
func (s *Session) follow(queued form, frames outbound.Frames) error {
	f, w := s.core.flusher, s.out.Worker()
	if !f.Busy(w) {
		return s.push(queued, frames, nil)
	}
	err := s.out.Err()
	if err == nil {
		f.Post(w, &Direct{session: s, queued: queued, frames: frames})
	}
	return err
}

// push queues frames that were encoded for a queue of the form queued, which may have changed with an upgrade meanwhile.
// Without b they leave at once.
func (s *Session) push(queued form, frames outbound.Frames, b *outbound.Batch) error {
	err := s.pushAs(queued, frames, b)
	if errors.Is(err, outbound.ErrForm) {
		frames = s.core.arena.Put(queued.appendFrames(nil, [][]byte{frames.Bytes()}))
		err = s.pushAs(form(s.out.Form()), frames, b)
	}
	return err
}

func (s *Session) pushAs(queued form, frames outbound.Frames, b *outbound.Batch) error {
	if b == nil {
		return s.out.PushAs(uint8(queued), frames)
	}
	return s.out.PushBatchAs(uint8(queued), frames, b)
}

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

// traitsOf looks at messages once, however many sessions they go to. Text in ASCII looks the same in both revisions, and so most
// messages have no traits and one form of frame only.
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
	return appendPacket(dst, PacketMessage.digit(), data, f)
}

// appendDeflated appends a message as a compressed frame: what stands in the frame that is not.
func appendDeflated(dst []byte, binary bool, data []byte, f form) []byte {
	frame := appendPacket(nil, PacketMessage.digit(), data, f)
	if binary {
		frame = appendBinary(nil, data, f)
	}
	op, payload, _, _ := websocket.NextFrame(frame)
	return websocket.AppendCompressed(dst, op, payload)
}

// maxPooled is the size from which a buffer is left to the garbage collector: a pool of a few huge ones would never shrink.
const maxPooled = 64 << 10

var frameBufs = sync.Pool{New: func() any { return new([]byte) }}
