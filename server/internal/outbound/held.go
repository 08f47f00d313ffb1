package outbound

// HeldStep is the step in bytes in which an owner is told of what its outbox holds. Nearly all outboxes hold
// less at any time, and so touch no memory that they share with others.
const HeldStep = 16 << 10

// size returns the bytes that are held. o.mu must be held.
func (o *Outbox) size() int { return o.queue.size + o.flying }

// account tells the owner of a change of size. o.mu must be held.
func (o *Outbox) account() {
	if steps := uint32(o.size() / HeldStep); steps != o.told {
		o.owner.HeldBytes((int(steps) - int(o.told)) * HeldStep)
		o.told = steps
	}
}

// left counts bytes that are no longer held, because they have left. o.mu must be held.
func (o *Outbox) left(n int) {
	o.account()
	if o.waits != nil && o.waits.left(n) {
		o.waits = nil
	}
}

// endWaits lets go those who wait for bytes that were dropped. o.mu must be held.
func (o *Outbox) endWaits() {
	if o.waits != nil {
		o.waits.end()
		o.waits = nil
	}
}

// Flushed returns a channel that is closed when everything that was pushed before the call has been handed to the
// client's transport, or never will be because it was dropped. It is for those who have much to send and must not
// fill the queue: what is pushed afterwards does not delay it.
func (o *Outbox) Flushed() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state == closed || o.size() == 0 {
		return nothingWaits
	}
	if o.waits == nil {
		o.waits = new(waiters)
	}
	return o.waits.add(o.size())
}

// nothingWaits is what Flushed returns when there is nothing to wait for.
var nothingWaits = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// waiters wait for what an outbox held when they came. A nil one has nobody who waits.
type waiters struct {
	gone  int64 // bytes that have left since the first came
	marks []waitMark
}

// A waitMark is somebody who waits until so many bytes have left an outbox.
type waitMark struct {
	gone int64
	done chan struct{}
}

// add returns what is closed when the next n bytes have left.
func (w *waiters) add(n int) <-chan struct{} {
	m := waitMark{w.gone + int64(n), make(chan struct{})}
	w.marks = append(w.marks, m)
	return m.done
}

// left counts n bytes that have left, and reports whether nobody waits any more.
func (w *waiters) left(n int) bool {
	w.gone += int64(n)
	for len(w.marks) > 0 && w.marks[0].gone <= w.gone {
		close(w.marks[0].done)
		w.marks = w.marks[1:]
	}
	return len(w.marks) == 0
}

// moveTo lets all wait for the next n bytes: what they waited for has another form and length now.
func (w *waiters) moveTo(n int) {
	if w == nil {
		return
	}
	for i := range w.marks {
		w.marks[i].gone = w.gone + int64(n)
	}
}

func (w *waiters) end() {
	for _, m := range w.marks {
		close(m.done)
	}
}
