package handlers

import (
	"fmt"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// eventNews is what registered clients hear.
const eventNews = "news"

// A meta is the second argument of the news.
type meta struct {
	From   string `json:"from"` // empty: the sender has given no name
	ID     string `json:"id"`
	At     int64  `json:"at"`
	Offset uint64 `json:"offset"`
}

func metaOf(e *feed.Entry) meta { return meta{e.From, e.ID, e.At, e.Offset} }

// argOf returns what was said as it came in.
func argOf(e *feed.Entry) (socketio.Arg, error) { return socketio.RestoreArg(e.Data, e.Attachments) }

// fresh is the argument of an entry that was just stored by this process, as it came in. The feed calls the speaker's
// answer right before the tail, in one goroutine: so what was said here is passed on without being checked again.
type fresh struct {
	offset uint64
	data   socketio.Arg
}

// take returns the argument of an entry.
func (f *fresh) take(e *feed.Entry) (socketio.Arg, error) {
	was := *f
	*f = fresh{}
	if was.offset == e.Offset {
		return was.data, nil
	}
	return argOf(e)
}

// tell passes on what was stored, whoever stored it. It is the feed's tail: called with one entry at a time, in the
// order of offsets.
func (c *Core) tell(e *feed.Entry) {
	data, err := c.fresh.take(e)
	if err == nil {
		err = c.speakers.everybody.Emit(eventNews, data, metaOf(e))
	}
	if err != nil {
		c.notTold("news could not be passed on", e, err)
	}
	if err := c.tellAudience(data, e); err != nil {
		c.notTold("news could not be passed on to plain clients", e, err)
	}
}

func (c *Core) notTold(what string, e *feed.Entry, err error) {
	if c.tellFault.Allow() {
		c.log.Error(what, "offset", e.Offset, "error", err)
	}
}

func (c *Core) tellAudience(data socketio.Arg, e *feed.Entry) error {
	also := c.audience()
	if also == nil || !also.Wanted() {
		return nil
	}
	text, err := data.MarshalJSON()
	if err != nil {
		return fmt.Errorf("JSON can't hold them: %w", err)
	}
	return also.Publish(text, e.From, e.ID, e.At, e.Offset)
}
