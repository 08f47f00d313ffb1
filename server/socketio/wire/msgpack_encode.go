package wire

import (
	"bytes"
	"strconv"
	"sync"

	"github.com/tinylib/msgp/msgp"
)

// MessagePack says before an array or map how many elements it has, and JSON does not. So a value is walked twice:
// first the elements of each array and object are counted, in the order in which these begin, and then all is
// written in one pass. Both are loops over tokens, whatever is nested in what.

// sizes are the numbers of elements of a value's arrays and objects.
type sizes struct {
	counts []uint32
	open   []int32 // of those that have not ended: which count is theirs
}

var sizesPool = sync.Pool{New: func() any { return new(sizes) }}

// maxPooledSizes is how many counts a pooled sizes may hold: arrays are rarely in the thousands.
const maxPooledSizes = 1 << 12

func (s *sizes) release() {
	if cap(s.counts) <= maxPooledSizes && cap(s.open) <= maxPooledSizes {
		s.counts, s.open = s.counts[:0], s.open[:0]
		sizesPool.Put(s)
	}
}

// take counts the elements in checked JSON. Holes are not looked into.
func (s *sizes) take(b []byte, holes []hole) {
	for i := 0; i < len(b); {
		if len(holes) > 0 && holes[0].start == i {
			i, holes = holes[0].end, holes[1:]
			continue
		}
		switch b[i] {
		case '"':
			i = skipString(b, i)
			continue
		case '[', '{':
			s.open = append(s.open, int32(len(s.counts)))
			s.counts = append(s.counts, 0)
			if next := b[skipSpace(b, i+1)]; next != ']' && next != '}' {
				s.counts[len(s.counts)-1] = 1
			}
		case ',':
			s.counts[s.open[len(s.open)-1]]++
		case ']', '}':
			s.open = s.open[:len(s.open)-1]
		}
		i++
	}
}

// appendMsgpackValue writes checked JSON, with the attachments in their places.
func appendMsgpackValue(dst, b []byte, attachments [][]byte) []byte {
	var holes []hole
	if len(attachments) > 0 {
		holes, _ = findHoles(b, len(attachments))
	}
	s := sizesPool.Get().(*sizes)
	defer s.release()
	s.take(b, holes)
	container := 0
	for i := 0; i < len(b); {
		if len(holes) > 0 && holes[0].start == i {
			dst = msgp.AppendBytes(dst, attachments[holes[0].num])
			i, holes = holes[0].end, holes[1:]
			continue
		}
		switch b[i] {
		case '[':
			dst = msgp.AppendArrayHeader(dst, s.counts[container])
			container++
			i++
		case '{':
			dst = msgp.AppendMapHeader(dst, s.counts[container])
			container++
			i++
		case ']', '}', ',', ':', ' ', '\n', '\t', '\r':
			i++
		case '"':
			end := skipString(b, i)
			dst = appendMsgpackString(dst, b[i:end])
			i = end
		default:
			end := skipScalar(b, i)
			dst = appendMsgpackScalar(dst, b[i:end])
			i = end
		}
	}
	return dst
}

func appendMsgpackString(dst, raw []byte) []byte {
	if content := raw[1 : len(raw)-1]; !hasEscape(content) {
		return msgp.AppendStringFromBytes(dst, content)
	}
	return msgp.AppendString(dst, unquote(raw))
}

func appendMsgpackScalar(dst, raw []byte) []byte {
	switch raw[0] {
	case 't':
		return msgp.AppendBool(dst, true)
	case 'f':
		return msgp.AppendBool(dst, false)
	case 'n':
		return msgp.AppendNil(dst)
	}
	return appendMsgpackNumber(dst, raw)
}

func appendMsgpackNumber(dst, raw []byte) []byte {
	if len(raw) <= 20 && !bytes.ContainsAny(raw, ".eE") {
		if i, err := strconv.ParseInt(string(raw), 10, 64); err == nil && (i != 0 || raw[0] != '-') {
			return msgp.AppendInt64(dst, i)
		}
		if u, err := strconv.ParseUint(string(raw), 10, 64); err == nil {
			return msgp.AppendUint64(dst, u)
		}
	}
	f, _ := strconv.ParseFloat(string(raw), 64) // what is out of range becomes infinite, as for JSON.parse
	return msgp.AppendFloat64(dst, f)
}
