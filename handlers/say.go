package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// said is one message as it came in.
type said struct {
	data, options socketio.Arg
	held          int // bytes of memory that the two are part of
}

// receipt answers "message": the offset, and the time in Unix milliseconds, which is left out (0) of a repetition whose first is not
// held any more. It is written by hand, as encoding/json took 2 % of what a message with an answer costs.
func receipt(offset uint64, at int64) json.RawMessage {
	r := make(json.RawMessage, 0, 64)
	r = strconv.AppendUint(append(r, `{"offset":`...), offset, 10)
	if at != 0 {
		r = strconv.AppendInt(append(r, `,"at":`...), at, 10)
	}
	return append(r, '}')
}

// say has a message stored. The answer comes when it is, and then the news. It waits while too much of the same speaker waits
// to be stored, until the speaker has left.
func (r *Room) say(sp *speaker, at listener, m said, to answerer) error {
	key, err := keyIn(m.options)
	if err != nil {
		return err
	}
	e := feed.Entry{From: sp.name, ID: sp.id, Key: key}
	if key != "" {
		e.Sender = sp.sender()
	}
	e.Data, e.Attachments = m.data.Parts()
	if m.held > 2*len(e.Data)+1024 && len(e.Attachments) == 0 {
		e.Data = bytes.Clone(e.Data) // the feed counts and keeps what was said, not what came with it
	}
	size := len(e.Data) + len(key)
	for _, a := range e.Attachments {
		size += len(a)
	}
	sp.pending.enter(size, at)
	err = r.feed.Append(e, func(e *feed.Entry, duplicate bool, err error) {
		defer r.guard()
		r.told(sp, size, m.data, e, duplicate, err, to)
	})
	if err != nil {
		sp.pending.leave(size)
		return notTaken(err)
	}
	return nil
}

// told is called by the feed, one entry at a time in the order of offsets.
func (r *Room) told(sp *speaker, size int, data socketio.Arg, e *feed.Entry, duplicate bool, err error, to answerer) {
	switch {
	case err != nil:
		to.refuse(notTaken(err))
	case duplicate:
		r.repeats.Add(1)
		go r.repeated(sp, size, *e, to) // ends when the first has been read; Wait waits for it
		return
	default:
		r.answer(to, receipt(e.Offset, e.At))
		r.tellAll(data, e)
	}
	sp.pending.leave(size)
}

// guard keeps a panic from ending the process: the feed's publisher is nobody's handler.
func (r *Room) guard() {
	if p := recover(); p != nil {
		r.log.Error("passing on what was said panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	}
}

// repeated answers for a message that was said before. What was said then may have to be read from the disk, for which
// nobody else shall wait.
func (r *Room) repeated(sp *speaker, size int, again feed.Entry, to answerer) {
	defer r.repeats.Done()
	defer sp.pending.leave(size)
	defer r.guard()
	held, err := r.read(again.Offset-1, again.Offset, 1)
	switch {
	case err != nil:
		to.refuse(err)
	case len(held) == 0 || held[0].Offset != again.Offset:
		r.answer(to, receipt(again.Offset, 0))
	case !bytes.Equal(held[0].Data, again.Data) || !slices.EqualFunc(held[0].Attachments, again.Attachments, bytes.Equal):
		to.refuse(&socketio.Error{Code: "id_taken", Message: "this id was used before, and something else was said then"})
	default:
		r.answer(to, receipt(held[0].Offset, held[0].At))
	}
}

// notTaken is what a speaker is told of an error of the feed, which has logged the cause.
func notTaken(err error) error {
	switch {
	case errors.Is(err, feed.ErrBusy):
		return &socketio.Error{Code: "busy", Message: "too much waits to be stored; say it again later"}
	case errors.Is(err, feed.ErrTooLarge):
		return &socketio.Error{Code: "too_large", Message: fmt.Sprintf("a message may have %d bytes", feed.MaxEntryBytes)}
	default:
		return &socketio.Error{Code: "not_stored", Message: "it could not be stored, and was not said"}
	}
}
