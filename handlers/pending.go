package handlers

import "sync"

// What one speaker may have waiting to be stored. The feed takes 16,384 messages and 32 MiB from all together: no one
// is to take that alone, and these still let a sync be shared.
const (
	mostPending      = 64
	mostPendingBytes = 1 << 20
)

// pending counts what a speaker has waiting to be stored.
type pending struct {
	mu sync.Mutex // guards the following

	messages, bytes int
	freed           chan struct{} // closed when some is given back; nil while nobody waits for it
}

// reserve waits until a message of the size may be added, and adds it. One message is always taken; and who has left
// does not wait: what it has said was read before, so that is bounded.
func (p *pending) reserve(size int, at listener) {
	for {
		freed := p.tryReserve(size)
		if freed == nil {
			return
		}
		select {
		case <-freed:
		case <-at.Done():
			p.add(size)
			return
		}
	}
}

// tryReserve adds the message, or returns what will be closed when it may be tried again.
func (p *pending) tryReserve(size int) (freed chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.messages == 0 || p.messages < mostPending && p.bytes+size <= mostPendingBytes {
		p.messages++
		p.bytes += size
		return nil
	}
	if p.freed == nil {
		p.freed = make(chan struct{})
	}
	return p.freed
}

func (p *pending) add(size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages++
	p.bytes += size
}

// release gives back what reserve has added.
func (p *pending) release(size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages--
	p.bytes -= size
	if p.freed != nil {
		close(p.freed)
		p.freed = nil
	}
}
