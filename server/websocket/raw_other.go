//go:build !linux

package websocket

import "net"

// newRawSocket returns nil: outside Linux, which is where the servers run, reads and writes go through net.Conn.
func newRawSocket(net.Conn) rawSocket { return nil }
