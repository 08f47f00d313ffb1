package feed

import (
	"context"
	"time"
)

// On an Instant store nothing is gained by storing one batch while another is published. There whoever appends also
// stores and publishes, if nobody is at it, and goes on with what others append meanwhile. A message that comes
// alone, which is how most come, is not handed from goroutine to goroutine twice.
//
// Whoever sets working is the only one who touches the store and calls done until it is cleared again.

// mostForOthers is how many entries one Append works through before it leaves the rest to the log's own goroutine: a
// client shall not be kept for long from what it says next.
const mostForOthers = 256

// serve does what has no Append to do it, until the log is closed and nothing waits any more.
func (l *Log) serve() {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.wake:
			l.alone(func() {})
		case now := <-tick.C:
			l.alone(func() { l.direct.idle(now) })
		case seam := <-l.seams:
			l.alone(func() { seam(l.last.Load()) })
		}
		if l.isOver() {
			l.closed = l.store.Close()
			close(l.ended)
			return
		}
	}
}

// isOver says that nothing will ever be to do any more.
func (l *Log) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shutting && !l.working && l.next == nil
}

// alone runs f between two publications, and then works off what waits; or it leaves f to whoever is at it.
func (l *Log) alone(f func()) {
	l.mu.Lock()
	if l.working {
		l.chores = append(l.chores, f)
		l.mu.Unlock()
		return
	}
	l.working = true
	l.mu.Unlock()
	f()
	l.work(1 << 30)
}

// work stores and publishes what waits, up to so many entries and the rest of a batch. The caller has set working.
func (l *Log) work(most int) {
	for {
		w, chores := l.toDo(most > 0)
		switch {
		case chores:
			l.doChores()
		case w == nil:
			return
		default:
			most -= len(w.entries)
			l.expireAt(w.now)
			w.err = l.store.Append(context.Background(), w.entries, w.forResults())
			l.direct.count(len(w.entries), w.bytes)
			l.tell(w)
			l.reuse(w)
		}
	}
}

// toDo returns what is to do next. When that is nothing, or no more is wanted, it clears working, and wakes serve if
// there is a reason to.
func (l *Log) toDo(more bool) (w *work, chores bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.chores) > 0 {
		return nil, true
	}
	if more && l.next != nil {
		return l.nextWork(), false
	}
	l.working = false
	if l.shutting || l.next != nil {
		l.signal()
	}
	return nil, false
}

func (l *Log) doChores() {
	l.mu.Lock()
	chores := l.chores
	l.chores = nil
	l.mu.Unlock()
	for _, f := range chores {
		f()
	}
}
