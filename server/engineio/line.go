package engineio

import "net/http"

// A Line is a connection that carries one request after the other.
type Line interface {
	// Watch has wake called when bytes arrive behind the request that is being handled, which has no body: at once if
	// there are some already, and otherwise by whoever reads them. It may be called more than once, and once more
	// after Unwatch; it returns at once.
	Watch(wake func())

	// Unwatch ends what Watch began.
	Unwatch()
}

// awaitOnLine is await for a poll that gives way to what its client sends behind it.
func (p *polling) awaitOnLine(r *http.Request, waiting *poll) (answer, error) {
	if line := p.lineOf(r); line != nil {
		line.Watch(p.giveWay)
		defer line.Unwatch()
	}
	return p.await(r.Context(), waiting)
}

// lineOf returns the line to be watched while a poll waits; nil for none.
func (p *polling) lineOf(r *http.Request) Line {
	if p.session.core.opts.Line == nil || r.ContentLength != 0 {
		return nil
	}
	return p.session.core.opts.Line(r)
}

// giveWay has the poll that waits answered at once: another request waits behind it.
func (p *polling) giveWay() {
	p.session.mu.Lock()
	defer p.session.mu.Unlock()
	if p.poll != nil {
		p.poll.release = true
		p.wake()
	}
}
