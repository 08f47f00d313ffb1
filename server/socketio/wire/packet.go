package wire

import (
	"bytes"
	"unicode/utf8"
)

// Type is the first digit of a Socket.IO packet (Socket.IO protocol 5, "Format").
type Type byte

// Types.
const (
	Connect Type = iota
	Disconnect
	Event
	Ack
	ConnectError
	BinaryEvent
	BinaryAck
)

func (t Type) digit() byte { return '0' + byte(t) }

func (t Type) binary() bool { return t == BinaryEvent || t == BinaryAck }

// A Packet is one decoded packet. Its bytes are parts of the message that it came in.
type Packet struct {
	Type        Type
	Namespace   string // "/" when the packet names none; with EIO 3 a CONNECT's may carry a query
	ID          uint64 // of the acknowledgement that is asked for or given
	HasID       bool
	Attachments int    // binary messages that follow; 1 or more in BINARY_EVENT and BINARY_ACK, else 0
	Data        []byte // checked JSON, or nil when there is none

	Event    string // of EVENT and BINARY_EVENT: the first element of Data
	elements int    // of arrays: how many
}

// IsEvent says that p is an event, with or without attachments.
func (p *Packet) IsEvent() bool { return p.Type == Event || p.Type == BinaryEvent }

// IsAck says that p is an acknowledgement, with or without attachments.
func (p *Packet) IsAck() bool { return p.Type == Ack || p.Type == BinaryAck }

// Limits bound what one packet may ask for.
type Limits struct {
	MaxAttachments int // binary messages that one packet announces (CVE-2026-33151)
	MaxDepth       int // nested arrays and objects
	MaxNamespace   int // bytes of the namespace
	MaxArgs        int // elements of an event or acknowledgement
	MaxEvent       int // bytes of an event's name
	MaxText        int // bytes of JSON that a packet in MessagePack becomes; 0 is any number
}

// DefaultLimits have the reference's limit of attachments. Its other limits have none there:
// a depth of 256 is ten times what people nest by hand and harmless to recursive code; a namespace of
// 8 KiB, the usual limit of a URL, leaves room for the token in an EIO 3 client's query; 16,384
// arguments take 800 kB to list; a name of 256 bytes has room for a path of ids.
var DefaultLimits = Limits{
	MaxAttachments: 10,
	MaxDepth:       256,
	MaxNamespace:   8 << 10,
	MaxArgs:        1 << 14,
	MaxEvent:       256,
}

// Reserved reports whether a name can't be that of an event: such names have a meaning of their own in one of the
// implementations (socket.io-parser, RESERVED_EVENTS).
func Reserved(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}

// Parse decodes the text of a packet. It accepts what the reference's decoder accepts, except:
// numbers in the header must be plain digits, an EVENT must have a payload, placeholders are
// checked at once instead of when their attachments have come, and the limits hold.
func Parse(b []byte, limits *Limits) (p Packet, err error) {
	if len(b) == 0 || b[0] < '0' || b[0] > BinaryAck.digit() {
		return p, errType
	}
	if !utf8.Valid(b) {
		return p, errInvalidUTF8
	}
	p.Type, b = Type(b[0]-'0'), b[1:]
	if p.Type.binary() {
		if p.Attachments, b, err = cutAttachments(b, limits.MaxAttachments); err != nil {
			return p, err
		}
	}
	if p.Namespace, b, err = cutNamespace(b, limits.MaxNamespace); err != nil {
		return p, err
	}
	if p.ID, p.HasID, b, err = cutID(b); err != nil {
		return p, err
	}
	return p, p.parseData(b, limits)
}

// cutAttachments reads "<count>-". Zero is refused: a packet that waits for attachments that never
// come would be kept for ever (CVE-2026-69185).
func cutAttachments(b []byte, limit int) (count int, rest []byte, err error) {
	for i, c := range b {
		switch {
		case c == '-' && count > 0:
			return count, b[i+1:], nil
		case c < '0' || c > '9':
			return 0, nil, errAttachments
		}
		if count = count*10 + int(c-'0'); count > limit {
			return 0, nil, ErrManyAttachments
		}
	}
	return 0, nil, errAttachments
}

// cutNamespace reads "/<name>,"; the comma may be missing at the end of the packet.
func cutNamespace(b []byte, limit int) (name string, rest []byte, err error) {
	if len(b) == 0 || b[0] != '/' {
		return "/", b, nil
	}
	found, rest, _ := bytes.Cut(b, []byte{','})
	switch {
	case len(found) > limit:
		return "", nil, ErrNamespace
	case len(found) == 1:
		return "/", rest, nil
	}
	return string(found), rest, nil
}

