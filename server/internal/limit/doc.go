// Package limit keeps each client within its bounds, and shares what a process has among the addresses of its clients.
//
//   - [Addresses] bound what one address may open, and how fast.
//   - [Shares] bound the bytes that are held for one address and for all; when it is too much, the hungriest pay. Each
//     address has an [Account], each client a [Purse].
//   - [Kept] bounds how much of what is kept one address owns.
//   - [Turns] are a queue in which each address has its turn, and [Places] let so many at a time do something.
//   - A [Meter] judges how fast a client sends, a [Bucket] says how long it has to wait.
//   - [Hits], a [Counter] and [Waits] count.
//   - An [Outlet] and [Firsts] keep what clients can bring about from filling the log.
//
// A [Network] says what is one address: of IPv6 a /64, with the /56 and the /48 around it.
package limit
