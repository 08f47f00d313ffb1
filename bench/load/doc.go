// Package load makes Socket.IO clients by the thousand and counts what a server does for them.
//
// It shares no code with the servers that it measures, and it is cheap, because its own core must never be what limits
// them: one goroutine drives all connections with epoll, reads into one buffer, builds each frame once and allocates
// nothing per message. What it used of its core is part of every [Result].
//
// Speed says nothing about a server that loses messages. Every message carries a number, every client keeps a [Tally],
// and a Result tells what was missing, doubled, swapped or damaged beside what it took.
//
// All works speak Engine.IO 4 and Socket.IO 5 and expect the events of Crier's product from every server:
//
//	f        name, ack   the socket joins the room
//	message  data, ack   data goes to the room as "news", and the ack is answered
//	news     data, {from, id, at}
package load
