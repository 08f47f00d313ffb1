// Package engineio serves the Engine.IO protocol, revisions 4 and 3, to every client that there has been since
// Socket.IO 1.0: long-polling over XHR and JSONP, WebSocket, and the upgrade from one to the other.
//
// A [Server] is an http.Handler. For each client it opens a [Session], which outlives the requests and connections that
// carry it, keeps what is sent in order, and ends with a [Reason]:
//
//	sv, err := engineio.New(engineio.Options{}, func(s *engineio.Session) engineio.Handler {
//		return &echo{s}
//	})
//	http.Handle("/engine.io/", sv)
//
// Sending never waits: frames join the session's queue, which is bounded in bytes, and leave in one write with all
// that has gathered. What goes to many sessions is encoded once, with [Server.Prepare].
//
// The protocol is described in the repository socketio/socket.io under docs/engine.io-protocol: v3.md and
// v4-current.md.
package engineio
