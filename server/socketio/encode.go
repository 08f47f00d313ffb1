package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"
)

// The append functions write the text of one Socket.IO packet behind dst (Socket.IO protocol 5,
// "Format"). The attachments that follow it as binary messages share memory with the arguments. After an
// error dst is as it was.
//
// Go values are written as json.Marshal would, without its HTML escapes. A json.RawMessage is
// checked and copied as it is, not compacted: what it came from was compact, or nobody minds. What is
// not UTF-8 in strings becomes U+FFFD, in raw messages it is an error.

var errRawMessage = errors.New("socketio: json.RawMessage is not valid JSON in UTF-8")

// maxRawDepth is the depth to which encoding/json reads.
const maxRawDepth = 10_000

// appendEvent writes an EVENT, or a BINARY_EVENT when there are attachments.
func appendEvent(dst []byte, namespace string, id uint64, hasID bool, event string, args []any) (text []byte, attachments [][]byte, err error) {
	if reservedEvent(event) {
		return dst, nil, fmt.Errorf("socketio: the event name %q is reserved", event)
	}
	text = appendHeader(dst, packetEvent, namespace, id, hasID)
	text = append(text, '[')
	text = appendString(text, event)
	if len(args) > 0 {
		text = append(text, ',')
	}
	text, attachments, err = appendArgs(text, args)
	if err != nil {
		return dst, nil, fmt.Errorf("socketio: event %q: %w", event, err)
	}
	return withAttachments(text, len(dst), len(attachments)), attachments, nil
}

// appendAck writes an ACK, or a BINARY_ACK when there are attachments.
func appendAck(dst []byte, namespace string, id uint64, args []any) (text []byte, attachments [][]byte, err error) {
	text = appendHeader(dst, packetAck, namespace, id, true)
	text = append(text, '[')
	text, attachments, err = appendArgs(text, args)
	if err != nil {
		return dst, nil, fmt.Errorf("socketio: acknowledgement: %w", err)
	}
	return withAttachments(text, len(dst), len(attachments)), attachments, nil
}

// appendConnect writes a CONNECT; data is an object in JSON, or nil for clients on EIO 3.
func appendConnect(dst []byte, namespace string, data []byte) []byte {
	return append(appendHeader(dst, packetConnect, namespace, 0, false), data...)
}

// appendConnectError writes a CONNECT_ERROR; data is an object in JSON, or for clients on EIO 3 a string.
func appendConnectError(dst []byte, namespace string, data []byte) []byte {
	return append(appendHeader(dst, packetConnectError, namespace, 0, false), data...)
}

// appendDisconnect writes a DISCONNECT.
func appendDisconnect(dst []byte, namespace string) []byte {
	return appendHeader(dst, packetDisconnect, namespace, 0, false)
}

func appendHeader(dst []byte, kind packetType, namespace string, id uint64, hasID bool) []byte {
	dst = append(dst, kind.digit())
	if namespace != "/" && namespace != "" {
		dst = append(dst, namespace...)
		dst = append(dst, ',')
	}
	if hasID {
		dst = strconv.AppendUint(dst, id, 10)
	}
	return dst
}

// withAttachments makes the packet that starts at start a binary one if anything is attached. Their number
// stands before the arguments but is known only after them; most packets have none and need not be
// moved.
func withAttachments(text []byte, start, count int) []byte {
	if count == 0 {
		return text
	}
	text[start] += packetBinaryEvent.digit() - packetEvent.digit() // the same from ACK to BINARY_ACK
	var digits [20]byte
	return slices.Insert(text, start+1, append(strconv.AppendInt(digits[:0], int64(count), 10), '-')...)
}

// appendArgs writes args with commas between them, and the bracket that closes the list.
func appendArgs(dst []byte, args []any) (_ []byte, attachments [][]byte, err error) {
	for i, arg := range args {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, attachments, err = appendValue(dst, attachments, arg); err != nil {
			return dst, nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return append(dst, ']'), attachments, nil
}

func appendValue(dst []byte, attachments [][]byte, v any) ([]byte, [][]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), attachments, nil
	case Arg:
		dst, attachments = appendArg(dst, attachments, v)
		return dst, attachments, nil
	case string:
		return appendString(dst, v), attachments, nil
	case Binary:
		return appendHole(dst, len(attachments)), append(attachments, v), nil
	case []byte:
		return appendHole(dst, len(attachments)), append(attachments, v), nil
	case json.RawMessage:
		dst, err := appendRaw(dst, v)
		return dst, attachments, err
	case bool:
		return strconv.AppendBool(dst, v), attachments, nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), attachments, nil
	case int64:
		return strconv.AppendInt(dst, v, 10), attachments, nil
	}
	return appendGoValue(dst, attachments, v)
}

