package feed

import "context"

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
	duplicates := w.duplicates
	for i := range w.entries {
		e := &w.entries[i]
		size := e.size()
		switch {
		case w.err != nil:
			l.counts.failed.Add(1)
			w.dones[i](e, false, w.err)
		case len(duplicates) > 0 && duplicates[0] == i:
			duplicates = duplicates[1:]
			l.counts.repeated.Add(1)
			w.dones[i](e, true, nil)
		default:
			// First it can be read: whoever is told of it in done, and asks for it at once, must find it.
			l.recent.add(*e)
			l.last.Store(e.Offset)
			l.counts.stored.Add(1)
			w.dones[i](e, false, nil)
		}
		if l.release(size) {
			l.doChores()
		}
		l.passSeams()
	}
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

// Seam runs f between two publications and returns when it has: all entries up to last have been passed on by their done,
// and none after it. So a reader that f adds to those that are passed the news gets everything after last from there, and
// has to read everything up to last, exactly once each. F must be quick, and call neither Seam nor Close.
//
// It does not wait for the store, only for the done that is running. It returns ErrClosed after Close, and the
// context's error if that is over before f runs.
func (l *Log) Seam(ctx context.Context, f func(last uint64)) error {
	ran := make(chan struct{})
	seam := func(last uint64) {
		defer close(ran)
		f(last)
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
