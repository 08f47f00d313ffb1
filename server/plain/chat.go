package plain

import (
	"log/slog"
	"strconv"
	"sync/atomic"
)

// A chat passes each text on to everybody in it, with the number of who said it.
type chat struct {
	server *Server
	last   atomic.Int64 // the number of the newest client
	all    audience
}

func newChat(sv *Server) *chat { return &chat{server: sv} }

func (*chat) subprotocol() string { return SubprotocolText }

func (ch *chat) open(c *client) *ending {
	c.own = ch.last.Add(1)
	ch.all.join(c)
	ch.server.opts.Logger.Debug("chat: 进入", "number", c.own, "address", c.address)
	return nil
}

func (ch *chat) text(c *client, data []byte) *ending {
	said := strconv.AppendInt(nil, c.own.(int64), 10)
	said = append(append(said, "说: "...), data...)
	ch.all.tell(ch.server, said)
	return nil
}

func (*chat) binary(*client, []byte) *ending { return endBinary }

func (ch *chat) closed(c *client) {
	ch.all.remove(c)
	ch.server.note(ch.server.lines.departs, slog.LevelInfo, "chat: 离开", "number", c.own, "address", c.address)
}
