package socketio

import (
	"crypto/rand"
	"encoding/base64"
)

// An offset is a client's place among the events that the server has ordered: text of a fixed width that names this life of
// the server and a number that grows with each event. It stands behind an event's arguments, and a client that comes back
// shows the last one that it has seen.
//
// The widths are those that base64 makes of whole groups. A number of 48 bits lasts nine years at a million events a
// second; that two lives draw the same 36 bits would do no more harm than that one client is told it is new.
const (
	epochText  = 6
	numberText = 8
	offsetText = epochText + numberText
	offsetRoom = offsetText + len(`,""`) // what it adds to a packet
)

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
	b := [6]byte{byte(number >> 40), byte(number >> 32), byte(number >> 24), byte(number >> 16), byte(number >> 8), byte(number)}
	text = append(text[:len(text)-1], `,"`...)
	text = append(text, e[:]...)
	text = base64.RawURLEncoding.AppendEncode(text, b[:])
	return append(text, `"]`...)
}

// parse reads an offset; own: it is of this life.
func (e *epoch) parse(text string) (number uint64, own, ok bool) {
	if len(text) != offsetText {
		return 0, false, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text[epochText:])
	if err != nil || len(b) != 6 {
		return 0, false, false
	}
	for _, c := range b {
		number = number<<8 | uint64(c)
	}
	return number, text[:epochText] == string(e[:]), true
}

// endsInText says whether the last element of the array that a packet ends with is a string, which a client would take for an
// offset.
func endsInText(packet []byte) bool { return packet[len(packet)-2] == '"' }
