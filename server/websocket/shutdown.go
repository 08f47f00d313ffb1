package websocket

import "time"

// maxDiscard is how many bytes Discard reads at most. A message that is too large is mostly not larger than that, and
// its sender should see the close frame.
const maxDiscard = 16 << 20

// Discard reads and throws away what the peer still sends, until it hangs up, the connection is closed, grace is over
// or 16 MiB have come. After a violation the reader calls it while the close frame is on its way through a queue; the
// connection stays open.
func (c *Conn) Discard(grace time.Duration) {
	if c.nc.SetReadDeadline(time.Now().Add(grace)) != nil {
		return
	}
	src := c.source()
	for left := maxDiscard; left > 0; {
		buf, n, err := src.next()
		if err != nil {
			return
		}
		src.release(buf)
		left -= n
	}
}

// Shutdown ends the connection so that a close frame just written is not lost: it hangs up its own direction,
// discards what the peer still sends for at most grace, and closes (RFC 6455 section 7.1.1). It is the reader's to
// call, after Read has returned and the last frame has been written. After a close frame of the peer nothing more
// comes from it, and Close is enough.
func (c *Conn) Shutdown(grace time.Duration) error {
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		half.CloseWrite() // if the connection is gone already, Discard returns at once
	}
	c.Discard(grace)
	return c.Close()
}
