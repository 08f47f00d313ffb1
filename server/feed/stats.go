package feed

import "sync/atomic"

// Stats are what has happened since the log was made, and how things stand.
type Stats struct {
	First, Last  uint64 // the offsets held: see Log.Bounds
	Held         int    // entries
	HeldBytes    int64  // of those: see Limits
	Waiting      int    // entries that are not published yet
	WaitingBytes int
	Working      bool // Health says nothing

	Stored   uint64 // entries
	Repeated uint64 // that their owner had said before
	Failed   uint64 // that the store refused
	Busy     uint64 // for which Append returned ErrBusy
	TooLarge uint64 // and ErrTooLarge
}

// counts are the counters among the Stats.
type counts struct{ stored, repeated, failed, busy, tooLarge atomic.Uint64 }

// Stats returns them.
func (l *Log) Stats() Stats {
	bounds := l.Bounds()
	s := Stats{
		First: bounds.First, Last: bounds.Last, Held: bounds.Entries, HeldBytes: bounds.Bytes, Working: l.Health() == nil,
		Stored: l.counts.stored.Load(), Repeated: l.counts.repeated.Load(), Failed: l.counts.failed.Load(),
		Busy: l.counts.busy.Load(), TooLarge: l.counts.tooLarge.Load(),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Waiting, s.WaitingBytes = l.waiting, l.bytes
	return s
}

// noteHeld lets the memory, and whoever wants to know, follow what the store holds.
func (l *Log) noteHeld() {
	b := l.store.Bounds()
	l.recent.forget(b.First)
	if l.opts.Held != nil {
		l.opts.Held(b.Entries, b.Bytes)
	}
}
