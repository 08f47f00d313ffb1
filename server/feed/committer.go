package feed

import (
	"context"
	"time"
)

const (
	// probeEvery is how often a store is checked, and how often one that failed is tried while nothing is appended.
	probeEvery = 2 * time.Second
	// retireEvery is how often age is looked at while little is appended.
	retireEvery = time.Minute
)

// commit brings what waits to the store, until the log is closed and nothing waits any more.
func (l *Log) commit() {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	defer close(l.stored)
	c := committer{Log: l, retired: time.Now()}
	for {
		w, more := l.take()
		switch {
		case w != nil:
			c.store(w)
			select {
			case now := <-tick.C: // however much there is to store
				c.look(now)
			default:
			}
		case !more:
			return
		default:
			select {
			case <-l.wake:
			case now := <-tick.C:
				c.idle(now)
			}
		}
	}
}

// committer is the state of that goroutine.
type committer struct {
	*Log
	entries int // stored since limits were applied
	bytes   int
	retired time.Time // when that was

	toldFault bool // the log said last that the store does not work
}

func (c *committer) store(w *work) {
	c.expireAt(w.now)
	c.ask(func() error {
		w.err = c.Log.store.Append(context.Background(), w.entries, w.forResults())
		return w.err
	})
	entries, bytes := len(w.entries), w.bytes // it is the publisher's from here on
	c.stored <- w
	c.count(entries, bytes)
}

// count gives back room when enough was stored since that was done last.
func (c *committer) count(entries, bytes int) {
	c.entries += entries
	c.bytes += bytes
	// A hundredth of a limit is little room to hold and enough to make the work rare.
	if c.entries > c.opts.MaxEntries/100 || int64(c.bytes) > c.opts.MaxBytes/100 {
		c.giveBack(time.Now())
	}
}

// idle looks after the store while nothing is appended. Then one that failed is tried; else what is appended tells.
func (c *committer) idle(now time.Time) {
	if c.fault.Load() != nil {
		c.ask(func() error { return c.Log.store.Probe(context.Background()) })
	}
	c.look(now)
}

// look looks after the store, every few seconds.
func (c *committer) look(now time.Time) {
	if c.fault.Load() == nil {
		c.ask(func() error { return c.Log.store.Check(context.Background()) })
	}
	if now.Sub(c.retired) >= retireEvery {
		c.limit()
		c.giveBack(now)
	}
}

func (c *committer) giveBack(now time.Time) {
	c.entries, c.bytes, c.retired = 0, 0, now
	c.busy(c.retire)
}

// ask has the store do something, and keeps what it said.
func (c *committer) ask(do func() error) {
	var err error
	c.busy(func() { err = do() })
	c.note(err)
}

// busy lets Health know for how long the store works on something.
func (c *committer) busy(do func()) {
	now := time.Now()
	c.busySince.Store(&now)
	do()
	c.busySince.Store(nil)
}

// note keeps what the store says, and logs when that changes between good and bad. Of a store that changes all the
// time not each change has a line. What the log said last becomes true again with the next look, at the latest.
func (c *committer) note(err error) {
	if err == nil {
		c.fault.Store(nil)
	} else {
		c.fault.Store(&err)
	}
	if (err != nil) == c.toldFault {
		return
	}
	held, ok := c.lines.store.Next()
	switch {
	case !ok:
		return
	case err != nil:
		c.opts.Logger.Error("feed: the store does not work", "error", err, "not_logged", held)
	default:
		c.opts.Logger.Info("feed: the store works again", "not_logged", held)
	}
	c.toldFault = err != nil
}
