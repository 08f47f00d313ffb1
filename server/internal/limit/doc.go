// Package limit has what the parts of the server share to keep each client within its bounds: [Addresses] bounds what one
// address may open, a [Meter] how fast one client may send, [Hits] and a [Counter] count, and an [Outlet] keeps
// what clients can bring about from filling the log.
package limit
