package socketio

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
	_, err := s.value(skipSpace(b, 0))
	return s.holes, err
}

type holeScanner struct {
	b           []byte
	attachments int
	holes       []hole
}

func (s *holeScanner) value(i int) (end int, err error) {
	switch s.b[i] {
	case '[':
		return s.array(i)
	case '{':
		return s.object(i)
	}
	return skipValue(s.b, i), nil
}

func (s *holeScanner) array(i int) (end int, err error) {
	i = skipSpace(s.b, i+1)
	for s.b[i] != ']' {
		if i, err = s.value(i); err != nil {
			return i, err
		}
		i = s.next(i)
	}
	return i + 1, nil
}

// next returns the start of the next element, or the bracket, after an element that ended at i.
func (s *holeScanner) next(i int) int {
	if i = skipSpace(s.b, i); s.b[i] == ',' {
		i = skipSpace(s.b, i+1)
	}
	return i
}

// object replaces the holes found inside of it when it turns out to be one itself. Of members with the
// same name the last one counts, as for JSON.parse.
func (s *holeScanner) object(start int) (end int, err error) {
	outer, isHole, num := len(s.holes), false, -1
	i := skipSpace(s.b, start+1)
	for s.b[i] != '}' {
		keyEnd := skipString(s.b, i)
		key := s.b[i:keyEnd]
		i = skipSpace(s.b, skipSpace(s.b, keyEnd)+1)
		valueStart := i
		if i, err = s.value(i); err != nil {
			return i, err
		}
		switch {
		case keyIs(key, "_placeholder"):
			isHole = string(s.b[valueStart:i]) == "true"
		case keyIs(key, "num"):
			num = s.number(s.b[valueStart:i])
		}
		i = s.next(i)
	}
	if isHole {
		if num < 0 {
			return i, errPlaceholder
		}
		s.holes = append(s.holes[:outer], hole{start, i + 1, num})
	}
	return i + 1, nil
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

// appendHole appends a placeholder as the reference writes it.
func appendHole(dst []byte, num int) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	dst = strconv.AppendInt(dst, int64(num), 10)
	return append(dst, '}')
}
