package socketio

import (
	"slices"
	"sync"

	"github.com/crier/crier/server/engineio"
)

// An outgoing event is encoded, and about to be queued for those whom it is meant for.
type outgoing struct {
	buf         []byte // the memory that the text and its other form lie in
	text        []byte
	old         []byte // for clients without recovery, if it is another
	attachments [][]byte
	flags       sendFlags
	asks        bool // for an acknowledgement
}

// outgoings are used again, with the memory in which packets are encoded before they are copied into frames.
var outgoings = sync.Pool{New: func() any { return new(outgoing) }}

// maxPooled is the size from which that memory is left to the garbage collector.
const maxPooled = 64 << 10

// release gives o back for the next packet. Nobody may hold it any more.
func (o *outgoing) release() {
	if cap(o.buf) > maxPooled {
		return
	}
	*o = outgoing{buf: o.buf}
	outgoings.Put(o)
}

func (o *outgoing) messages() []engineio.Message {
	all := messages(o.flags, o.text, o.attachments)
	all[0].Old = o.old
	return all
}

// fork returns the text to write an offset to. With both, the text as it is stays in o.old, for clients that get
// it so.
func (o *outgoing) fork(both bool) []byte {
	n := len(o.text)
	if !both {
		o.buf = slices.Grow(o.text, offsetRoom)
		return o.buf
	}
	o.old = o.text
	o.buf = append(slices.Grow(o.text, n+offsetRoom), o.text...)
	return o.buf[n:]
}

// messages are the Engine.IO messages that a packet is made of.
func messages(flags sendFlags, text []byte, attachments [][]byte) []engineio.Message {
	all := append(make([]engineio.Message, 0, 1+len(attachments)), engineio.Message{Data: text, Plain: flags.plain})
	for _, a := range attachments {
		all = append(all, engineio.Message{Binary: true, Data: a, Plain: flags.plain})
	}
	return all
}

// wireSize is the most that a message takes in a queue: binary data may go out as base64, and a header takes up
// to 10 bytes.
func wireSize(m engineio.Message) int {
	n := len(m.Data)
	if m.Binary {
		n = (n + 2) / 3 * 4
	}
	return n + 12
}

// endsInText says whether the last element of the array that a packet ends with is a string, which a client would
// take for an offset.
func endsInText(packet []byte) bool { return packet[len(packet)-2] == '"' }
