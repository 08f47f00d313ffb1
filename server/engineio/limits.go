package engineio

import (
	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/websocket"
)

// A Limit is a bound that clients can meet. Those that have a field in Options are named after it.
type Limit string

// Limits.
const (
	LimitSessions        Limit = "MaxSessions"
	LimitAddressSessions Limit = "MaxAddressSessions"
	LimitAddressRate     Limit = "MaxAddressRate"
	LimitPayload         Limit = "MaxPayload"
	LimitPackets         Limit = "MaxPackets"
	LimitFragments       Limit = "MaxFragments"
	LimitMessageTime     Limit = "MessageTimeout"
	LimitQueue           Limit = "MaxQueue"
	LimitWriteTime       Limit = "WriteTimeout"
	LimitUpgradeTime     Limit = "UpgradeTimeout"
	LimitPacketRate      Limit = "MaxPacketRate"
)

func newHits() limit.Hits {
	return limit.NewHits(
		string(LimitSessions), string(LimitAddressSessions), string(LimitAddressRate), string(LimitPayload),
		string(LimitPackets), string(LimitFragments), string(LimitMessageTime), string(LimitQueue),
		string(LimitWriteTime), string(LimitUpgradeTime), string(LimitPacketRate))
}

// hitConn counts the limit of a connection that its client broke, if it was one.
func (c *core) hitConn(err *websocket.ProtocolError) {
	switch err.Limit {
	case websocket.LimitMessage:
		c.hit(LimitPayload)
	case websocket.LimitFragments:
		c.hit(LimitFragments)
	case websocket.LimitTime:
		c.hit(LimitMessageTime)
	}
}

// LimitPackets puts another value in the place of Options.MaxPacketRate, with the same meaning of a negative one.
func (sv *Server) LimitPackets(perSecond int) { sv.packetRate.Store(int64(perSecond)) }
