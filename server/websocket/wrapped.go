package websocket

import "net"

// Wrapped is a net.Conn of a listener's own that neither changes, buffers nor counts what goes through it: its socket
// may be read and written directly. Close and deadlines still go through the wrapper.
type Wrapped interface {
	net.Conn

	// Socket returns the connection inside.
	Socket() net.Conn
}

// socketOf returns what is inside of a wrapper that allows it, else nc itself.
func socketOf(nc net.Conn) net.Conn {
	if w, ok := nc.(Wrapped); ok {
		return w.Socket()
	}
	return nc
}
