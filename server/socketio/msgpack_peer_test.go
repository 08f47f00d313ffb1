package socketio_test

import (
	"strconv"

	"github.com/crier/crier/server/socketio/wire"
)

// packed returns a packet as a client that uses socket.io-msgpack-parser writes it.
// What is no packet in JSON becomes none in MessagePack.
func packed(p packet) []byte {
	if _, err := wire.Parse([]byte(p.text), &wire.DefaultLimits); err != nil {
		return []byte("\xc1" + p.text)
	}
	return wire.AppendMsgpack(nil, []byte(p.text), p.attachments)
}

// unpacked returns a packet as it would stand on the wire in JSON.
func unpacked(data []byte) *packet {
	limits := wire.DefaultLimits
	limits.MaxAttachments = 1000
	p, attachments, err := wire.ParseMsgpack(data, &limits)
	if err != nil {
		panic(err)
	}
	text := strconv.Itoa(int(p.Type))
	if len(attachments) > 0 {
		text = strconv.Itoa(int(p.Type)+3) + strconv.Itoa(len(attachments)) + "-"
	}
	if p.Namespace != "/" {
		text += p.Namespace + ","
	}
	if p.HasID {
		text += strconv.FormatUint(p.ID, 10)
	}
	return &packet{text: text + string(p.Data), attachments: attachments}
}
