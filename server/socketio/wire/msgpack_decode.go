package wire

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// A msgpackReader turns MessagePack into JSON as it reads. It allocates for what has been read, never for what a
// header announces.
type msgpackReader struct {
	rest        []byte // not yet read
	limits      *Limits
	text        []byte
	attachments [][]byte
	marked      bool // there is a key "_placeholder"
}

// value writes the next value, with at most depth nested arrays and objects.
func (r *msgpackReader) value(depth int) (err error) {
	if len(r.rest) == 0 {
		return errMsgpack
	}
	if isExtension(r.rest[0]) {
		err = r.extension(depth)
	} else {
		err = r.plainValue(depth)
	}
	if err == nil && r.limits.MaxText > 0 && len(r.text) > r.limits.MaxText {
		return ErrText
	}
	return err
}

func (r *msgpackReader) plainValue(depth int) (err error) {
	switch msgp.NextType(r.rest) {
	case msgp.StrType:
		return r.quoted()
	case msgp.IntType, msgp.UintType:
		return r.integer()
	case msgp.Float64Type:
		var f float64
		f, r.rest, err = msgp.ReadFloat64Bytes(r.rest)
		r.float(f)
	case msgp.Float32Type:
		var f float32
		f, r.rest, err = msgp.ReadFloat32Bytes(r.rest)
		r.float(float64(f))
	case msgp.BoolType:
		var is bool
		is, r.rest, err = msgp.ReadBoolBytes(r.rest)
		r.text = strconv.AppendBool(r.text, is)
	case msgp.NilType:
		r.rest = r.rest[1:]
		r.text = append(r.text, null...)
	case msgp.BinType:
		var b []byte
		if b, r.rest, err = msgp.ReadBytesZC(r.rest); err == nil {
			return r.attach(b)
		}
	case msgp.ArrayType:
		return r.array(depth)
	case msgp.MapType:
		return r.object(depth)
	default:
		return errMsgpack
	}
	if err != nil {
		return errMsgpack
	}
	return nil
}

func (r *msgpackReader) array(depth int) error {
	n, rest, err := msgp.ReadArrayHeaderBytes(r.rest)
	switch {
	case err != nil:
		return errMsgpack
	case depth == 0:
		return ErrDepth
	}
	r.rest = rest
	r.text = append(r.text, '[')
	for i := range n {
		if i > 0 {
			r.text = append(r.text, ',')
		}
		if err := r.value(depth - 1); err != nil {
			return err
		}
	}
	r.text = append(r.text, ']')
	return nil
}

func (r *msgpackReader) object(depth int) error {
	n, rest, err := msgp.ReadMapHeaderBytes(r.rest)
	switch {
	case err != nil:
		return errMsgpack
	case depth == 0:
		return ErrDepth
	}
	r.rest = rest
	r.text = append(r.text, '{')
	first := len(r.text)
	for range n {
		start := len(r.text)
		if start > first {
			r.text = append(r.text, ',')
		}
		if err := r.key(); err != nil {
			return err
		}
		if r.skipUndefined() {
			r.text = r.text[:start]
			continue
		}
		r.text = append(r.text, ':')
		if err := r.value(depth - 1); err != nil {
			return err
		}
	}
	r.text = append(r.text, '}')
	return nil
}

func (r *msgpackReader) key() error {
	if len(r.rest) == 0 {
		return errMsgpack
	}
	switch msgp.NextType(r.rest) {
	case msgp.StrType:
		start := len(r.text)
		if err := r.quoted(); err != nil {
			return err
		}
		r.marked = r.marked || keyIs(r.text[start:], "_placeholder")
		return nil
	case msgp.IntType, msgp.UintType:
		r.text = append(r.text, '"')
		err := r.integer()
		r.text = append(r.text, '"')
		return err
	}
	return errKey
}

// str returns the next string, which is part of the message.
func (r *msgpackReader) str() ([]byte, error) {
	s, rest, err := msgp.ReadStringZC(r.rest)
	if err != nil {
		return nil, errMsgpack
	}
	if !utf8.Valid(s) {
		return nil, errInvalidUTF8
	}
	r.rest = rest
	return s, nil
}

func (r *msgpackReader) quoted() error {
	s, err := r.str()
	if err == nil {
		r.text = appendString(r.text, string(s))
	}
	return err
}

func (r *msgpackReader) integer() error {
	if i, rest, err := msgp.ReadInt64Bytes(r.rest); err == nil {
		r.text, r.rest = strconv.AppendInt(r.text, i, 10), rest
		return nil
	}
	u, rest, err := msgp.ReadUint64Bytes(r.rest)
	if err != nil {
		return errMsgpack
	}
	r.text, r.rest = strconv.AppendUint(r.text, u, 10), rest
	return nil
}

