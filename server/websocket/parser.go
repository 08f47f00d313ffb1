package websocket

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// A parser turns the client's bytes into messages. Bytes are pushed into it in pieces of any size, and what comes out
// does not depend on where they were cut. It keeps only what has arrived of a frame or message that is not complete.
type parser struct {
	limits ReadLimits

	// begun counts the messages, and the control frames between them, whose first byte has arrived.
	begun uint64

	head    [ws.MaxHeaderSize]byte // the first bytes of a header that is not complete
	headLen uint8

	inFrame bool // the header of frame is complete, its payload is not
	frame   ws.Header
	got     int64  // bytes of its payload that have arrived
	control []byte // those of a control frame, if they came in pieces

	deflate    bool   // permessage-deflate was negotiated
	op         OpCode // of the message that is not complete; 0 if there is none
	compressed bool
	fragments  int32
	message    []byte // its payload so far, unmasked
	text       utf8Check
	held       tally
}

// A tally tells Held how much memory a message takes.
type tally struct{ told int } // steps

// set says how many bytes there are now.
func (t *tally) set(bytes int, held func(delta int)) {
	if steps := bytes / HeldStep; steps != t.told && held != nil {
		change := steps - t.told
		t.told = steps
		held(change * HeldStep)
	}
}

// idle says that the bytes so far ended with the end of a message or of a control frame outside one.
func (p *parser) idle() bool {
	return p.headLen == 0 && !p.inFrame && p.op == 0
}

// feed takes the next bytes, which it unmasks in place, and hands on what they complete. After an error the parser must
// not be used again.
func (p *parser) feed(b []byte, h Handler) (err error) {
	for len(b) > 0 {
		if !p.inFrame {
			if b, err = p.header(b); err != nil || !p.inFrame {
				return err
			}
		}
		if b, err = p.payload(b, h); err != nil {
			return err
		}
	}
	return nil
}

// header reads the next frame's header. If b ends within it, b is kept, and p.inFrame stays false.
func (p *parser) header(b []byte) (rest []byte, err error) {
	if p.idle() {
		p.begun++
	}
	kept := int(p.headLen)
	src := b
	if kept > 0 {
		src = p.head[:kept+copy(p.head[kept:], b)]
	}
	frame, size, err := decodeHeader(src)
	if err != nil {
		return nil, &ProtocolError{Code: CloseProtocolError, Message: err.Error()}
	}
	if size == 0 {
		p.headLen = uint8(copy(p.head[:], src))
		return nil, nil
	}
	p.headLen = 0
	return b[size-kept:], p.open(frame)
}

// open checks the frame against the rules and limits, before any of its payload is looked at.
func (p *parser) open(frame ws.Header) (err error) {
	var compressed bool
	if p.deflate && frame.Rsv != 0 {
		if frame, compressed, err = wsflate.UnsetBit(frame); err != nil {
			return &ProtocolError{Code: CloseProtocolError, Message: err.Error()}
		}
	}
	state := ws.StateServerSide
	if p.op != 0 {
		state = state.Set(ws.StateFragmented)
	}
	if err := ws.CheckHeader(frame, state); err != nil {
		return &ProtocolError{Code: CloseProtocolError, Message: err.Error()}
	}
	p.inFrame, p.frame, p.got = true, frame, 0
	if frame.OpCode.IsControl() {
		return nil
	}
	if frame.OpCode != ws.OpContinuation {
		p.op, p.compressed = OpCode(frame.OpCode), compressed
	}
	return p.checkLimits()
}

func (p *parser) checkLimits() error {
	if p.fragments++; int(p.fragments) > p.limits.MaxFragments {
		message := fmt.Sprintf("a message of more than %d fragments", p.limits.MaxFragments)
		return &ProtocolError{Code: ClosePolicyViolation, Message: message, Limit: LimitFragments}
	}
	if p.frame.Length > int64(p.maxWire()-len(p.message)) {
		return p.tooBig()
	}
	return nil
}

// maxWire is how many bytes of payload a message may have before it is inflated. Deflate makes data that it cannot
// compress larger: by 5 bytes for each stored block, whose size is the sender's choice, hence the eighth.
func (p *parser) maxWire() int {
	if p.compressed {
		return p.limits.MaxMessage + p.limits.MaxMessage/8 + 64
	}
	return p.limits.MaxMessage
}

