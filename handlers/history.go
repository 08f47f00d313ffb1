package handlers

import (
	"encoding/json"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// history answers with what was said before an offset.
var history = &Event{
	Name:    "history",
	Options: []string{"before", "limit"},
	Answer:  []string{"entries", "first", "offset"},
	Errors:  []string{"bad_options", "not_read"},
	Do:      doHistory,
}

const (
	usualEntries = 50 // on a page
	mostEntries  = 100
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

func doHistory(c Call) error {
	if err := c.afford(); err != nil {
		return err
	}
	before, limit, err := c.pageWanted()
	if err != nil {
		return err
	}
	entries, err := c.core.readBefore(c.at, before, limit)
	if err != nil {
		return err
	}
	entries = withFewAttachments(entries)
	bounds := c.core.feed.Bounds()
	answer := page{Entries: make([]pageEntry, len(entries)), First: bounds.First, Offset: bounds.Last}
	for i := range entries {
		data, err := argOf(&entries[i])
		if err != nil {
			return c.core.notRead(c.at, err)
		}
		answer.Entries[i] = pageEntry{data, metaOf(&entries[i])}
	}
	c.Answer(answer)
	c.charge(bytesOf(entries))
	return nil
}

// pageWanted reads the options: the page ends before an offset (0: the newest), and has at most limit entries.
func (c Call) pageWanted() (before uint64, limit int, err error) {
	var given struct{ Before, Limit json.RawMessage }
	if _, err := object(c.Arg(0), &given); err != nil {
		return 0, 0, badOptions(err)
	}
	before, hasBefore, err := whole("before", given.Before)
	if err != nil {
		return 0, 0, badOptions(err)
	}
	n, hasLimit, err := atMost("limit", given.Limit, mostEntries)
	switch {
	case err != nil:
		return 0, 0, badOptions(err)
	case !hasLimit:
		n = usualEntries
	}
	if hasBefore && before == 0 {
		n = 0 // which to the feed means the newest
	}
	return before, int(n), nil
}

// withFewAttachments returns the last entries that a client takes on one page.
func withFewAttachments(entries []feed.Entry) []feed.Entry {
	attachments := 0
	for i := len(entries) - 1; i >= 0; i-- {
		attachments += len(entries[i].Attachments)
		if attachments > mostAttachments && i < len(entries)-1 {
			return entries[i+1:]
		}
	}
	return entries
}
