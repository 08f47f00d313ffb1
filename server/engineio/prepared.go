package engineio

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/crier/crier/server/internal/outbound"
	"github.com/crier/crier/server/websocket"
)

// A Prepared holds messages that go to many sessions: they are encoded once for each form that the sessions need.
// Copies share that, and any number of goroutines may send it.
type Prepared struct {
	frames outbound.Frames // as most sessions on WebSocket need them
	traits form            // what makes a difference to some of these
	others *otherForms     // nil without traits, and while all sessions are on WebSocket and in the common coding
}

// otherForms are the forms that not all sessions need, each encoded when the first of them is met.
type otherForms struct {
	plain []bool   // of each message; nil if none is
	old   [][]byte // Message.Old of each; nil if none has it

	first atomic.Pointer[otherForm]
	mu    sync.Mutex // held while one is encoded
}

// An otherForm is one of them, in a list: there are few.
type otherForm struct {
	form   form
	frames outbound.Frames
	next   *otherForm
}

func (c *core) prepare(messages []Message) Prepared {
	p := Prepared{frames: c.encode(messages, 0), traits: traitsOf(messages)}
	if p.traits != 0 || c.uncommon.Load() > 0 {
		p.others = new(otherForms)
		for i := range messages {
			p.others.keep(i, len(messages), &messages[i])
		}
	}
	return p
}

// keep takes from the i-th of n messages what its frame does not show.
func (o *otherForms) keep(i, n int, m *Message) {
	if m.Plain {
		if o.plain == nil {
			o.plain = make([]bool, n)
		}
		o.plain[i] = true
	}
	if m.Old != nil {
		if o.old == nil {
			o.old = make([][]byte, n)
		}
		o.old[i] = bytes.Clone(m.Old)
	}
}

// kept returns a message as it was, from its frame's data and what keep took.
func (o *otherForms) kept(i int, binary bool, data []byte) Message {
	m := Message{Binary: binary, Data: data}
	if o.plain != nil {
		m.Plain = o.plain[i]
	}
	if o.old != nil {
		m.Old = o.old[i]
	}
	return m
}

// size returns how many bytes of memory the messages take.
func (p *Prepared) size() int { return p.frames.Len() }

// in returns the messages in a form.
func (p *Prepared) in(c *core, f form) outbound.Frames {
	if f == 0 {
		return p.frames
	}
	others := p.others
	if others == nil { // the first session that needs another form has come just now
		others = new(otherForms)
	}
	if frames, ok := others.find(f); ok {
		return frames
	}
	return others.encode(c, f, p.frames)
}

func (o *otherForms) find(f form) (outbound.Frames, bool) {
	for other := o.first.Load(); other != nil; other = other.next {
		if other.form == f {
			return other.frames, true
		}
	}
	return outbound.Frames{}, false
}

// encode encodes the messages anew, from the frames of form 0.
func (o *otherForms) encode(c *core, f form, from outbound.Frames) outbound.Frames {
	o.mu.Lock()
	defer o.mu.Unlock()
	if frames, ok := o.find(f); ok {
		return frames
	}
	var one [1]Message
	messages := one[:0]
	for rest := from.Bytes(); len(rest) > 0; {
		op, data, after, ok := websocket.NextFrame(rest)
		if !ok {
			panic("engineio: what was prepared is not a frame")
		}
		binary := op == websocket.OpBinary
		if !binary {
			data = data[1:] // the packet type
		}
		messages = append(messages, o.kept(len(messages), binary, data))
		rest = after
	}
	frames := c.encode(messages, f)
	o.first.Store(&otherForm{f, frames, o.first.Load()})
	return frames
}
