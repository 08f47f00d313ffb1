package plain

import "github.com/crier/crier/server/websocket"

// An ending is how a connection ends: what the client is told.
type ending struct {
	code   websocket.CloseCode
	reason string
}

// The endings that are the server's own. Those of the WebSocket protocol (1002, 1007, 1009) come from package
// websocket.
var (
	endStop        = &ending{websocket.CloseNormal, "stopped as asked"}
	endGoingAway   = &ending{websocket.CloseGoingAway, "server going away"}
	endBinary      = &ending{websocket.CloseUnsupported, "this endpoint takes text only"}
	endRate        = &ending{websocket.ClosePolicyViolation, "too many messages in a second"}
	endQuiet       = &ending{websocket.ClosePolicyViolation, "ping timeout"}
	endInternal    = &ending{websocket.CloseInternalError, "internal error"}
	endRestart     = &ending{websocket.CloseServiceRestart, "server restarting"}
	endTooMany     = &ending{websocket.CloseTryAgainLater, "too many connections"}
	endTooManyHere = &ending{websocket.CloseTryAgainLater, "too many connections from this address"}
	endBehind      = &ending{websocket.CloseTryAgainLater, "what was missed can't be told"}
	endSlow        = &ending{websocket.CloseTryAgainLater, "slow consumer"}
	endShed        = &ending{websocket.CloseTryAgainLater, "the server holds too much for this client"}
)
