package handlers

import (
	"encoding/json"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// mostAttachments is how many binary attachments a page of history has, unless its only entry has more: clients refuse a packet
// with more than 10 (socket.io-parser 4.2.7, maxAttachments).
const mostAttachments = 10

// A page answers "history".
type page struct {
	Entries []pageEntry `json:"entries"`
	First   uint64      `json:"first"`  // the oldest offset held, or the next to come if nothing is
	Offset  uint64      `json:"offset"` // the newest
}

type pageEntry struct {
	Data socketio.Arg `json:"data"`
	meta
}

// history answers with the entries before an offset. It returns when the client has taken the page, so that one who asks for
// many is not given all at once.
func (r *Room) history(at listener, options socketio.Arg, to answerer) error {
	var given struct{ Before, Limit json.RawMessage }
	if _, err := object(options, &given); err != nil {
		return badOptions(err)
	}
	before, hasBefore, err := whole("before", given.Before)
	if err != nil {
		return badOptions(err)
	}
	limit, hasLimit, err := atMost("limit", given.Limit, mostEntries)
	if err != nil {
		return badOptions(err)
	}
	if !hasLimit {
		limit = usualEntries
	}
	if hasBefore && before == 0 {
		limit = 0 // which to the feed means the newest
	}
	entries, err := r.readBefore(before, int(limit))
	if err != nil {
		return err
	}
	answer := page{Entries: make([]pageEntry, len(entries)), First: r.feed.First(), Offset: r.feed.Last()}
	for i := range entries {
		data, err := argOf(&entries[i])
		if err != nil {
			return r.notRead(err)
		}
		answer.Entries[i] = pageEntry{data, metaOf(&entries[i])}
	}
	r.answer(to, answer)
	_ = at.Flushed() // if it has left, nothing more is to be done
	return nil
}

// readBefore returns the last entries before an offset (0: of all) that fit on a page.
func (r *Room) readBefore(before uint64, limit int) ([]feed.Entry, error) {
	r.reads <- struct{}{}
	defer func() { <-r.reads }()
	entries, err := r.feed.Before(before, limit, r.pageBytes)
	attachments := 0
	for i := len(entries) - 1; i >= 0; i-- {
		attachments += len(entries[i].Attachments)
		if attachments > mostAttachments && i < len(entries)-1 {
			return entries[i+1:], r.notRead(err)
		}
	}
	return entries, r.notRead(err)
}