func (p *parser) tooBig() error {
	message := fmt.Sprintf("a message of more than %d bytes", p.limits.MaxMessage)
	return &ProtocolError{Code: CloseTooBig, Message: message, Limit: LimitMessage}
}

// payload takes what b holds of the frame's payload.
func (p *parser) payload(b []byte, h Handler) (rest []byte, err error) {
	n := min(int64(len(b)), p.frame.Length-p.got)
	part, rest := b[:n:n], b[n:]
	ws.Cipher(part, p.frame.Mask, int(p.got%4))
	p.got += n
	p.inFrame = p.got < p.frame.Length
	if p.frame.OpCode.IsControl() {
		return rest, p.controlPart(part, h)
	}
	return rest, p.dataPart(part, h)
}

func (p *parser) controlPart(part []byte, h Handler) error {
	if p.inFrame || p.control != nil {
		p.control = append(p.control, part...)
		if p.inFrame {
			return nil
		}
		part, p.control = p.control, nil
	}
	switch OpCode(p.frame.OpCode) {
	case OpPing:
		h.Ping(part)
	case OpPong:
		h.Pong(part)
	case OpClose:
		return parseClose(part)
	}
	return nil
}

func (p *parser) dataPart(part []byte, h Handler) error {
	ended := p.frame.Fin && !p.inFrame
	whole := ended && p.fragments == 1 && p.message == nil
	if p.op == OpText && !p.compressed {
		if !p.validText(part, whole, ended) {
			return errNotUTF8
		}
	}
	if whole {
		return p.deliver(part, h)
	}
	p.keep(part)
	if !ended {
		return nil
	}
	return p.deliver(p.message, h)
}

// errNotUTF8 is for text that is not UTF-8 (RFC 6455 section 8.1).
var errNotUTF8 = &ProtocolError{Code: CloseInvalidPayload, Message: "text that is not UTF-8"}

func (p *parser) validText(part []byte, whole, ended bool) bool {
	if whole {
		return utf8.Valid(part)
	}
	return p.text.write(part) && (!ended || p.text.done())
}

// keep copies part behind what has arrived of the message. The memory doubles as bytes arrive, so that it is never more
// than twice of what the peer has really sent, and stops at the message's size once that is known.
func (p *parser) keep(part []byte) {
	need := len(p.message) + len(part)
	if need > cap(p.message) {
		size := max(2*cap(p.message), need, 64)
		if p.frame.Fin {
			size = min(size, need+int(p.frame.Length-p.got))
		}
		p.message = append(make([]byte, 0, size), p.message...)
		p.hold(size)
	}
	p.message = append(p.message, part...)
}

// hold says how many bytes of memory the message takes.
func (p *parser) hold(bytes int) { p.held.set(bytes, p.limits.Held) }

// drop forgets the message that is not complete, if there is one. Nothing may be fed any more.
func (p *parser) drop() {
	p.message = nil
	p.hold(0)
}

// deliver hands on a message and forgets it. Until the handler returns its memory counts.
func (p *parser) deliver(data []byte, h Handler) (err error) {
	op, compressed := p.op, p.compressed
	p.op, p.compressed, p.fragments, p.message = 0, false, 0, nil // p.text is as new: the text was valid to its end
	if compressed {
		err = p.deliverInflated(op, data, h)
	} else {
		err = h.Message(op == OpBinary, data)
	}
	p.hold(0)
	return err
}

func (p *parser) deliverInflated(op OpCode, data []byte, h Handler) error {
	i := inflaters.Get().(*inflater)
	defer i.free()
	i.parser, i.packed = p, cap(data)
	data, err := i.inflate(data, p.limits.MaxMessage)
	switch {
	case errors.Is(err, errInflatedTooBig):
		return p.tooBig()
	case err != nil:
		return &ProtocolError{Code: CloseInvalidPayload, Message: "a compressed message that cannot be inflated"}
	case op == OpText && !utf8.Valid(data):
		return errNotUTF8
	}
	return h.Message(op == OpBinary, data)
}
