package socketio

import (
	"bytes"
	"unicode/utf8"
)

// packetType is the first digit of a Socket.IO packet (Socket.IO protocol 5, "Format").
type packetType byte

const (
	packetConnect packetType = iota
	packetDisconnect
	packetEvent
	packetAck
	packetConnectError
	packetBinaryEvent
	packetBinaryAck
)

func (t packetType) digit() byte { return '0' + byte(t) }

func (t packetType) binary() bool { return t == packetBinaryEvent || t == packetBinaryAck }

// packet is one decoded packet. Its bytes are parts of the message that it came in.
type packet struct {
	kind        packetType
	namespace   string // "/" when the packet names none; with EIO 3 a CONNECT's may carry a query
	id          uint64 // of the acknowledgement that is asked for or given
	hasID       bool
	attachments int    // binary messages that follow; 1 or more in BINARY_EVENT and BINARY_ACK, else 0
	data        []byte // checked JSON, or nil when there is none

	event    string // of EVENT and BINARY_EVENT: the first element of data
	elements int    // of arrays: how many
}

// isEvent says that p is an event, with or without attachments.
func (p *packet) isEvent() bool { return p.kind == packetEvent || p.kind == packetBinaryEvent }

// isAck says that p is an acknowledgement, with or without attachments.
func (p *packet) isAck() bool { return p.kind == packetAck || p.kind == packetBinaryAck }

// packetLimits bounds what one packet may ask for.
type packetLimits struct {
	maxAttachments int // binary messages that one packet announces (CVE-2026-33151)
	maxDepth       int // nested arrays and objects
	maxNamespace   int // bytes of the namespace
	maxArgs        int // elements of an event or acknowledgement
	maxEvent       int // bytes of an event's name
}

// defaultPacketLimits has the reference's limit of attachments. Its other limits have none there:
// a depth of 256 is ten times what people nest by hand and harmless to recursive code; a namespace of
// 8 KiB, the usual limit of a URL, leaves room for the token in an EIO 3 client's query; 16,384
// arguments take 800 kB to list; a name of 256 bytes has room for a path of ids.
var defaultPacketLimits = packetLimits{
	maxAttachments: 10,
	maxDepth:       256,
	maxNamespace:   8 << 10,
	maxArgs:        1 << 14,
	maxEvent:       256,
}

// reservedEvents can't be names of events: they have a meaning of their own in one of the
// implementations (socket.io-parser, RESERVED_EVENTS).
func reservedEvent(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}

// parsePacket decodes the text of a packet. It accepts what the reference's decoder accepts, except:
// numbers in the header must be plain digits, an EVENT must have a payload, placeholders are
// checked at once instead of when their attachments have come, and the limits hold.
func parsePacket(b []byte, limits *packetLimits) (p packet, err error) {
	if len(b) == 0 || b[0] < '0' || b[0] > packetBinaryAck.digit() {
		return p, errPacketType
	}
	if !utf8.Valid(b) {
		return p, errInvalidUTF8
	}
	p.kind, b = packetType(b[0]-'0'), b[1:]
	if p.kind.binary() {
		if p.attachments, b, err = cutAttachments(b, limits.maxAttachments); err != nil {
			return p, err
		}
	}
	if p.namespace, b, err = cutNamespace(b, limits.maxNamespace); err != nil {
		return p, err
	}
	if p.id, p.hasID, b, err = cutID(b); err != nil {
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
			return 0, nil, errManyAttachments
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
		return "", nil, errNamespace
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
func (p *packet) parseData(b []byte, limits *packetLimits) error {
	if len(b) == 0 {
		if p.isEvent() || p.kind == packetBinaryAck {
			return errPayload
		}
		return nil
	}
	switch p.kind {
	case packetDisconnect:
		return errPayload
	case packetConnect, packetConnectError:
		return p.parseAuth(b, limits)
	}
	return p.parseArray(b, limits)
}

// parseAuth takes the object of a CONNECT, or the object or string of a CONNECT_ERROR.
func (p *packet) parseAuth(b []byte, limits *packetLimits) error {
	b = trimSpace(b)
	text := len(b) > 0 && b[0] == '"' && p.kind == packetConnectError
	if !text && (len(b) == 0 || b[0] != '{') {
		return errPayload
	}
	if !validJSON(b, limits.maxDepth) {
		return whyInvalid(b, limits)
	}
	p.data = b
	return nil
}

func (p *packet) parseArray(b []byte, limits *packetLimits) error {
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
	p.data = b
	if p.isEvent() {
		if err := p.parseEvent(); err != nil {
			return err
		}
		if len(p.event) > limits.maxEvent {
			return errLongEvent
		}
	}
	if p.kind.binary() {
		_, err = findHoles(b, p.attachments)
	}
	return err
}

// checkElements checks the array that b is and counts its elements.
func checkElements(b []byte, limits *packetLimits) (count int, err error) {
	i, ok := skipSpace(b, 1), true
	if limits.maxDepth == 0 || i == len(b) {
		return 0, errPayload
	}
	if b[i] == ']' {
		if i+1 < len(b) {
			return 0, errPayload
		}
		return 0, nil
	}
	for count = 1; ; count++ {
		if count > limits.maxArgs {
			return 0, errManyArgs
		}
		if i, ok = checkValue(b, i, limits.maxDepth-1); !ok {
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
func (p *packet) parseEvent() error {
	if p.elements == 0 {
		return errEventName
	}
	first := skipSpace(p.data, 1)
	raw := p.data[first:skipValue(p.data, first)]
	switch c := raw[0]; {
	case c == '"':
		if p.event = unquote(raw); reservedEvent(p.event) {
			return errEventName
		}
		return nil
	case c == '-' || '0' <= c && c <= '9':
		name, ok := numberName(raw)
		if !ok {
			return errEventName
		}
		p.event = name
		return nil
	}
	return errEventName
}

// trimSpace drops the white space that JSON knows from both ends.
func trimSpace(b []byte) []byte { return bytes.Trim(b, " \n\t\r") }

// splitArgs returns the arguments of an event (what follows the name) or of an acknowledgement, with the
// attachments of a binary packet. They lie in room if they fit in there, or else in one allocation.
func splitArgs(room Args, p *packet, attachments [][]byte) Args {
	skip := 0
	if p.isEvent() {
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
		start := skipSpace(p.data, i)
		end := skipValue(p.data, start)
		if n >= skip {
			args = append(args, newArg(p.data[start:end:end], attachments))
		}
		i = skipSpace(p.data, end) + 1 // the comma, or the bracket after the last
	}
	return args
}
