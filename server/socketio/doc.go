// Package socketio serves the Socket.IO protocol, revision 5 and, for clients before 3.0, revision 4: namespaces,
// events, acknowledgements in both directions, binary attachments and rooms, to every socket.io.js since 1.0.
//
//	io, err := socketio.New(socketio.Options{})
//	io.OnConnect(func(s *socketio.Socket) {
//		s.On("f", func(e *socketio.Event) error {
//			var name string
//			if err := e.Bind(&name); err != nil {
//				return err
//			}
//			s.Join("speakers")
//			return e.Ack("welcome", name)
//		})
//	})
//	http.Handle("/socket.io/", io)
//	...
//	io.To("speakers").Emit("news", "hello")
//
// Arguments stay as they came in until a handler binds them to Go values: what is passed on unread is not decoded.
//
// The handlers of one socket run one at a time, in the order in which its client sent the events, in a goroutine
// of the socket's own. They may block and may wait for acknowledgements; the socket's further events wait
// meanwhile, and so does a client that sends more than Options.MaxInbox of them. A handler's error answers the
// client's acknowledgement; a panic disconnects that socket and harms no other.
//
// A client of Socket.IO 4.6 or newer that loses its transport and comes back in time goes on where it was: its
// socket has its id, its rooms and its data, and what was emitted to it meanwhile comes first. See [Recovery] and
// [Socket.Recovered].
//
// Hooks (OnNewNamespace, OnUpgrade, OnJoinRoom, OnAnyOutgoing and their like) cost nothing where none is registered,
// and are called with no lock held, so they may call everything; each says in which goroutine it runs.
//
// A client may use socket.io-msgpack-parser. Its session's first message tells, or before 3.0 "parser=msgpack" in its
// query. Handlers see no difference: an argument is JSON and attachments, whatever coding its sender has, and is
// written in the coding of each client that hears it. See [wire.ParseMsgpack] for what becomes of values that JSON
// does not have.
//
// The files read from top to bottom, and each calls what stands below it:
//
//	server, stats, namespace     what a program starts with
//	client, partial, pace        from messages to packets
//	coding                       whether those are JSON or MessagePack
//	join, rejoin, admit          how a client comes into a namespace
//	dispatch, event, listeners   how its events are handled
//	warn, emit, acks, collect    what is sent to one socket, and answered
//	broadcast, fetch, end        what is sent to many, and done with them; how a socket ends
//	parent, hooks, tap           namespaces that are made when they are needed; what is told of what goes on
//	socket, inbox, conn          one client in one namespace, and what its sockets share
//	post, order, hub, reach      the order of what is emitted; who hears
//	roomhooks                    what is told of changes of rooms
//	recovery, record, lost, ...  what is held for clients that come back
//	core, audience, room, ...    what all of them use
//
// The protocol is described in the repository socketio/socket.io under docs/socket.io-protocol: v4.md and
// v5-current.md.
package socketio
