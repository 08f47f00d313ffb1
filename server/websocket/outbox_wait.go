package websocket

// A waitMark is somebody who waits until so many bytes have left an outbox.
type waitMark struct {
	gone int64
	done chan struct{}
}

// nothingWaits is what Flushed returns when there is nothing to wait for.
var nothingWaits = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Flushed returns a channel that is closed when everything that was pushed before the call has been handed to the client's
// transport, or never will be because the outbox has closed. It is for those who have much to send and must not fill the
// queue: what is pushed afterwards does not delay it.
func (o *Outbox) Flushed() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	held := o.queue.size + o.flying
	if o.closed || held == 0 {
		return nothingWaits
	}
	w := waitMark{o.gone + int64(held), make(chan struct{})}
	o.waits = append(o.waits, w)
	return w.done
}

// left counts bytes that have left the queue for good. o.mu must be held.
func (o *Outbox) left(n int) {
	o.gone += int64(n)
	for len(o.waits) > 0 && o.waits[0].gone <= o.gone {
		close(o.waits[0].done)
		o.waits = o.waits[1:]
	}
	if len(o.waits) == 0 {
		o.waits = nil
	}
}

// endWaits is for an outbox that has closed. o.mu must be held.
func (o *Outbox) endWaits() {
	for _, w := range o.waits {
		close(w.done)
	}
	o.waits = nil
}
