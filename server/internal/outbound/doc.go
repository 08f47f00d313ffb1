// Package outbound brings finished frames to very many connections: from a message to the bytes on each of them.
//
//   - An [Arena] is append-only memory. A frame is put there once, however many clients it goes to, and never changes.
//   - Each client has an [Outbox]: a bounded queue of slices of that memory, and the one writer that empties it. A
//     frame that lies right behind the last one in the queue only makes that slice longer.
//   - An outbox with something to send is dirty. The [Flusher]'s workers walk the dirty outboxes and give each of
//     them one write with all that it holds. While they walk, new frames gather: batches grow by themselves under
//     load, and when it is quiet a frame leaves at once. There is no timer and no added delay.
//   - A worker never waits for a client. What the kernel does not take at once is left to a goroutine of that outbox,
//     with a deadline.
//   - What goes to very many outboxes is a [Task]: each worker queues it for its own outboxes and then writes, so
//     that an outbox's memory stays with one processor.
//
// The package knows nothing of a protocol. It writes to a [Conn], which package websocket's connections are; a client
// without a connection (HTTP long-polling) takes its frames with [Outbox.Take].
//
// The files, from the top down: flusher, task (who works), write, outbox, form, state, held (one client), batch, worker,
// conn, queue, arena (what they stand on).
package outbound
