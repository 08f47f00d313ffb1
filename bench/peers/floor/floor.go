// Package floor is what the two floors of the bench share: servers that have no protocol, and answer what the bench's
// generator sends with bytes made beforehand. They show what the machine and a way of writing cost, below any protocol.
//
// They live in one module, for their dependencies do not conflict.
package floor

import (
	"bytes"
	"strconv"
	"time"
)

// PingInterval is that of the others' default.
const PingInterval = 25 * time.Second

var (
	// Open is the Engine.IO handshake. All clients have one id, which they do not need.
	Open = []byte(`0{"sid":"floor","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)
	// Ping is the heartbeat.
	Ping = []byte("2")

	connected = []byte(`40{"sid":"floor"}`)
	eventHead = []byte("42")
	register  = []byte(`["f",`)
	message   = []byte(`["message",`)
)

// A Reply is what is due for one packet of a client.
type Reply struct {
	Answer []byte // to the client; nil if there is none
	News   []byte // to all in the room; nil if there is none
	Joins  bool   // the client joins the room
}

// Handle looks at a packet no closer than it must.
func Handle(packet []byte) Reply {
	rest, ok := bytes.CutPrefix(packet, eventHead)
	if !ok {
		if string(packet) == "40" {
			return Reply{Answer: connected}
		}
		return Reply{} // the answer to a ping
	}
	digits := bytes.IndexByte(rest, '[')
	if digits < 0 {
		return Reply{}
	}
	id, args := rest[:digits], rest[digits:]
	at := strconv.AppendInt(nil, time.Now().UnixMilli(), 10)
	r := Reply{Joins: bytes.HasPrefix(args, register)}
	if len(id) > 0 {
		r.Answer = bytes.Join([][]byte{[]byte("43"), id, []byte(`[{"at":`), at, []byte(`}]`)}, nil)
	}
	if data, ok := bytes.CutPrefix(args, message); ok {
		data = bytes.TrimSuffix(data, []byte("]"))
		r.News = bytes.Join([][]byte{[]byte(`42["news",`), data, []byte(`,{"from":"speaker","id":"floor","at":`), at,
			[]byte("}]")}, nil)
	}
	return r
}