func cutID(b []byte) (id uint64, ok bool, rest []byte, err error) {
	for i, c := range b {
		if c < '0' || c > '9' {
			return id, i > 0, b[i:], nil
		}
		digit := uint64(c - '0')
		if id > (1<<64-1-digit)/10 {
			return 0, false, nil, errID
		}
		id = id*10 + digit
	}
	return id, len(b) > 0, nil, nil
}

// parseData checks the payload by the type's rules (socket.io-parser, isPayloadValid).
func (p *Packet) parseData(b []byte, limits *Limits) error {
	if len(b) == 0 {
		if p.IsEvent() || p.Type == BinaryAck {
			return errPayload
		}
		return nil
	}
	switch p.Type {
	case Disconnect:
		return errPayload
	case Connect, ConnectError:
		return p.parseAuth(b, limits)
	}
	return p.parseArray(b, limits)
}

// parseAuth takes the object of a CONNECT, or the object or string of a CONNECT_ERROR.
func (p *Packet) parseAuth(b []byte, limits *Limits) error {
	b = trimSpace(b)
	text := len(b) > 0 && b[0] == '"' && p.Type == ConnectError
	if !text && (len(b) == 0 || b[0] != '{') {
		return errPayload
	}
	if !validJSON(b, limits.MaxDepth) {
		return whyInvalid(b, limits)
	}
	p.Data, _ = portable(b)
	return nil
}

func (p *Packet) parseArray(b []byte, limits *Limits) error {
	b = trimSpace(b)
	if len(b) == 0 || b[0] != '[' {
		return errPayload
	}
	var err error
	if p.elements, err = checkElements(b, limits); err == errPayload {
		return whyInvalid(b, limits)
	} else if err != nil {
		return err
	}
	p.Data = b
	if p.IsEvent() {
		if err := p.parseEvent(); err != nil {
			return err
		}
		if len(p.Event) > limits.MaxEvent {
			return ErrLongEvent
		}
	}
	if p.Type.binary() {
		_, err = findHoles(b, p.Attachments)
	}
	return err
}

// checkElements checks the array that b is and counts its elements.
func checkElements(b []byte, limits *Limits) (count int, err error) {
	i, ok := skipSpace(b, 1), true
	if limits.MaxDepth == 0 || i == len(b) {
		return 0, errPayload
	}
	if b[i] == ']' {
		if i+1 < len(b) {
			return 0, errPayload
		}
		return 0, nil
	}
	for count = 1; ; count++ {
		if count > limits.MaxArgs {
			return 0, ErrManyArgs
		}
		if i, ok = checkValue(b, i, limits.MaxDepth-1); !ok {
			return 0, errPayload
		}
		i = skipSpace(b, i)
		if i == len(b)-1 && b[i] == ']' {
			return count, nil
		}
		if i >= len(b) || b[i] != ',' {
			return 0, errPayload
		}
		i = skipSpace(b, i+1)
	}
}

// parseEvent takes the first element for the event's name: a string that is not reserved, or a number.
func (p *Packet) parseEvent() error {
	if p.elements == 0 {
		return errEventName
	}
	first := skipSpace(p.Data, 1)
	raw := p.Data[first:skipValue(p.Data, first)]
	switch c := raw[0]; {
	case c == '"':
		if p.Event = unquote(raw); Reserved(p.Event) {
			return errEventName
		}
		return nil
	case c == '-' || '0' <= c && c <= '9':
		name, ok := numberName(raw)
		if !ok {
			return errEventName
		}
		p.Event = name
		return nil
	}
	return errEventName
}

// trimSpace drops the white space that JSON knows from both ends.
func trimSpace(b []byte) []byte { return bytes.Trim(b, " \n\t\r") }

// Args returns the arguments of an event (what follows the name) or of an acknowledgement, with the
// attachments of a binary packet. They lie in room if they fit in there, or else in one allocation.
func (p *Packet) Args(room Args, attachments [][]byte) Args {
	skip := 0
	if p.IsEvent() {
		skip = 1
	}
	if p.elements <= skip {
		return nil
	}
	args := room
	if n := p.elements - skip; n > cap(args) {
		args = make(Args, 0, n)
	}
	for n, i := 0, 1; n < p.elements; n++ {
		start := skipSpace(p.Data, i)
		end := skipValue(p.Data, start)
		if n >= skip {
			args = append(args, newArg(p.Data[start:end:end], attachments))
		}
		i = skipSpace(p.Data, end) + 1 // the comma, or the bracket after the last
	}
	return args
}
