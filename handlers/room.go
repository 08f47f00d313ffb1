package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// speakers is the Socket.IO room of all registered sockets.
const speakers = "speakers"

// A Feed holds what was said. [feed.Log] is one; what each method promises is told there.
type Feed interface {
	Append(e feed.Entry, done feed.Done) error
	Seam(ctx context.Context, f func(last uint64)) error
	First() uint64
	Last() uint64
	Recent(after uint64) (entries []feed.Entry, ok bool)
	Read(after, end uint64, limit, maxBytes int) ([]feed.Entry, error)
	Before(before uint64, limit, maxBytes int) ([]feed.Entry, error)
}

// readsAtOnce is how many clients have the feed read for them at a time. A read from the disk may hold a megabyte and more,
// and takes a millisecond; who comes next waits.
const readsAtOnce = 8

// A Room is where speakers are heard. All methods may be called concurrently.
type Room struct {
	io        *socketio.Server
	log       *slog.Logger
	feed      Feed
	everybody *socketio.Broadcast
	maxName   int // characters
	pageBytes int
	present   roll

	reads   chan struct{}  // has as many in it as read the feed at the moment
	repeats sync.WaitGroup // goroutines that look at what was said again

	mu sync.Mutex // guards the following

	also Audience
}

// An Audience hears the news beside the sockets of Socket.IO.
type Audience interface {
	// Wanted says whether anybody would hear them.
	Wanted() bool
	// Publish must queue and return: the room waits for it. Calls come one at a time, in the order of the news. data is JSON,
	// with binary parts as base64.
	Publish(data json.RawMessage, from, id string, at int64, offset uint64) error
}

// Also adds an audience. There is one at most.
func (r *Room) Also(a Audience) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.also = a
}

func (r *Room) audience() Audience {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.also
}

// Wait returns when the room has no goroutine left. It is called when the feed has closed.
func (r *Room) Wait() { r.repeats.Wait() }

// A presence answers "f": the speaker's name as it was taken, the id that others see, how many are registered, the
// names of the first of them, and where the feed is.
type presence struct {
	Name     string   `json:"name"`
	ID       string   `json:"id"`
	Count    int      `json:"count"`
	Names    []string `json:"names"`
	Offset   uint64   `json:"offset"`
	Complete *bool    `json:"complete,omitempty"`
	Next     uint64   `json:"next,omitempty"`
}

// register gives sp a name, and lets it hear what it missed and all that is newer. An error before the answer is the answer.
func (r *Room) register(sp *speaker, at listener, nameArg, options socketio.Arg, to answerer) error {
	name, err := nameIn(nameArg, r.maxName)
	if err != nil {
		return err
	}
	wish, err := wishIn(options)
	if err != nil {
		return err
	}
	begin, err := r.begin(sp, wish)
	if err != nil {
		return err
	}
	r.present.enter(sp, name)
	count, names := r.present.list()
	r.answer(to, &presence{name, sp.id, count, names, begin.newest, begin.complete, begin.next})
	if sp.registered {
		return nil
	}
	sp.registered, sp.heardAfter, sp.told = true, begin.after, begin.after
	r.tell(sp, at, begin.page)
	return nil
}

// goOn tells a speaker that is recovered the rest of what it was being told. What it had not seen of the beginning comes first,
// and may fill its queue.
func (r *Room) goOn(sp *speaker, at listener) {
	if at.Flushed() == nil { // else it is lost again
		r.tell(sp, at, nil)
	}
}

func (r *Room) tell(sp *speaker, at listener, page []feed.Entry) {
	err := r.catchUp(sp, at, page)
	if err == nil {
		return
	}
	r.log.Debug("a client can't be told what it missed", "name", sp.name, "id", sp.id, "error", err)
	// To cut off a socket that is leaving would be quicker than its end at times, and what the server has ended is not recovered;
	// and one that has left may be in the same session again, or in another namespace of it.
	if !socketio.IsEnding(err) {
		at.CutOff()
	}
}

// answer tells a client that what it asked for is done.
func (r *Room) answer(to answerer, v any) {
	if err := to.answer(v); err != nil {
		r.log.Debug("an answer could not be sent", "error", err) // the client has left; what it said counts
	}
}

// A meta is the second argument of the news.
type meta struct {
	From   string `json:"from"` // empty: the sender is not registered
	ID     string `json:"id"`
	At     int64  `json:"at"`
	Offset uint64 `json:"offset"`
}

func metaOf(e *feed.Entry) meta { return meta{e.From, e.ID, e.At, e.Offset} }

// tellAll passes on what has just been stored, as it is, unread.
func (r *Room) tellAll(data socketio.Arg, e *feed.Entry) {
	if err := r.everybody.Emit(eventNews, data, metaOf(e)); err != nil {
		r.log.Error("news could not be passed on", "offset", e.Offset, "error", err)
	}
	if err := r.tellAudience(data, e); err != nil {
		r.log.Error("news could not be passed on to plain clients", "offset", e.Offset, "error", err)
	}
}

func (r *Room) tellAudience(data socketio.Arg, e *feed.Entry) error {
	also := r.audience()
	if also == nil || !also.Wanted() {
		return nil
	}
	text, err := data.MarshalJSON()
	if err != nil {
		return fmt.Errorf("JSON can't hold them: %w", err)
	}
	return also.Publish(text, e.From, e.ID, e.At, e.Offset)
}

func (r *Room) leave(sp *speaker) { r.present.leave(sp) }
