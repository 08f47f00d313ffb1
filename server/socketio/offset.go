package socketio

import (
	"crypto/rand"
	"encoding/base64"
)

// An offset is a client's place among the events that the server has ordered: text that names this life of the
// server and a number that grows with each event. It stands behind an event's arguments, and a client that comes
// back shows the last one that it has seen.
//
// An event to one socket that is not held has no number of its own. Its offset is that of the event before it,
// and a serial number that grows with each such event of the server: so it can be told whether the client has had
// it, though it can't be sent again.
//
// The widths are those that base64 makes of whole groups. A number of 48 bits lasts nine years at a million events a
// second; that two lives draw the same 36 bits would do no more harm than that one client is told it is new.
const (
	epochText  = 6
	numberText = 8
	offsetText = epochText + numberText
	serialText = offsetText + numberText
	offsetRoom = serialText + len(`,""`) // the most that it adds to a packet
)

// A mark is the place of an event that is not held. The zero mark is before all others.
type mark struct {
	number uint64 // of the event before it
	serial uint64
}

// An offset as it is read.
type offset struct {
	number uint64
	serial uint64 // 0 if the event was held
}

// passed reports whether a client whose last event had that offset has had the event of the mark: it came before,
// in order.
func (m mark) passed(o offset) bool {
	return m.serial == 0 || o.number > m.number || o.serial >= m.serial
}

// An epoch names one life of a server.
type epoch [epochText]byte

func newEpoch() (e epoch) {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, since Go 1.24)
	copy(e[:], base64.RawURLEncoding.EncodeToString(b[:]))
	return e
}

// appendTo makes the offset of that number the last element of the array that text ends with.
func (e *epoch) appendTo(text []byte, number uint64) []byte {
	return append(e.appendNumber(text, number), `"]`...)
}

// appendSerialTo is appendTo for an offset with a serial number.
func (e *epoch) appendSerialTo(text []byte, number, serial uint64) []byte {
	return append(append48(e.appendNumber(text, number), serial), `"]`...)
}

func (e *epoch) appendNumber(text []byte, number uint64) []byte {
	text = append(text[:len(text)-1], `,"`...)
	text = append(text, e[:]...)
	return append48(text, number)
}

func append48(text []byte, n uint64) []byte {
	b := [6]byte{byte(n >> 40), byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	return base64.RawURLEncoding.AppendEncode(text, b[:])
}

// parse reads an offset; own: it is of this life.
func (e *epoch) parse(text string) (o offset, own, ok bool) {
	if len(text) != offsetText && len(text) != serialText {
		return offset{}, false, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text[epochText:])
	if err != nil {
		return offset{}, false, false
	}
	o.number = number48(b[:6])
	if len(b) > 6 {
		if o.serial = number48(b[6:]); o.serial == 0 {
			return offset{}, false, false
		}
	}
	return o, text[:epochText] == string(e[:]), true
}

func number48(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}
