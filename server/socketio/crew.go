package socketio

import "sync"

// maxResting is how many goroutines wait for the next socket that has something to do.
const maxResting = 64

// A crew is the goroutines in which handlers run. There is one for each socket that has something to do at the
// moment; those that have done their work rest, a few of them, until they are needed again. A new goroutine's
// stack would grow within the first handler, each time anew: that was a fifth of the processor time of an event
// with acknowledgement.
type crew struct {
	work func(turn) // runs a socket's handlers

	mu sync.Mutex // guards the following; it may be taken while a socket's lock is held

	resting   []chan turn
	dismissed bool
}

// A turn is what a goroutine of the crew is to do: to run a socket's handlers until nothing is left.
type turn struct {
	socket  *Socket
	connect bool // first those of OnConnect
}

// run sees to it that t is done, and does not wait for it.
func (c *crew) run(t turn) {
	c.mu.Lock()
	last := len(c.resting) - 1
	if last < 0 {
		c.mu.Unlock()
		go c.serve(t) // ends when enough others rest, or with dismiss
		return
	}
	next := c.resting[last]
	c.resting = c.resting[:last]
	c.mu.Unlock()
	next <- t // it has room for one
}

func (c *crew) serve(t turn) {
	turns := make(chan turn, 1)
	for more := true; more; {
		c.work(t)
		t = turn{}
		if !c.rest(turns) {
			return
		}
		t, more = <-turns
	}
}

func (c *crew) rest(turns chan turn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dismissed || len(c.resting) == maxResting {
		return false
	}
	c.resting = append(c.resting, turns)
	return true
}

// dismiss ends those that rest; the others end when they have done their work.
func (c *crew) dismiss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dismissed = true
	for _, turns := range c.resting {
		close(turns)
	}
	c.resting = nil
}
