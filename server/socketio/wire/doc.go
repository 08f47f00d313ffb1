// Package wire reads and writes the packets of Socket.IO, revisions 4 and 5: the text of a packet, its JSON
// arguments, and the binary attachments that follow it.
//
// Arguments stay raw JSON until somebody binds them to Go values. What is passed on unread is checked once and
// copied: it is what came in, but for what [Arg.Portable] names.
//
// The protocol is described in the repository socketio/socket.io under docs/socket.io-protocol: v4.md and
// v5-current.md.
package wire
