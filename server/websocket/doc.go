// Package websocket is the server's side of the WebSocket wire: RFC 6455 with permessage-deflate (RFC 7692) on a raw
// net.Conn.
//
// It is made for very many connections that are quiet most of the time and for messages that go to very many of them:
//
//   - A connection that waits holds no buffer. [Conn.Read] parks until bytes are there and only then takes a buffer
//     from a pool; a message that arrived whole is handed on from that buffer, unmasked in place, without a copy.
//   - Frames are built once, by [AppendFrame] or [AppendCompressed], and may then go to any number of connections:
//     every message stands alone, because neither side keeps a compression context.
//   - [Conn.TryWrite] gives the kernel what it takes at once and never waits, so that one goroutine can serve many
//     connections; [Conn.Write] waits, for the client that does not keep up.
//
// What the peer may do is bounded by [ReadLimits]. Bytes are kept as they arrive, never as a header promises them.
// A violation ends [Conn.Read] with a [ProtocolError] that carries the close code to answer with.
//
// A connection's life:
//
//	conn, err := websocket.Upgrade(w, r, websocket.UpgradeOptions{}) // the caller has checked the origin
//	if err != nil {
//		return // the client has its answer
//	}
//	go serve(conn) // a goroutine of its own: what net/http holds goes when the handler returns
//
// where serve calls [Conn.Read] with a [Handler], and after it sends a close frame where one is due and calls
// [Conn.Close] or, after a violation, [Conn.Shutdown].
//
// The frame rules are those of github.com/gobwas/ws, where that package has them in a form that fits a push parser
// (header checks, masks); the places that have their own say why.
package websocket
