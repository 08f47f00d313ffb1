package handlers

import (
	"context"
	"errors"
	"fmt"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// pageEntries is how many entries are read for a client at a time.
const pageEntries = 256

// A beginning is where a speaker that registers is to go on.
type beginning struct {
	after    uint64       // the offset behind which it begins
	newest   uint64       // the newest when it was answered
	complete *bool        // with since: nothing after it is missing
	next     uint64       // if something is: the offset of the first news
	page     []feed.Entry // the first page of what is to come, if there is any
}

// begin finds what a speaker gets. What can't be read is an error before anything has changed.
func (r *Room) begin(sp *speaker, w wish) (beginning, error) {
	newest, err := r.newest(sp)
	if err != nil {
		return beginning{}, err
	}
	first := r.feed.First()
	b := beginning{after: newest, newest: newest}
	switch {
	case w.since != nil && *w.since > newest: // from another feed: it tells nothing of this one
		b.complete, b.next = new(bool), newest+1
	case sp.registered && w.since != nil:
		b.judge(*w.since, sp.heardAfter)
	case sp.registered:
	case w.since == nil:
		b.after -= min(w.history, newest+1-first)
	default:
		b.after = max(*w.since, first-1)
		b.judge(*w.since, b.after)
	}
	if b.after < newest {
		err = r.readFirst(&b, w)
	}
	return b, err
}

// newest returns the newest offset. Of what is just being passed on one who is registered must have heard when it is told of it;
// all others read it.
func (r *Room) newest(sp *speaker) (offset uint64, err error) {
	if !sp.registered {
		return r.feed.Last(), nil
	}
	err = r.feed.Seam(context.Background(), func(last uint64) { offset = last })
	if err != nil {
		return 0, notTaken(err)
	}
	return offset, nil
}

// readFirst reads the first page, whose beginning may have been retired meanwhile.
func (r *Room) readFirst(b *beginning, w wish) (err error) {
	b.page, err = r.read(b.after, 0, pageEntries)
	if len(b.page) > 0 && b.page[0].Offset != b.after+1 {
		b.after = b.page[0].Offset - 1
		if w.since != nil {
			b.judge(*w.since, b.after)
		}
	}
	return err
}

// judge says whether one who knows everything up to since, and hears everything after from, misses nothing.
func (b *beginning) judge(since, from uint64) {
	complete := since >= from
	b.complete, b.next = &complete, 0
	if !complete {
		b.next = from + 1
	}
}

// errLost says that entries were retired before a client had heard them. It must come again to learn that.
var errLost = errors.New("what it missed was retired before it could be told")

// catchUp tells a client everything after sp.told, page by page as fast as it takes them, and lets it join those who hear what
// is newer at the very point where the two meet.
func (r *Room) catchUp(sp *speaker, at listener, page []feed.Entry) error {
	for try := 0; ; try++ {
		if err := sp.hearAll(at, page); err != nil {
			return err
		}
		if len(page) > 0 {
			if err := at.Flushed(); err != nil {
				return err
			}
		}
		if joined, err := r.join(sp, at, try); joined || err != nil {
			return err
		}
		var err error
		if page, err = r.read(sp.told, 0, pageEntries); err != nil {
			return err
		}
		if len(page) == 0 {
			return errLost
		}
	}
}

// hearAll queues entries that must follow on sp.told. Those that are queued for a client that is just being lost count: they
// come first if it is recovered.
func (sp *speaker) hearAll(at listener, entries []feed.Entry) error {
	for i := range entries {
		if entries[i].Offset != sp.told+1 {
			return errLost
		}
		err := at.hear(&entries[i])
		if !errors.Is(err, socketio.ErrDisconnected) {
			sp.told++
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mostAtSeam is how many entries the publisher tells a newcomer at the seam, while everybody waits. A client that is slower
// than what is said would never come to the seam with a page; so the limit grows with each try, up to what memory holds.
func mostAtSeam(try int) uint64 { return 64 << min(try, 4) }

// join tells a client the last entries and lets it join, between two publications; false if there is too much left.
func (r *Room) join(sp *speaker, at listener, try int) (joined bool, err error) {
	seamErr := r.feed.Seam(context.Background(), func(last uint64) {
		if last-sp.told > mostAtSeam(try) {
			return
		}
		rest, ok := r.feed.Recent(sp.told)
		if !ok || bytesOf(rest) > r.pageBytes {
			return
		}
		if err = sp.hearAll(at, rest); err == nil {
			at.Join()
			joined = true
		}
	})
	return joined, errors.Join(seamErr, err)
}

func bytesOf(entries []feed.Entry) (n int) {
	for i := range entries {
		n += len(entries[i].Data)
		for _, a := range entries[i].Attachments {
			n += len(a)
		}
	}
	return n
}

// read reads entries after an offset for a client; see readsAtOnce.
func (r *Room) read(after, end uint64, limit int) (page []feed.Entry, err error) {
	r.reads <- struct{}{}
	defer func() { <-r.reads }()
	page, err = r.feed.Read(after, end, limit, r.pageBytes)
	return page, r.notRead(err)
}

// notRead is what a client is told when the feed can't be read.
func (r *Room) notRead(err error) error {
	if err == nil {
		return nil
	}
	r.log.Error("the feed can't be read", "error", err)
	return fmt.Errorf("%w", &socketio.Error{Code: "not_read", Message: "what was said before can't be read now"})
}
