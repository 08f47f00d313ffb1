package outbound

import "sync/atomic"

// A Batch gathers the outboxes that one broadcast made dirty, so that each worker is told once and not for each client.
// The zero value is ready for use; a Batch is used by one goroutine at a time.
type Batch struct {
	id    uint64 // told from all other batches; 0 until first used
	parts []batchPart
}

type batchPart struct {
	worker *worker
	dirty  []*Outbox
}

// batches is the last id that a Batch was given.
var batches atomic.Uint64

func (b *Batch) identify() uint64 {
	if b.id == 0 {
		b.id = batches.Add(1)
	}
	return b.id
}

func (b *Batch) add(o *Outbox) {
	for i := range b.parts {
		if p := &b.parts[i]; p.worker == o.worker {
			p.dirty = append(p.dirty, o)
			return
		}
	}
	b.parts = append(b.parts, batchPart{o.worker, []*Outbox{o}})
}

// Flush hands over what was gathered and empties the batch.
func (b *Batch) Flush() {
	for i := range b.parts {
		if p := &b.parts[i]; len(p.dirty) > 0 {
			p.dirty = p.worker.addAll(p.dirty)
		}
	}
}
