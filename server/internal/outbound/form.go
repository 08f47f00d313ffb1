package outbound

import "errors"

// ErrForm says that frames stand in another form than the queue's: the client's transport has changed since they were
// encoded.
var ErrForm = errors.New("outbound: the queue has another form")

// Form returns the form in which frames stand in the queue. What the numbers mean is up to the owner.
func (o *Outbox) Form() uint8 { return uint8(o.form.Load()) }

// SetForm sets the form, for all pushes that begin afterwards. Of the form before, the bits in keep stay.
func (o *Outbox) SetForm(form, keep uint8) {
	for {
		before := o.form.Load()
		if o.form.CompareAndSwap(before, uint32(form)|before&uint32(keep)) {
			return
		}
	}
}

// AddForm sets bits of the form, for all pushes that begin afterwards.
func (o *Outbox) AddForm(bits uint8) { o.form.Or(uint32(bits)) }

// Landed says that n bytes of what TakeUpTo has returned are held no longer.
func (o *Outbox) Landed(n int) {
	if n == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.land(n)
}

// PushAs is Push for frames of a form. ErrForm means that the queue has another one by now, and took nothing.
func (o *Outbox) PushAs(form uint8, f Frames) error {
	o.mu.Lock()
	dirty, err := o.push(form, f)
	if dirty {
		o.unlockAndList()
	} else {
		o.mu.Unlock()
	}
	return err
}

// PushBatchAs is PushBatch for frames of a form: see PushAs.
func (o *Outbox) PushBatchAs(form uint8, f Frames, b *Batch) error {
	id := b.identify()
	o.mu.Lock()
	dirty, err := o.push(form, f)
	dirty = dirty && !o.listed && o.batch != id
	if dirty {
		o.batch = id
	}
	o.mu.Unlock()
	if dirty {
		b.add(o)
	}
	return err
}
