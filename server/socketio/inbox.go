package socketio

// An inbox holds the events that wait for a socket's handlers. The socket's lock guards it.
type inbox struct {
	socket  *Socket
	events  []*Event
	one     [1]*Event // the memory of events, when one waits at a time
	size    int       // bytes that they hold
	running bool      // a goroutine of the crew is at it
	last    bool      // the socket has ended: with no event left, the disconnect handlers are due
}

// full reports whether the session's reader must stop until handlers have run. The bytes are those of all sockets
// of the connection: a client could have many just to have more of them wait. While the client owes an
// acknowledgement, in whatever namespace, only their size counts: its answer comes behind them, and the handler
// that wants it would never see it. The socket's lock must be held.
func (in *inbox) full() bool {
	c := in.socket.conn
	return c.waiting.Load() >= int64(c.core.engine.MaxPayload()) ||
		len(in.events) >= c.core.opts.MaxInbox && c.asking.Load() == 0
}

// put adds an event. The socket's lock must be held.
func (in *inbox) put(e *Event) {
	in.events = append(in.events, e)
	in.size += e.size
	in.socket.conn.waiting.Add(int64(e.size))
	in.wake()
}

// next takes the next event. With none left the crew's goroutine must end, and is the last one if the socket has
// ended.
func (in *inbox) next() (e *Event, last bool) {
	s := in.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(in.events) > 0 {
		e = in.events[0]
		in.events[0] = nil
		if in.events = in.events[1:]; len(in.events) == 0 {
			in.events = in.one[:0]
		}
		in.size -= e.size
		s.conn.waiting.Add(-int64(e.size))
		s.wakeReader()
		return e, false
	}
	in.running = in.last // nobody wakes another one after the last
	return nil, in.last
}

// wake sees to it that a goroutine runs the handlers. The socket's lock must be held.
func (in *inbox) wake() {
	if !in.running {
		in.running = true
		in.socket.conn.core.crew.run(turn{in.socket, false})
	}
}

// start lets a socket that was just connected run: first the namespace's OnConnect.
func (in *inbox) start() {
	in.socket.mu.Lock()
	defer in.socket.mu.Unlock()
	in.running = true
	in.socket.conn.core.crew.run(turn{in.socket, true})
}

// clear drops the events that wait. The socket's lock must be held.
func (in *inbox) clear() {
	in.socket.conn.waiting.Add(-int64(in.size))
	in.socket.conn.charge(-in.size)
	in.events, in.one[0], in.size = nil, nil, 0
}
