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

// mostAttachments is how many binary attachments a page of history has, unless its only entry has more: clients refuse
// a packet with more than 10 (socket.io-parser 4.2.7, maxAttachments). With any, no entry has an object that looks
// like the place of one.
const mostAttachments = 10

// A historyPage answers "history".
type historyPage struct {
	Entries []pageEntry `json:"entries"`
	First   uint64      `json:"first"`  // the oldest offset held, or the next to come if nothing is
	Offset  uint64      `json:"offset"` // the newest
}

type pageEntry struct {
	Data socketio.Arg `json:"data"`
	meta
}

func doHistory(c Call) error {
	if !c.WantsAnswer() {
		return nil // it is nothing but an answer
	}
	c.afford()
	before, limit, err := c.pageWanted()
	if err != nil {
		return err
	}
	entries, err := c.core.readBefore(c.at, before, limit)
	if err != nil {
		return err
	}
	page, err := onOnePage(entries)
	if err != nil {
		return c.core.notRead(c.at, err)
	}
	bounds := c.core.feed.Bounds()
	c.Answer(historyPage{page, bounds.First, bounds.Last})
	c.charge(bytesOf(entries[len(entries)-len(page):]))
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

// onOnePage returns the last entries that may go to a client together, with their data.
func onOnePage(entries []feed.Entry) (page []pageEntry, err error) {
	attachments, literal := 0, false
	first := len(entries)
	all := make([]pageEntry, len(entries))
	for i := len(entries) - 1; i >= 0; i-- {
		e := &entries[i]
		data, err := argOf(e)
		if err != nil {
			return nil, err
		}
		attachments += len(e.Attachments)
		literal = literal || data.HasLiteralPlaceholder()
		if first < len(entries) && (attachments > mostAttachments || attachments > 0 && literal) {
			break
		}
		all[i] = pageEntry{data, metaOf(e)}
		first = i
	}
	return all[first:], nil
}
