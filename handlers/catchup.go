package handlers

import (
	"context"
	"errors"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// noLimit is the context of waits that the client's end alone ends.
var noLimit = context.Background()

// Why a client can't be told everything. It must come again, and then learns what is missing.
var (
	errLost    = errors.New("what it missed was retired before it could be told")
	errStalled = errors.New("it did not take what it missed in time")
	errTooMuch = errors.New("it missed more than it is told at once")
)

// What a client is told at once in its handler, without a place among those that catch up.
const (
	littleEntries = 64
	littleBytes   = 16 << 10
)

// A catchUp tells one client everything after speaker.told, page by page as fast as the client takes them, and lets it
// join those who hear what is newer at the very point where the two meet. Meanwhile the client's events are handled.
type catchUp struct {
	core *Core
	sp   *speaker
	at   listener

	told  int64         // bytes
	stop  func()        // ends it
	ended chan struct{} // closed when its goroutine has ended
}

// startHearing tells a speaker what it missed, of which page is the first part, and lets it hear the rest.
func (c *Core) startHearing(sp *speaker, at listener, page *feed.Page) {
	u := &catchUp{core: c, sp: sp, at: at}
	if page != nil && !c.isLittle(page) {
		u.start(page, false)
		return
	}
	joined, err := u.atOnce(page)
	switch {
	case err != nil:
		u.failed(err)
	case !joined:
		u.start(nil, true)
	}
}

// goOn tells a speaker that is recovered the rest of what it was being told. What it had not seen of the beginning
// comes first, and may fill its queue.
func (c *Core) goOn(sp *speaker, at listener) {
	u := &catchUp{core: c, sp: sp, at: at}
	u.start(nil, true)
}

func (c *Core) isLittle(page *feed.Page) bool {
	return page.UpTo >= c.feed.Last() && len(page.Entries) <= littleEntries && bytesOf(page.Entries) <= littleBytes
}

// atOnce tells a client the little that it missed. Not joined: more has come meanwhile.
func (u *catchUp) atOnce(page *feed.Page) (joined bool, err error) {
	if page != nil {
		if err := u.hear(page); err != nil {
			return false, err
		}
	}
	return u.join(noLimit, 0)
}

// start has a goroutine do it: one of the core's, which ends at the latest when the client has left. With flush, what
// was queued before has to be taken first.
func (u *catchUp) start(page *feed.Page, flush bool) {
	ctx, cancel := context.WithCancel(context.Background())
	u.stop, u.ended = cancel, make(chan struct{})
	u.sp.catchUp = u
	if u.core.catching.Add(1) > mostPages {
		page = nil // not kept by those who may have to wait for long: it is read again
	}
	u.core.work.Go(func() {
		defer close(u.ended)
		defer cancel()
		defer u.core.catching.Add(-1)
		err := u.core.guarded(func() error { return u.inTurn(ctx, page, flush) })
		if err != nil && ctx.Err() == nil {
			u.failed(err)
		}
	})
}

// mostPages is how many clients that wait for a place keep what was read for them: some 200 KiB each.
const mostPages = 64

// stopCatchUp ends the catch-up, if there is one, and returns when it has ended.
func (sp *speaker) stopCatchUp() {
	if sp.catchUp != nil {
		sp.catchUp.stop()
		<-sp.catchUp.ended
		sp.catchUp = nil
	}
}

// failed ends a client that can't be told everything. One that is leaving is left alone: what the server has ended is
// not recovered; and one that has left may be in the same session again, or in another namespace of it.
func (u *catchUp) failed(err error) {
	u.core.log.Debug("a client can't be told what it missed", "id", u.sp.id, "error", err)
	if !hasLeft(u.at, err) {
		u.at.CutOff()
	}
}

// inTurn is run with a place among those that catch up.
func (u *catchUp) inTurn(ctx context.Context, page *feed.Page, flush bool) error {
	release, err := u.core.opts.CatchUps.Acquire(ctx, u.at.turn())
	if err != nil {
		return err
	}
	defer release()
	return u.run(ctx, page, flush)
}

func (u *catchUp) run(ctx context.Context, page *feed.Page, flush bool) error {
	for try := 0; ; try++ {
		if page != nil {
			if err := u.hear(page); err != nil {
				return err
			}
		}
		if page != nil || flush {
			if err := u.flushed(ctx); err != nil {
				return err
			}
		}
		if joined, err := u.join(ctx, try); joined || err != nil {
			return err
		}
		read, err := u.core.read(ctx, u.at, u.sp.told)
		if err != nil {
			return err
		}
		page = &read
	}
}

// flushed waits until the client has taken what is queued.
func (u *catchUp) flushed(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, u.core.opts.CatchUpTimeout)
	defer cancel()
	err := u.at.Flushed(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil && !hasLeft(u.at, nil) {
		return errStalled
	}
	return err
}

// hear queues a page that must follow on what was told. Those entries that are queued for a client that is just being
// lost count: they come first if it is recovered.
func (u *catchUp) hear(page *feed.Page) error {
	if page.Missed {
		return errLost
	}
	size := int64(bytesOf(page.Entries))
	if u.told += size; u.told > u.core.opts.MaxCatchUpBytes {
		return errTooMuch
	}
	u.sp.toldBytes.Add(size)
	for i := range page.Entries {
		err := u.at.hear(&page.Entries[i])
		if !errors.Is(err, socketio.ErrDisconnected) {
			u.sp.told = page.Entries[i].Offset
		}
		if err != nil {
			return err
		}
	}
	u.sp.told = max(u.sp.told, page.UpTo)
	return nil
}

// mostAtSeam is how many entries the publisher tells a newcomer at the seam, while everybody waits. A client that is
// slower than what is said would never come to the seam with a page; so the limit grows with each try, up to what
// memory holds.
func mostAtSeam(try int) uint64 { return 64 << min(try, 4) }

// join tells a client the last entries and lets it join, between two publications; false if there is too much left.
func (u *catchUp) join(ctx context.Context, try int) (joined bool, err error) {
	most := mostAtSeam(try)
	if last := u.core.feed.Last(); last > u.sp.told && last-u.sp.told > most {
		return false, nil
	}
	err = errSeam // if it does not come to its end
	seam := u.core.feed.Seam(ctx, func(last uint64) { joined, err = u.joinAt(last, most) })
	if seam != nil {
		return false, seam
	}
	return joined, err
}

var errSeam = errors.New("what happens between two publications has failed")

func (u *catchUp) joinAt(last, most uint64) (joined bool, err error) {
	if last > u.sp.told {
		if last-u.sp.told > most {
			return false, nil
		}
		rest, ok := u.core.feed.Recent(u.sp.told, last, int(most), u.core.opts.PageBytes)
		if !ok || rest.UpTo < last {
			return false, nil
		}
		if err := u.hear(&rest); err != nil {
			return false, err
		}
	}
	u.at.Join()
	return true, nil
}

// bytesOf is about how many bytes entries have on their way to a client.
func bytesOf(entries []feed.Entry) (n int) {
	for i := range entries {
		n += 96 + len(entries[i].From) + len(entries[i].Data)
		for _, a := range entries[i].Attachments {
			n += len(a)
		}
	}
	return n
}
