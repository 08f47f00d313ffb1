package feed

import (
	"context"
	"math"
	"time"
)

// limit forgets what is past the limits.
func (l *Log) limit() {
	limits := Limits{Age: l.opts.MaxAge, Entries: l.opts.MaxEntries, Bytes: l.opts.MaxBytes}
	due := l.store.Limit(l.clock.now(), limits)
	if due.IsZero() {
		l.due.Store(math.MaxInt64)
		if l.store.Bounds().Entries > 0 { // something came meanwhile, and mayExpire may have been too early
			l.due.Store(0)
		}
	} else {
		l.due.Store(due.UnixMilli())
	}
	l.noteHeld()
}

// mayExpire sees to it that entries are noticed when they are too old, though there were none before them.
func (l *Log) mayExpire(entries []Entry) {
	if l.due.Load() != math.MaxInt64 {
		return
	}
	for i := range entries {
		l.due.Store(min(l.due.Load(), entries[i].At+l.opts.MaxAge.Milliseconds()))
	}
}

// expire forgets what has become too old, though nothing was appended since.
func (l *Log) expire() { l.expireAt(time.Now().UnixMilli()) }

func (l *Log) expireAt(now int64) {
	if now >= l.due.Load() {
		l.limit()
	}
}

// retire is called by one goroutine: New, then the committer.
func (l *Log) retire() {
	if err := l.store.Retire(context.Background()); err != nil {
		if held, ok := l.lines.retire.Next(); ok {
			l.opts.Logger.Warn("feed: what is too old or too much cannot be removed", "error", err, "not_logged", held)
		}
	}
}