// float writes a number as JSON.stringify does, but for -0, which stays what it is.
func (r *msgpackReader) float(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		r.text = append(r.text, null...)
		return
	}
	abs := math.Abs(f)
	if abs == 0 || abs >= 1e-6 && abs < 1e21 {
		r.text = strconv.AppendFloat(r.text, f, 'f', -1, 64)
		return
	}
	r.text = strconv.AppendFloat(r.text, f, 'e', -1, 64)
	if n := len(r.text); string(r.text[n-4:n-1]) == "e-0" { // e-07 is e-7 in JavaScript
		r.text[n-2] = r.text[n-1]
		r.text = r.text[:n-1]
	}
}

// attach writes the place of an attachment.
func (r *msgpackReader) attach(b []byte) error {
	if len(r.attachments) == r.limits.MaxAttachments {
		return ErrManyAttachments
	}
	r.text = appendHole(r.text, len(r.attachments))
	r.attachments = append(r.attachments, append(make([]byte, 0, len(b)), b...))
	return nil
}

func isExtension(lead byte) bool { return 0xc7 <= lead && lead <= 0xc9 || 0xd4 <= lead && lead <= 0xd8 }

// extensionHeads are the lengths of what stands before an extension's bytes, its type last.
var extensionHeads = map[byte]int{0xc7: 3, 0xc8: 4, 0xc9: 6, 0xd4: 2, 0xd5: 2, 0xd6: 2, 0xd7: 2, 0xd8: 2}

// extension writes what notepack.io reads of an extension, which the next value is.
func (r *msgpackReader) extension(depth int) error {
	rest, err := msgp.Skip(r.rest)
	if err != nil {
		return errMsgpack
	}
	lead, head := r.rest[0], extensionHeads[r.rest[0]]
	kind, b := int8(r.rest[head-1]), r.rest[head:len(r.rest)-len(rest)]
	r.rest = rest
	switch {
	case kind != 0 || lead == 0xd5 || lead == 0xd6 || lead == 0xd8:
		return r.unknownExtension(depth, kind, b)
	case lead == 0xd4: // undefined
		r.text = append(r.text, null...)
		return nil
	case lead == 0xd7:
		r.date(int64(binary.BigEndian.Uint64(b)))
		return nil
	default: // an ArrayBuffer
		return r.attach(b)
	}
}

func (r *msgpackReader) unknownExtension(depth int, kind int8, b []byte) error {
	if depth == 0 {
		return ErrDepth
	}
	r.text = append(strconv.AppendInt(append(r.text, '['), int64(kind), 10), ',')
	err := r.attach(b)
	r.text = append(r.text, ']')
	return err
}

// lastDate is the last time that a Date in JavaScript holds, in milliseconds since 1970; the first is as far away.
const lastDate = 8_640_000_000_000_000

// date writes a time as Date.prototype.toJSON does.
func (r *msgpackReader) date(ms int64) {
	if ms < -lastDate || ms > lastDate {
		r.text = append(r.text, null...)
		return
	}
	t := time.UnixMilli(ms).UTC()
	r.text = append(r.text, '"')
	switch year := t.Year(); {
	case year < 0:
		r.text = appendYear(append(r.text, '-'), -year)
	case year > 9999:
		r.text = appendYear(append(r.text, '+'), year)
	default:
		r.text = t.AppendFormat(r.text, "2006")
	}
	r.text = append(t.AppendFormat(r.text, "-01-02T15:04:05.000Z"), '"')
}

// appendYear appends a year in six digits.
func appendYear(dst []byte, year int) []byte {
	return append(dst, strconv.Itoa(1_000_000 + year)[1:]...)
}

var undefined = []byte{0xd4, 0}

// skipUndefined passes over the next value if it is undefined.
func (r *msgpackReader) skipUndefined() bool {
	if len(r.rest) < 3 || !bytes.HasPrefix(r.rest, undefined) {
		return false
	}
	r.rest = r.rest[3:]
	return true
}

// skipAbsent passes over the next value if it is undefined or nil: notepack.io and clients in Python write members
// of a packet that it does not have.
func (r *msgpackReader) skipAbsent() bool {
	if msgp.IsNil(r.rest) {
		r.rest = r.rest[1:]
		return true
	}
	return r.skipUndefined()
}

// skip passes over the next value, however deep it is nested.
func (r *msgpackReader) skip() error {
	for left := uint64(1); left > 0; left-- {
		var n uint32
		var err error
		switch msgp.NextType(r.rest) {
		case msgp.ArrayType:
			n, r.rest, err = msgp.ReadArrayHeaderBytes(r.rest)
			left += uint64(n)
		case msgp.MapType:
			n, r.rest, err = msgp.ReadMapHeaderBytes(r.rest)
			left += 2 * uint64(n)
		default:
			r.rest, err = msgp.Skip(r.rest)
		}
		if err != nil {
			return errMsgpack
		}
	}
	return nil
}
