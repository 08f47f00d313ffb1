package plain

import (
	"bytes"
	"log/slog"

	"github.com/crier/crier/server/websocket"
)

// echo sends back what it gets.
type echo struct{}

func (echo) subprotocol() string  { return SubprotocolText }
func (echo) open(*client) *ending { return nil }
func (echo) closed(*client)       {}

func (echo) text(c *client, data []byte) *ending {
	return c.send(websocket.OpText, append(bytes.ToUpper(data), "!!!"...))
}

func (echo) binary(c *client, data []byte) *ending { return c.send(websocket.OpBinary, data) }

// logged is how much of a message hello logs, in bytes: a log is no place for the rest.
const logged = 256

// hello greets and logs.
type hello struct{ server *Server }

func (hello) subprotocol() string { return SubprotocolText }
func (hello) closed(*client)      {}

func (hello) open(c *client) *ending { return c.send(websocket.OpText, []byte("world")) }

func (h hello) text(c *client, data []byte) *ending {
	text := string(bytes.ToValidUTF8(data[:min(len(data), logged)], nil))
	h.received(c, "bytes", len(data), "text", text)
	return nil
}

func (h hello) binary(c *client, data []byte) *ending {
	h.received(c, "bytes", len(data), "binary", true)
	return nil
}

func (h hello) received(c *client, what ...any) {
	h.server.note(h.server.lines.greetings, slog.LevelInfo, "hello received", append(what, "address", c.address)...)
}
