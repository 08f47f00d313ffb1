package wire

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

// The Append functions write the text of one Socket.IO packet behind dst (Socket.IO protocol 5,
// "Format"). The attachments that follow it as binary messages share memory with the arguments. After an
// error dst is as it was.
//
// Go values are written as json.Marshal would, without its HTML escapes. A json.RawMessage is
// checked and copied as it is, not compacted: what it came from was compact, or nobody minds. What is
// not UTF-8 in strings becomes U+FFFD, in raw messages it is an error.

var errRawMessage = errors.New("json.RawMessage is not valid JSON in UTF-8")

// maxRawDepth is the depth to which encoding/json reads.
const maxRawDepth = 10_000

// AppendEvent writes an EVENT, or a BINARY_EVENT when there are attachments. An error is ErrPlaceholder, or says
// which argument can't be written.
func AppendEvent(
	dst []byte, namespace string, id uint64, hasID bool, event string, args []any,
) (text []byte, attachments [][]byte, err error) {
	if Reserved(event) {
		return dst, nil, fmt.Errorf("socketio: the event name %q is reserved", event)
	}
	w := writer{text: appendHeader(dst, Event, namespace, id, hasID)}
	w.start = len(w.text)
	w.text = append(w.text, '[')
	w.text = appendString(w.text, event)
	if len(args) > 0 {
		w.text = append(w.text, ',')
	}
	if err := w.args(args); err != nil {
		return dst, nil, fmt.Errorf("socketio: event %q: %w", event, err)
	}
	return withAttachments(w.text, len(dst), len(w.attachments)), w.attachments, nil
}

// AppendAck writes an ACK, or a BINARY_ACK when there are attachments: see AppendEvent.
func AppendAck(dst []byte, namespace string, id uint64, args []any) (text []byte, attachments [][]byte, err error) {
	w := writer{text: appendHeader(dst, Ack, namespace, id, true)}
	w.start = len(w.text)
	w.text = append(w.text, '[')
	if err := w.args(args); err != nil {
		return dst, nil, fmt.Errorf("socketio: acknowledgement: %w", err)
	}
	return withAttachments(w.text, len(dst), len(w.attachments)), w.attachments, nil
}

// AppendConnect writes a CONNECT; data is an object in JSON, or nil for clients on EIO 3.
func AppendConnect(dst []byte, namespace string, data []byte) []byte {
	return append(appendHeader(dst, Connect, namespace, 0, false), data...)
}

// AppendConnectError writes a CONNECT_ERROR; data is an object in JSON, or for clients on EIO 3 a string.
func AppendConnectError(dst []byte, namespace string, data []byte) []byte {
	return append(appendHeader(dst, ConnectError, namespace, 0, false), data...)
}

// AppendDisconnect writes a DISCONNECT.
func AppendDisconnect(dst []byte, namespace string) []byte {
	return appendHeader(dst, Disconnect, namespace, 0, false)
}

func appendHeader(dst []byte, kind Type, namespace string, id uint64, hasID bool) []byte {
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
	text[start] += BinaryEvent.digit() - Event.digit() // the same from ACK to BINARY_ACK
	var digits [20]byte
	return slices.Insert(text, start+1, append(strconv.AppendInt(digits[:0], int64(count), 10), '-')...)
}

// A writer puts one packet together.
type writer struct {
	text        []byte
	start       int // of the payload
	attachments [][]byte
	holes       int // how many places of attachments have been written
}

// args writes args with commas between them, and the bracket that closes the list.
func (w *writer) args(args []any) error {
	for i, arg := range args {
		if i > 0 {
			w.text = append(w.text, ',')
		}
		if err := w.value(arg); err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	w.text = append(w.text, ']')
	if len(w.attachments) > 0 && !onlyHoles(w.text[w.start:], w.holes) {
		return ErrPlaceholder
	}
	return nil
}

func (w *writer) value(v any) (err error) {
	switch v := v.(type) {
	case nil:
		w.text = append(w.text, "null"...)
	case Arg:
		w.arg(v)
	case string:
		w.text = appendString(w.text, v)
	case Binary:
		w.binary(v)
	case []byte:
		w.binary(v)
	case json.RawMessage:
		w.text, err = appendRaw(w.text, v)
	case bool:
		w.text = strconv.AppendBool(w.text, v)
	case int:
		w.text = strconv.AppendInt(w.text, int64(v), 10)
	case int64:
		w.text = strconv.AppendInt(w.text, v, 10)
	default:
		return w.goValue(v)
	}
	return err
}

func appendRaw(dst []byte, raw json.RawMessage) ([]byte, error) {
	if raw == nil {
		return append(dst, "null"...), nil
	}
	if !utf8.Valid(raw) || !validJSON(raw, maxRawDepth) {
		return dst, errRawMessage
	}
	if _, flaw := portable(raw); flaw != nil {
		return dst, flaw
	}
	return append(dst, raw...), nil
}

// binary attaches b, and writes where it belongs.
func (w *writer) binary(b []byte) {
	w.hole(len(w.attachments))
	w.attachments = append(w.attachments, b)
}

// hole writes the place of an attachment as the reference writes it.
func (w *writer) hole(num int) {
	w.holes++
	w.text = appendHole(w.text, num)
}

func appendHole(dst []byte, num int) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	dst = strconv.AppendInt(dst, int64(num), 10)
	return append(dst, '}')
}

// arg passes an argument on unread. Its placeholders get new numbers, behind the attachments that are
// there already; one that it names twice is still sent once.
func (w *writer) arg(a Arg) {
	base, from := len(w.attachments), 0
	var sent []int // sent[i] is a's number of attachment base+i
	for _, h := range a.holes() {
		i := slices.Index(sent, h.num)
		if i < 0 {
			i = len(sent)
			sent = append(sent, h.num)
			w.attachments = append(w.attachments, a.attachments[h.num])
		}
		w.text = append(w.text, a.JSON()[from:h.start]...)
		w.hole(base + i)
		from = h.end
	}
	w.text = append(w.text, a.JSON()[from:]...)
}

// goValue writes what encoding/json has to write.
func (w *writer) goValue(v any) (err error) {
	parts, v := takeParts(v)
	if parts == nil {
		w.text, err = AppendJSON(w.text, v)
		return err
	}
	text, err := AppendJSON(nil, v)
	if err == nil {
		parts.putBack(w, text)
	}
	return err
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

// AppendJSON writes v as encoding/json would, without its HTML escapes. What other languages can't read is an error:
// see Arg.Portable.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	w := jsonWriters.Get().(*jsonWriter)
	defer jsonWriters.Put(w)
	w.dst = dst
	err := w.encoder.Encode(v)
	text := w.dst
	w.dst = nil
	if err != nil {
		return dst, err
	}
	text = text[:len(text)-1] // Encode ends with a newline
	if _, flaw := portable(text[len(dst):]); flaw != nil {
		return dst, flaw // of a json.RawMessage, a json.Number or a Marshaler
	}
	return text, nil
}

// AppendASCII appends a packet's text with all beyond ASCII in its JSON escaped. It means the same, and is
// what every client on EIO 3 reads alike: those of Socket.IO 1.x decode polled text as UTF-8 twice, 1.0 all text.
// Text that is ASCII already is copied as it is.
func AppendASCII(dst, text []byte) []byte {
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
