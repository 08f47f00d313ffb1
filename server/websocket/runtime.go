package websocket

import (
	"errors"
	"time"
)

// What is done for the sake of Go's runtime, and would be left out if it managed as well by itself. The system calls
// are in runtime_linux.go.

// A connection's goroutine is replaced when the connection is quiet and the goroutine has read for renewAfter. The
// first few do not wait for that: a client says a few things when it connects, and may then be silent for long.
const (
	renewAfter  = time.Second
	earlyRenews = 8
)

// errQuiet says that the connection is quiet, and that the goroutine has read for long enough.
var errQuiet = errors.New("websocket: quiet")

// Go is Read in a goroutine of its own, which calls ended with what Read would have returned.
//
// It is really a row of goroutines: handling a message makes a stack grow from 2 to 8 KiB, and one that is
// parked never shrinks by itself. When the connection is quiet the next one, with a new stack, takes over; mostly once
// in renewAfter, for about a microsecond. Over 10,000 idle connections that saves 6 KiB each.
func (c *Conn) Go(h Handler, ended func(error)) {
	go c.readInTurn(c.source(), h, ended) // ends with the connection, or when the next takes over
}

func (c *Conn) readInTurn(src source, h Handler, ended func(error)) {
	src.yieldAfter(renewAfter, earlyRenews)
	err := c.read(src, h)
	if err == errQuiet {
		go c.readInTurn(src, h, ended)
		return
	}
	deepen(0)
	c.parser.drop()
	ended(err)
}

// deepen makes the goroutine's stack 8 KiB if it has only 2. A client's CONNECT needs just over 4, and would have the
// stack moved when thirty calls are on it, each of which the runtime adjusts; here it is three. It saves two thirds of
// what moving the stack costs: BenchmarkDeepen.
//
//go:noinline
func deepen(i int) byte {
	var room [4 << 10]byte
	return room[i]
}
