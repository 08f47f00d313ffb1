package wire

import (
	"bytes"
	"strconv"
)

// Binary is a binary value. Emitted alone or anywhere inside a Go value it goes out as an attachment, as bytes, even
// when it is empty; a plain []byte does so only as an argument of its own, and is base64 text inside a
// value, as encoding/json has it. A value whose type brings its own MarshalJSON or MarshalText is left
// to that. A Binary is not copied: don't change it after it was handed over.
type Binary []byte

// A hole is a place in a packet's JSON where an attachment belongs: an object {"_placeholder":true,"num":N}
// (Socket.IO protocol 5, "Packet encoding").
type hole struct {
	start, end int // of the object
	num        int // of the attachment
}

// findHoles returns the holes of checked JSON in their order. An object is a hole when its
// member _placeholder is true, whatever else it has; then num must be the number of an attachment, in
// digits, else the packet is refused (CVE-2022-2421). Two holes may name the same attachment.
func findHoles(b []byte, attachments int) ([]hole, error) {
	s := holeScanner{b: b, attachments: attachments}
	s.value(skipSpace(b, 0))
	if s.unfilled {
		return nil, errHole
	}
	return s.holes, nil
}

// A holeScanner walks checked JSON and looks at every member _placeholder.
type holeScanner struct {
	b           []byte
	attachments int
	holes       []hole
	members     int  // that some client takes for the mark of a hole, those inside of other holes included
	literals    int  // of these: in objects that are no holes
	unfilled    bool // a hole names no attachment
}

func (s *holeScanner) value(i int) (end int) {
	switch s.b[i] {
	case '[':
		return s.array(i)
	case '{':
		return s.object(i)
	}
	return skipValue(s.b, i)
}

func (s *holeScanner) array(i int) (end int) {
	i = skipSpace(s.b, i+1)
	for s.b[i] != ']' {
		i = s.next(s.value(i))
	}
	return i + 1
}

// next returns the start of the next element, or the bracket, after an element that ended at i.
func (s *holeScanner) next(i int) int {
	if i = skipSpace(s.b, i); s.b[i] == ',' {
		i = skipSpace(s.b, i+1)
	}
	return i
}

// object replaces the holes and literals found inside of it when it turns out to be a hole itself. Of members
// with the same name the last one counts, as for JSON.parse.
func (s *holeScanner) object(start int) (end int) {
	outer, literals := len(s.holes), s.literals
	isHole, marks, num := false, 0, -1
	i := skipSpace(s.b, start+1)
	for s.b[i] != '}' {
		keyEnd := skipString(s.b, i)
		key := s.b[i:keyEnd]
		from := skipSpace(s.b, skipSpace(s.b, keyEnd)+1)
		i = s.value(from)
		switch raw := s.b[from:i]; {
		case keyIs(key, "_placeholder"):
			isHole = string(raw) == "true"
			if !falsy(raw) {
				marks++
			}
		case keyIs(key, "num"):
			num = s.number(raw)
		}
		i = s.next(i)
	}
	s.members += marks
	switch {
	case isHole && num >= 0:
		s.holes, s.literals = append(s.holes[:outer], hole{start, i + 1, num}), literals
	case isHole:
		s.unfilled = true
		s.literals += marks
	default:
		s.literals += marks
	}
	return i + 1
}

// falsy reports whether no client takes a member _placeholder of this value for the mark of a hole: those before
// Socket.IO 2.5 and 4.1 take every value that JavaScript counts as true.
func falsy(raw []byte) bool {
	switch string(raw) {
	case "false", "null", "0", `""`:
		return true
	}
	return false
}

// number returns the attachment that raw names, or -1.
func (s *holeScanner) number(raw []byte) int {
	if len(raw) > 9 || raw[0] == '-' {
		return -1
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n >= s.attachments {
		return -1
	}
	return n
}

func keyIs(key []byte, name string) bool {
	if !hasEscape(key) {
		return string(key[1:len(key)-1]) == name
	}
	return unquote(key) == name
}

// hasHoles reports whether any attachment belongs in checked JSON that was accepted in a packet with
// that many attachments. Most arguments of binary packets have none and are told without a walk.
func hasHoles(b []byte, attachments int) bool {
	if attachments == 0 || bytes.IndexByte(b, '{') < 0 {
		return false
	}
	holes, _ := findHoles(b, attachments)
	return len(holes) > 0
}

var placeholder = []byte("_placeholder")

// mayMark reports whether there may be members _placeholder in JSON, apart from the holes that are known. A name
// can be written with escapes, too.
func mayMark(b []byte, holes int) bool {
	return bytes.Count(b, placeholder) != holes || bytes.Contains(b, []byte(`\u`))
}

// onlyHoles reports whether the packet's array has no members _placeholder but those of the holes that were
// written: clients would put an attachment in the place of every other, or refuse the packet and disconnect.
func onlyHoles(b []byte, holes int) bool {
	if !mayMark(b, holes) {
		return true
	}
	s := holeScanner{b: b}
	s.value(0)
	return s.members == holes
}
