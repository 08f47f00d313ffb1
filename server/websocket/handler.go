package websocket

// A Handler takes what Read reads, in order, in Read's goroutine. data is valid only until the method returns. While a
// method runs nothing is read, and the buffer that holds data is not free: a Handler hands on and returns.
type Handler interface {
	// Message takes a whole message, inflated; text is valid UTF-8. An error ends Read, which returns it as it is.
	Message(binary bool, data []byte) error

	// Ping is to be answered with a pong frame that has the same data, of at most 125 bytes.
	Ping(data []byte)

	// Pong needs no answer.
	Pong(data []byte)
}
