package feed

import (
	"context"
	"fmt"
	"runtime/debug"
)

// seamsBetween is how many seams may pass between two entries, so that newcomers cannot hold up what is said.
const seamsBetween = 32

// publish tells what became of entries, in order, until the committer has ended.
func (l *Log) publish() {
	for {
		select {
		case w, ok := <-l.stored:
			if !ok {
				l.closed = l.store.Close()
				close(l.ended)
				return
			}
			l.tell(w)
			l.reuse(w)
		case seam := <-l.seams:
			seam(l.last.Load())
		}
	}
}

func (l *Log) tell(w *work) {
	if w.err == nil {
		l.noteHeld()
		l.mayExpire(w.entries)
	}
	for i := range w.entries {
		e := &w.entries[i]
		size := e.Size()
		switch r := w.results[i]; {
		case w.err != nil:
			l.counts.failed.Add(1)
			l.guard(func() { w.dones[i](Result{}, w.err) })
		case r.Repeated:
			l.counts.repeated.Add(1)
			l.guard(func() { w.dones[i](r, nil) })
		default:
			// First it can be read: whoever is told of it, and asks for it at once, must find it.
			l.recent.add(*e)
			l.last.Store(e.Offset)
			l.counts.stored.Add(1)
			l.guard(func() { w.dones[i](r, nil) })
			if l.tail != nil {
				l.guard(func() { l.tail(e) })
			}
		}
		if l.release(size) {
			l.doChores()
		}
		l.passSeams()
	}
}

// guard keeps a panic of a callback from ending the process: the publisher is nobody's handler.
func (l *Log) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			if held, ok := l.lines.panics.Next(); ok {
				l.opts.Logger.Error("feed: a callback panicked",
					"panic", fmt.Sprint(p), "stack", string(debug.Stack()), "not_logged", held)
			}
		}
	}()
	f()
}

func (l *Log) passSeams() {
	for range seamsBetween {
		select {
		case seam := <-l.seams:
			seam(l.last.Load())
		default:
			return
		}
	}
}

// Seam runs f between two publications and returns when it has: all entries up to last have been passed on by their
// done, and none after it. So a reader that f adds to those that are passed the news gets everything after last from
// there, and has to read everything up to last, exactly once each. F must be quick, and call neither Seam nor Close.
//
// It does not wait for the store, only for the done that is running. It returns ErrClosed after Close, and the
// context's error if that is over before f runs.
func (l *Log) Seam(ctx context.Context, f func(last uint64)) error {
	ran := make(chan struct{})
	seam := func(last uint64) {
		defer close(ran)
		l.guard(func() { f(last) })
	}
	select {
	case l.seams <- seam:
		<-ran
		return nil
	case <-l.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}
