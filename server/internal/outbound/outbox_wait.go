package outbound

// waiters wait for what an outbox held when they came.
type waiters struct {
	gone  int64 // bytes that have left since the first came
	marks []waitMark
}

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
	if o.waits == nil {
		o.waits = new(waiters)
	}
	w := waitMark{o.waits.gone + int64(held), make(chan struct{})}
	o.waits.marks = append(o.waits.marks, w)
	return w.done
}

// left counts bytes that have left the queue for good. o.mu must be held.
func (o *Outbox) left(n int) {
	w := o.waits
	if w == nil {
		return
	}
	w.gone += int64(n)
	for len(w.marks) > 0 && w.marks[0].gone <= w.gone {
		close(w.marks[0].done)
		w.marks = w.marks[1:]
	}
	if len(w.marks) == 0 {
		o.waits = nil
	}
}

// endWaits is for an outbox that has closed. o.mu must be held.
func (o *Outbox) endWaits() {
	if o.waits == nil {
		return
	}
	for _, w := range o.waits.marks {
		close(w.done)
	}
	o.waits = nil
}
