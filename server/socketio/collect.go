package socketio

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// An Answer is one client's answer to a broadcast.
type Answer struct {
	Socket string // the socket's id; empty if it is on a node that does not tell
	Args          // what the client answered
}

// A MissingAcksError says that some clients did not answer.
type MissingAcksError struct {
	Event   string
	Missing int      // how many of Sent
	Sent    int      // how many were asked
	Sockets []string // the ids of those that are missing, as far as they are known
	Err     error    // the context's error, or ErrDisconnected
}

func (e *MissingAcksError) Error() string {
	return fmt.Sprintf("socketio: %d of %d clients did not acknowledge %q: %v", e.Missing, e.Sent, e.Event, e.Err)
}

func (e *MissingAcksError) Unwrap() error { return e.Err }

// EmitWithAck sends an event and waits for the answers of all sockets, as long as ctx: give it a deadline. It
// returns the answers that came, in the order in which they came, and a *MissingAcksError if some did not.
func (b *Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	c := &collection{event: event}
	defer c.cancel()
	for _, ns := range b.namespaces {
		if err := c.ask(b, ns, args); err != nil {
			return nil, err
		}
	}
	return c.wait(ctx)
}

// A collection gathers the answers to a broadcast.
type collection struct {
	event string
	asked []askedSocket // only the asking goroutine uses it

	mu sync.Mutex // guards the following

	answers []Answer
	pending int
	done    chan struct{} // closed when nothing is pending; made by wait
}

type askedSocket struct {
	socket *Socket
	id     uint64
}

// ask sends the event to the sockets of one namespace. The frame is the same for all, and so is the id.
func (c *collection) ask(b *Broadcast, ns *Namespace, args []any) error {
	id := ns.acks.Add(1)
	return b.emit(ns, id, true, c.event, args, func(s *Socket) bool {
		c.add(1)
		err := s.expectAck(id, c.answer)
		if err == ErrDisconnected {
			c.add(-1)
			return false
		}
		c.asked = append(c.asked, askedSocket{s, id})
		if err != nil {
			c.answer(s, nil, err) // it can't be asked now: its answer is missing
		}
		return err == nil
	})
}

func (c *collection) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending += n
}

// answer takes one socket's answer, or learns that there will be none.
func (c *collection) answer(s *Socket, args Args, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.answers = append(c.answers, Answer{s.id, args})
	}
	c.pending--
	if c.pending == 0 && c.done != nil {
		close(c.done)
		c.done = nil
	}
}

func (c *collection) wait(ctx context.Context) ([]Answer, error) {
	c.mu.Lock()
	done := make(chan struct{})
	if c.pending == 0 {
		close(done)
	} else {
		c.done = done
	}
	c.mu.Unlock()
	cause := ErrDisconnected
	select {
	case <-done:
	case <-ctx.Done():
		cause = ctx.Err()
	}
	c.mu.Lock()
	answers := slices.Clip(c.answers)
	c.mu.Unlock()
	if missing := c.missing(answers); len(missing) > 0 {
		return answers, &MissingAcksError{c.event, len(missing), len(c.asked), missing, cause}
	}
	return answers, nil
}

// missing returns the ids of the sockets that have not answered.
func (c *collection) missing(answers []Answer) (ids []string) {
	if len(answers) == len(c.asked) {
		return nil
	}
	answered := make(map[string]bool, len(answers))
	for _, a := range answers {
		answered[a.Socket] = true
	}
	for _, a := range c.asked {
		if !answered[a.socket.id] {
			ids = append(ids, a.socket.id)
		}
	}
	return ids
}

// cancel forgets what is still expected.
func (c *collection) cancel() {
	for _, a := range c.asked {
		a.socket.takeAck(a.id)
	}
}
