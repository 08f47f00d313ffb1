package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// message stores what a client says; then the feed's tail passes it on.
var message = &Event{
	Name:    "message",
	Takes:   []string{"data"},
	Options: []string{"id"},
	Answer:  []string{"offset", "at?"},
	Errors:  []string{"bad_message", "bad_name", "id_taken", "rate", "busy", "not_stored", "too_large"},
	Do:      doMessage,
}

// doMessage has a message stored. The answer comes when it is, and then the news. It waits while too much of the same
// speaker waits to be stored, or the speaker has said too much, until it has left. What is stored already is answered
// at once, whatever the speaker has said and whether or not more can be stored: it costs no more than any other event.
func doMessage(c Call) error {
	if c.Len() == 0 {
		return badMessage("a message needs data")
	}
	e, err := c.entry()
	if err != nil {
		return err
	}
	if first, known := c.core.feed.Known(&e); known {
		c.repeated(first)
		return nil
	}
	if c.held > 2*len(e.Data)+1024 && len(e.Attachments) == 0 {
		e.Data = bytes.Clone(e.Data) // the feed counts and keeps what was said, not what came with it
	}
	size := len(e.Data) + len(e.Key)
	for _, a := range e.Attachments {
		size += len(a)
	}
	c.slow(size)
	if kept := c.core.opts.Kept; kept != nil && !kept.May(c.at.Address(), size, time.Now()) {
		return refusal("rate", "too much of what is kept was said from here; say it again later")
	}
	c.by.pending.reserve(size, c.at)
	data := c.Arg(0)
	err = c.core.feed.Append(c.at.turn(), e, func(r feed.Result, err error) {
		defer c.by.pending.release(size)
		c.stored(data, size, r, err)
	})
	if err != nil {
		c.by.pending.release(size)
		return notTaken(err)
	}
	return nil
}

// entry makes an entry of what the client says, if it can be told to everybody.
func (c Call) entry() (e feed.Entry, err error) {
	key, err := keyIn(c.Arg(1))
	if err != nil {
		return e, err
	}
	from, err := c.core.nameOf(c.by)
	if err != nil {
		return e, err
	}
	e = feed.Entry{From: from, ID: c.by.id, Key: key}
	e.Data, e.Attachments = c.Arg(0).Parts()
	if err := canBeTold(c.Arg(0), len(e.Attachments)); err != nil {
		return e, err
	}
	if key != "" {
		c.by.claim(&e)
	}
	return e, nil
}

// canBeTold says whether every kind of client can be told what was said. Common JSON readers of other languages can't
// read some numbers and texts. Plain clients are told attachments as base64 within JSON, where one that is named many
// times would be as many texts. And beside attachments, what looks like the place of one would be taken for that.
func canBeTold(data socketio.Arg, attachments int) error {
	if err := data.Portable(); err != nil {
		return badMessage("not every client can read it: " + err.Error())
	}
	if attachments == 0 {
		return nil
	}
	if data.CanInline() != nil {
		return badMessage("it names its attachments too often")
	}
	if data.HasLiteralPlaceholder() {
		return badMessage("beside attachments, no object may have a member _placeholder")
	}
	return nil
}

// stored is called by the feed, for one entry at a time in the order of offsets, right before its tail.
func (c Call) stored(data socketio.Arg, size int, r feed.Result, err error) {
	switch {
	case err != nil:
		c.to.refuse(notTaken(err))
	case r.Repeated:
		c.repeated(r)
	default:
		c.core.fresh = fresh{r.Offset, data}
		c.count(size)
		c.Answer(receipt(r))
	}
}

// repeated answers what was said before.
func (c Call) repeated(first feed.Result) {
	if !first.Same {
		c.to.refuse(refusal("id_taken", "this id was used before, and something else was said then"))
		return
	}
	c.Answer(receipt(first))
}

// count notes what the client's address owns of what is kept.
func (c Call) count(size int) {
	if kept := c.core.opts.Kept; kept != nil {
		kept.Add(c.at.Address(), size, time.Now())
	}
}

// receipt answers "message": the offset, and the time in Unix milliseconds, which is left out (0) of a repetition
// whose first is not held any more. It is written by hand, as encoding/json took 2 % of what a message with an answer
// costs.
func receipt(r feed.Result) json.RawMessage {
	text := make(json.RawMessage, 0, 64)
	text = strconv.AppendUint(append(text, `{"offset":`...), r.Offset, 10)
	if r.At != 0 {
		text = strconv.AppendInt(append(text, `,"at":`...), r.At, 10)
	}
	return append(text, '}')
}

// notTaken is what a speaker is told of an error of the feed, which has logged the cause.
func notTaken(err error) error {
	switch {
	case errors.Is(err, feed.ErrBusy):
		return refusal("busy", "too much waits to be stored; say it again later")
	case errors.Is(err, feed.ErrTooLarge):
		return refusal("too_large", fmt.Sprintf("a message may have %d bytes", feed.MaxEntryBytes))
	default:
		return refusal("not_stored", "it could not be stored, and was not said")
	}
}

func badMessage(why string) error { return refusal("bad_message", why) }
