package engineio

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/crier/crier/server/internal/outbound"
	"github.com/crier/crier/server/websocket"
)

// A Prepared holds messages that go to many sessions: they are encoded once for each form that the sessions need. Copies share
// that, and any number of goroutines may send it.
type Prepared struct {
	frames outbound.Frames // as most sessions need them
	traits form            // what makes a difference to some session
	others *otherForms     // nil without traits
}

// otherForms are the forms that few sessions need, each encoded when the first of them is met.
type otherForms struct {
	server *Server
	plain  []bool   // of each message
	old    [][]byte // Message.Old of each; nil if none has it

	mu    sync.Mutex // held while one is encoded
	forms [forms]atomic.Pointer[outbound.Frames]
}

// Prepare returns messages ready to be sent to any of the server's sessions. Their data is copied: messages prepared one
// behind the other lie side by side in memory, so that a queue holds them as one piece.
func (sv *Server) Prepare(messages ...Message) Prepared {
	p := Prepared{frames: sv.encode(messages, 0), traits: traitsOf(messages)}
	if p.traits != 0 {
		p.others = &otherForms{server: sv, plain: make([]bool, len(messages))}
		for i := range messages {
			p.others.keep(i, &messages[i])
		}
	}
	return p
}

// keep takes from a message what its frame does not show.
func (o *otherForms) keep(i int, m *Message) {
	o.plain[i] = m.Plain
	if m.Old == nil {
		return
	}
	if o.old == nil {
		o.old = make([][]byte, len(o.plain))
	}
	o.old[i] = bytes.Clone(m.Old)
}

// kept returns a message as it was, from its frame's data and what keep took.
func (o *otherForms) kept(i int, binary bool, data []byte) Message {
	m := Message{Binary: binary, Data: data, Plain: o.plain[i]}
	if o.old != nil {
		m.Old = o.old[i]
	}
	return m
}

// Size returns how many bytes of memory the messages take.
func (p *Prepared) Size() int { return p.frames.Len() }

// in returns the messages in a form.
func (p *Prepared) in(f form) outbound.Frames {
	if f == 0 {
		return p.frames
	}
	if frames := p.others.forms[f].Load(); frames != nil {
		return *frames
	}
	return p.others.encode(f, p.frames)
}

// encode encodes the messages anew, from the frames of form 0.
func (o *otherForms) encode(f form, from outbound.Frames) outbound.Frames {
	o.mu.Lock()
	defer o.mu.Unlock()
	if frames := o.forms[f].Load(); frames != nil {
		return *frames
	}
	messages := make([]Message, 0, len(o.plain))
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
	frames := o.server.encode(messages, f)
	o.forms[f].Store(&frames)
	return frames
}

// SendPrepared is Send for one of many sessions. The frames leave after b.Flush. It does not look at what the flusher has yet to
// deliver: the caller sees to the order.
func (s *Session) SendPrepared(p *Prepared, b *outbound.Batch) error {
	return sendError(s.out.PushBatch(p.in(s.form(p.traits)), b))
}
