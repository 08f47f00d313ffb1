package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// ParseMsgpack decodes a packet of a client that uses socket.io-msgpack-parser: one map in MessagePack with the
// members type, nsp, data and id. Other members are ignored, such as the "options" of clients in JavaScript.
//
// The data becomes JSON, and binary values in it become attachments, so that an argument is the same whatever coding
// its sender has. The type is never BinaryEvent or BinaryAck. The attachments are not nil: they and p.Data belong to
// the packet. The limits and checks are those of Parse; Limits.MaxText bounds the JSON. Besides:
//
//   - Integers keep their digits, up to 64 bits. NaN and the infinities become null, as JSON.stringify has them.
//   - Strings must be valid UTF-8. Keys must be strings, or integers, which become strings: dicts in Python have
//     these. Of members with the same key the last one counts, as for JSON.parse.
//   - Extensions are what notepack.io 2.2 makes of them, the coder of that parser. Those of type 0 are undefined,
//     which becomes null in an array and no member in an object; a Date, which becomes text in ISO 8601, as
//     JSON.stringify has it; or an ArrayBuffer. One of another type becomes an array of the type and the bytes.
//   - Binary values in the data of a CONNECT become base64 text: an auth is JSON alone.
//   - A key "_placeholder" can't stand beside binary values: see ErrPlaceholder.
func ParseMsgpack(b []byte, limits *Limits) (p Packet, attachments [][]byte, err error) {
	r := msgpackReader{rest: b, limits: limits, attachments: [][]byte{}}
	if err = r.packet(&p); err != nil {
		return p, nil, err
	}
	if r.marked && len(r.attachments) > 0 {
		return p, nil, errMark
	}
	if !p.IsEvent() && !p.IsAck() && len(r.attachments) > 0 {
		if r.text, err = newArg(r.text, r.attachments).inline(); err != nil {
			return p, nil, errPayload
		}
		r.attachments = [][]byte{}
	}
	return p, r.attachments, p.parseData(r.text, limits)
}

// ParseObject decodes a CONNECT or DISCONNECT of a client of Socket.IO 2.x that uses socket.io-msgpack-parser 2.x,
// which writes those as an object in JSON: {"type":0,"nsp":"/chat?query"}.
func ParseObject(b []byte, limits *Limits) (p Packet, err error) {
	var o struct {
		Type Type   `json:"type"`
		NSP  string `json:"nsp"`
	}
	if !validJSON(b, limits.MaxDepth) || json.Unmarshal(b, &o) != nil {
		return p, errPayload
	}
	if o.Type != Connect && o.Type != Disconnect {
		return p, errType
	}
	p.Type, p.Namespace = o.Type, o.NSP
	return p, checkNamespace(o.NSP, limits)
}

// checkNamespace refuses what is no name in the text of a packet either. A query behind the name is not looked at.
func checkNamespace(name string, limits *Limits) error {
	path, _, _ := strings.Cut(name, "?")
	switch {
	case len(name) > limits.MaxNamespace:
		return ErrNamespace
	case !strings.HasPrefix(path, "/") || strings.Contains(path, ","):
		return errNamespace
	}
	return nil
}

// packet reads the members. The data is not yet checked.
func (r *msgpackReader) packet(p *Packet) error {
	members, rest, err := msgp.ReadMapHeaderBytes(r.rest)
	if err != nil {
		return errMsgpack
	}
	r.rest = rest
	var seen uint8 // a bit for each member that counts
	for range members {
		key, rest, err := msgp.ReadStringZC(r.rest)
		if err != nil {
			return errMsgpack
		}
		r.rest = rest
		bit, err := r.member(p, string(key))
		if err != nil {
			return err
		}
		if seen&bit != 0 {
			return errTwice
		}
		seen |= bit
	}
	if len(r.rest) > 0 || seen&(typeMember|nspMember) != typeMember|nspMember {
		return errMsgpack
	}
	return nil
}

const (
	typeMember = 1 << iota
	nspMember
	dataMember
	idMember
)

// member reads the value of one member of the packet.
func (r *msgpackReader) member(p *Packet, key string) (bit uint8, err error) {
	switch key {
	case "type":
		p.Type, err = r.packetType()
		return typeMember, err
	case "nsp":
		p.Namespace, err = r.namespace()
		return nspMember, err
	}
	switch {
	case key == "data" && r.skipAbsent(), key == "id" && r.skipAbsent():
		return 0, nil
	case key == "data":
		return dataMember, r.value(r.limits.MaxDepth)
	case key == "id":
		p.HasID = true
		p.ID, r.rest, err = msgp.ReadUint64Bytes(r.rest)
		if err != nil {
			return 0, errID
		}
		return idMember, nil
	}
	return 0, r.skip()
}

func (r *msgpackReader) packetType() (Type, error) {
	n, rest, err := msgp.ReadUint64Bytes(r.rest)
	if err != nil || n > uint64(BinaryAck) {
		return 0, errType
	}
	r.rest = rest
	switch t := Type(n); t { // those of 2.x tell what is binary; the bytes are in their places all the same
	case BinaryEvent:
		return Event, nil
	case BinaryAck:
		return Ack, nil
	default:
		return t, nil
	}
}

func (r *msgpackReader) namespace() (string, error) {
	name, err := r.str()
	if err != nil {
		return "", err
	}
	return string(name), checkNamespace(string(name), r.limits)
}

// AppendMsgpack writes a packet for clients that use socket.io-msgpack-parser. text and attachments must come from
// AppendEvent, AppendAck, AppendConnect, AppendConnectError or AppendDisconnect: others may make it panic.
//
// Whole numbers that fit into 64 bits are written exactly, all others as 64-bit floating-point numbers. Half a
// surrogate pair becomes U+FFFD.
func AppendMsgpack(dst, text []byte, attachments [][]byte) []byte {
	kind, text := Type(text[0]-'0'), text[1:]
	if kind.binary() {
		text = text[bytes.IndexByte(text, '-')+1:]
		kind -= BinaryEvent - Event // the same from BINARY_ACK to ACK
	}
	namespace, text, _ := cutNamespace(text, math.MaxInt)
	id, hasID, data, _ := cutID(text)
	members := uint32(2)
	if len(data) > 0 {
		members++
	}
	if hasID {
		members++
	}
	dst = msgp.AppendMapHeader(dst, members)
	dst = msgp.AppendString(dst, "type")
	dst = msgp.AppendInt(dst, int(kind))
	if len(data) > 0 {
		dst = msgp.AppendString(dst, "data")
		dst = appendMsgpackValue(dst, data, attachments)
	}
	if hasID {
		dst = msgp.AppendString(dst, "id")
		dst = msgp.AppendUint64(dst, id)
	}
	dst = msgp.AppendString(dst, "nsp")
	return msgp.AppendString(dst, namespace)
}
