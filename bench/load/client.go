package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// The packets that are met (Engine.IO 4 and Socket.IO 5): the engine's type, then, in a message, the socket's.
const (
	packetOpen    = '0'
	packetPing    = '2'
	packetMessage = '4'
	typeConnect   = '0'
	typeEvent     = '2'
	typeAck       = '3'
	typeError     = '4'
)

// registerID is the ack id of "f"; those of messages are their numbers.
const registerID = 0

var newsHead = []byte(`42["news","`)

var (
	errRefused = errors.New("the server refused the namespace")
	errUpgrade = errors.New("the server did not upgrade to WebSocket")
)

// A listener is told what happens to the clients of a work.
type listener interface {
	ready(c *client)               // it is where the work wants it to be
	news(c *client, number uint64) // it has heard a message for the first time
	acked(c *client, id uint64)    // a message of its own was acknowledged
	lost(c *client, reason error)  // its connection has ended
}

// A client is one Socket.IO socket over WebSocket.
type client struct {
	link     *link
	listener listener
	register bool // it joins the room before it is ready
	tally    Tally

	upgraded bool // the handshake is done
	isReady  bool
	// probe, if set, is asked about packets before the upgrade from polling is done.
	probe func(packet []byte) error
}

// newClient begins to connect. sid is that of a session on polling that the client upgrades, or "".
func newClient(d *dialer, l listener, sid string, register bool) (*client, error) {
	c := &client{listener: l, register: register}
	k, err := d.dial(c)
	if err != nil {
		return nil, err
	}
	c.link = k
	query := ""
	if sid != "" {
		query = "&sid=" + sid
	}
	k.write(fmt.Appendf(nil, "GET /socket.io/?EIO=4&transport=websocket%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+
		"User-Agent: crier-bench\r\n\r\n", query, d.to))
	return c, nil
}

// send sends an Engine.IO packet.
func (c *client) send(packet []byte) {
	var scratch [256]byte
	c.link.write(AppendFrame(scratch[:0], OpText, packet))
}

// say sends a message with that number, and asks for an ack if it is to.
func (c *client) say(number uint64, ack bool) {
	var scratch [256]byte
	p := append(scratch[:0], '4', '2')
	if ack {
		p = strconv.AppendUint(p, number, 10)
	}
	p = append(p, `["message","`...)
	p = append(appendMessage(p, number), `"]`...)
	c.send(p)
}

// received implements linkUser.
func (c *client) received(b []byte) (used int, err error) {
	if !c.upgraded {
		a, size, err := nextAnswer(b)
		if size == 0 || err != nil {
			return 0, err
		}
		if a.status != 101 {
			return 0, fmt.Errorf("%w: status %d: %s", errUpgrade, a.status, a.body)
		}
		c.upgraded, used = true, size
		if c.probe != nil {
			c.send([]byte("2probe"))
		}
	}
	for {
		op, payload, size, err := NextFrame(b[used:])
		if size == 0 || err != nil {
			return used, err
		}
		if err := c.frame(op, payload); err != nil {
			return used, err
		}
		used += size
	}
}

func (c *client) frame(op byte, payload []byte) error {
	switch op {
	case OpText:
		return c.packet(payload)
	case OpPing:
		c.link.write(AppendFrame(nil, OpPong, payload))
	case OpClose:
		return fmt.Errorf("the server closed the WebSocket: %q", payload)
	}
	return nil
}

// packet handles an Engine.IO packet; news come first, for they come by the million.
func (c *client) packet(p []byte) error {
	switch {
	case bytes.HasPrefix(p, newsHead):
		number, whole := messageIn(p[len(newsHead):])
		if !whole {
			c.tally.Damaged++
		}
		if c.tally.Hear(number) {
			c.listener.news(c, number)
		}
	case len(p) == 0:
		return errFrame
	case c.probe != nil:
		return c.probe(p)
	case p[0] == packetPing:
		c.send([]byte{'3'})
	case p[0] == packetOpen:
		c.send([]byte("40"))
	case p[0] == packetMessage && len(p) > 1:
		return c.socketPacket(p[1], p[2:])
	}
	return nil
}

func (c *client) socketPacket(kind byte, p []byte) error {
	switch kind {
	case typeError:
		return fmt.Errorf("%w: %s", errRefused, p)
	case typeConnect:
		if c.register {
			c.send(fmt.Appendf(nil, `42%d["f","speaker %d"]`, registerID, c.link.fd))
			return nil
		}
		c.becomeReady()
	case typeAck:
		id, err := ackID(p)
		switch {
		case err != nil:
			return err
		case !c.isReady:
			c.becomeReady()
		default:
			c.listener.acked(c, id)
		}
	}
	return nil
}

func ackID(p []byte) (uint64, error) {
	number, _, ok := bytes.Cut(p, []byte("["))
	if !ok {
		return 0, fmt.Errorf("an ack without arguments: %q", p)
	}
	return strconv.ParseUint(string(number), 10, 64)
}

func (c *client) becomeReady() {
	c.isReady = true
	c.listener.ready(c)
}

// ended implements linkUser.
func (c *client) ended(err error) { c.listener.lost(c, err) }