func appendRaw(dst []byte, raw json.RawMessage) ([]byte, error) {
	if raw == nil {
		return append(dst, "null"...), nil
	}
	if !utf8.Valid(raw) || !validJSON(raw, maxRawDepth) {
		return dst, errRawMessage
	}
	return append(dst, raw...), nil
}

// appendArg passes an argument on unread. Its placeholders get new numbers, behind the attachments that are
// there already; one that it names twice is still sent once.
func appendArg(dst []byte, attachments [][]byte, a Arg) ([]byte, [][]byte) {
	holes := a.holes()
	if len(holes) == 0 {
		return append(dst, a.JSON()...), attachments
	}
	base, from := len(attachments), 0
	var sent []int // sent[i] is a's number of attachment base+i
	for _, h := range holes {
		i := slices.Index(sent, h.num)
		if i < 0 {
			i = len(sent)
			sent = append(sent, h.num)
			attachments = append(attachments, a.attachments[h.num])
		}
		dst = append(dst, a.raw[from:h.start]...)
		dst = appendHole(dst, base+i)
		from = h.end
	}
	return append(dst, a.raw[from:]...), attachments
}

// appendGoValue writes what encoding/json has to write.
func appendGoValue(dst []byte, attachments [][]byte, v any) ([]byte, [][]byte, error) {
	parts, v := takeParts(v)
	if parts == nil {
		dst, err := appendJSON(dst, v)
		return dst, attachments, err
	}
	text, err := appendJSON(nil, v)
	if err != nil {
		return dst, attachments, err
	}
	dst, attachments = parts.putBack(dst, attachments, text)
	return dst, attachments, nil
}

// jsonWriter lets a json.Encoder write straight behind a packet's text, without a copy between.
type jsonWriter struct {
	dst     []byte
	encoder *json.Encoder
}

func (w *jsonWriter) Write(b []byte) (int, error) {
	w.dst = append(w.dst, b...)
	return len(b), nil
}

var jsonWriters = sync.Pool{New: func() any {
	w := new(jsonWriter)
	w.encoder = json.NewEncoder(w)
	w.encoder.SetEscapeHTML(false)
	return w
}}

func appendJSON(dst []byte, v any) ([]byte, error) {
	w := jsonWriters.Get().(*jsonWriter)
	defer jsonWriters.Put(w)
	w.dst = dst
	err := w.encoder.Encode(v)
	text := w.dst
	w.dst = nil
	if err != nil {
		return dst, err
	}
	return text[:len(text)-1], nil // Encode ends with a newline
}

// appendASCII appends a packet's text with all beyond ASCII in its JSON escaped. It means the same, and is
// what every client on EIO 3 reads alike: those of Socket.IO 1.x decode polled text as UTF-8 twice, 1.0 all text.
// Text that is ASCII already is copied as it is.
func appendASCII(dst, text []byte) []byte {
	from := payloadStart(text)
	dst = append(dst, text[:from]...)
	for i := from; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		dst = append(dst, text[from:i]...)
		r, size := utf8.DecodeRune(text[i:])
		dst = appendUnicodeEscape(dst, r)
		i += size
		from = i
	}
	return append(dst, text[from:]...)
}

// payloadStart returns the end of the header's namespace, or 0 when there is none: in a namespace
// there are no escapes.
func payloadStart(text []byte) int {
	i := 1
	for i < len(text) && ('0' <= text[i] && text[i] <= '9' || text[i] == '-') {
		i++
	}
	if i >= len(text) || text[i] != '/' {
		return 0
	}
	if comma := bytes.IndexByte(text, ','); comma >= 0 {
		return comma
	}
	return len(text)
}

func appendUnicodeEscape(dst []byte, r rune) []byte {
	if r >= 0x10000 {
		r -= 0x10000
		dst = appendUnicodeEscape(dst, 0xd800+r>>10)
		r = 0xdc00 + r&0x3ff
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
