package handlers

import (
	"context"

	"github.com/crier/crier/server/feed"
)

// pageEntries is how many entries are read for a client at a time.
const pageEntries = 256

// read reads the entries after an offset for a client. What memory holds needs no place, and never waits.
func (c *Core) read(ctx context.Context, at listener, after uint64) (feed.Page, error) {
	if page, ok := c.feed.Recent(after, 0, pageEntries, c.opts.PageBytes); ok {
		return page, nil
	}
	return fromStore(ctx, c, at, func(ctx context.Context) (feed.Page, error) {
		return c.feed.Read(ctx, after, 0, pageEntries, c.opts.PageBytes)
	})
}

// readBefore reads the last entries before an offset (0: of all) for a client.
func (c *Core) readBefore(at listener, before uint64, limit int) ([]feed.Entry, error) {
	if entries, ok := c.feed.RecentBefore(before, limit, c.opts.PageBytes); ok {
		return entries, nil
	}
	return fromStore(noLimit, c, at, func(ctx context.Context) ([]feed.Entry, error) {
		return c.feed.Before(ctx, before, limit, c.opts.PageBytes)
	})
}

// A found is what a read brought.
type found[T any] struct {
	value T
	err   error
}

// fromStore has the feed's store read for a client, which waits no longer than Options.ReadTimeout, and not when it
// has left. A store that does not answer keeps the place until it does.
func fromStore[T any](
	ctx context.Context, c *Core, at listener, read func(context.Context) (T, error),
) (none T, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.ReadTimeout)
	defer cancel()
	go func() { // ends with cancel
		select {
		case <-at.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	release, err := c.opts.Reads.Acquire(ctx, at.turn())
	if err != nil {
		return none, c.notRead(at, err)
	}
	got := make(chan found[T], 1)
	c.work.Go(func() { // ends with the read
		defer release()
		var f found[T]
		defer func() { got <- f }()
		f.err = c.guarded(func() (err error) {
			f.value, err = read(ctx)
			return err
		})
	})
	select {
	case f := <-got:
		return f.value, c.notRead(at, f.err)
	case <-ctx.Done():
		return none, c.notRead(at, ctx.Err())
	}
}

// notRead is what a client is told when the feed can't be read.
func (c *Core) notRead(at listener, err error) error {
	switch {
	case err == nil:
		return nil
	case hasLeft(at, nil):
		return errLeft
	}
	if c.readFault.Allow() {
		c.log.Error("the feed can't be read", "error", err)
	}
	return refusal("not_read", "what was said before can't be read now")
}

// passedOn returns the newest offset, when all up to it have been passed on.
func (c *Core) passedOn() (last uint64, err error) {
	if err = c.feed.Seam(noLimit, func(offset uint64) { last = offset }); err != nil {
		return 0, notTaken(err)
	}
	return last, nil
}
