package socketio

import (
	"errors"
	"net/url"
	"strings"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/socketio/wire"
)

// A coding is how the packets of a session are written. Its client chooses it, for the whole session.
type coding uint8

const (
	codingUnknown coding = iota // until the first message
	codingJSON                  // the client's default: text, and binary messages for attachments
	codingMsgpack               // socket.io-msgpack-parser: each packet is one binary message
)

var errCoding = errors.New("text from a client whose packets are MessagePack")

// choose settles the coding by the first message of a client on EIO 4, which is its CONNECT: text in JSON, binary in
// MessagePack. The server has said nothing before.
func (c *client) choose(binary bool) {
	c.coding = codingJSON
	if binary {
		c.useMsgpack()
	}
}

// chooseEarly settles the coding of a client on EIO 3. It hears the server's CONNECT before it says anything, and
// its parser ends the program at what it can't read, so it has to name the coding in its query: parser=msgpack.
func (c *client) chooseEarly() {
	c.coding = codingJSON
	at := c.session.Request().URL
	if !strings.Contains(at, "parser=msgpack") {
		return // most of them
	}
	if u, err := url.ParseRequestURI(at); err == nil && u.Query().Get("parser") == "msgpack" {
		c.useMsgpack()
	}
}

func (c *client) useMsgpack() {
	c.coding = codingMsgpack
	c.session.Recode()
}

// takeMsgpack is take for a client whose packets are MessagePack. Those of 2.x write some as an object in JSON.
func (c *client) takeMsgpack(binary bool, data []byte) error {
	if !binary && c.session.Version() == 4 {
		return errCoding
	}
	if !binary {
		p, err := wire.ParseObject(data, &c.core.limits)
		if err == nil {
			c.handle(&p, nil)
		}
		return err
	}
	p, attachments, err := wire.ParseMsgpack(data, &c.core.limits)
	if err == nil {
		c.handle(&p, attachments)
	}
	return err
}

// recode makes packets in MessagePack of packets in JSON and the attachments behind each.
func recode(messages []engineio.Message) []engineio.Message {
	packets := make([]engineio.Message, 0, 1)
	for len(messages) > 0 {
		m := messages[0]
		messages = messages[1:]
		n := 0
		for n < len(messages) && messages[n].Binary {
			n++
		}
		var attachments [][]byte
		for _, a := range messages[:n] {
			attachments = append(attachments, a.Data)
		}
		messages = messages[n:]
		data := wire.AppendMsgpack(make([]byte, 0, len(m.Data)+packetRoom), m.Data, attachments)
		packets = append(packets, engineio.Message{Binary: true, Data: data, Plain: m.Plain})
	}
	return packets
}

// packetRoom is what MessagePack needs for a packet beside its arguments: the names of the members.
const packetRoom = 32

// widest is how many times as long as in JSON a packet can be in MessagePack and, on long-polling, base64: "-0," takes
// three bytes, nine as a floating-point number, and these twelve characters.
const widest = 4

// spareFor returns how many bytes of messages may still be queued for the client, measured in JSON, beside an answer.
func (c *client) spareFor(answer engineio.Message) int {
	spare := c.session.Spare()
	if c.coding == codingMsgpack {
		spare /= widest
	}
	return spare - wireSize(answer)
}
