// Package handlers is what the product does: speakers register, say something, and every registered client hears it, in
// one order, each piece of news once, also what was said while it was away.
//
//	f        name, options, ack     the socket is a speaker's from now on; again, and the speaker is renamed
//	message  data, options, ack     anyone may say something
//	news     data, {from, id, at, offset}   to every registered socket, the sender's among them
//	history  options, ack           anyone may read what was said, backwards
//
// Options are an object, and may be left out (or null). What was said stands in a feed: each message has an offset there, and
// later ones have higher offsets.
//
// # f
//
// Options {since: OFFSET}, the newest offset that the client knows, or {history: N}, at most 1,000. The answer is {name, id,
// count, names, offset}: offset is the newest there is. Behind the answer comes what was said after since, or the last N, as
// news like all others, and then what is newer: in order, without a gap, each once. With since the answer also has complete,
// and if that is false, next: the feed does not hold all that was said after since, or since is from another feed; the
// news begin with next, the oldest offset held (in the latter case, with the next to be said).
//
// One who is registered already hears everything, so nothing comes twice: complete then tells whether all after since
// came by itself.
//
// # message
//
// The answer {offset, at} comes when the message is stored, which on disk means synced; then the news go out. Options {id}, a
// text of 1 to 64 characters or a whole number, make it safe to say it again when no answer came: the same id from the same
// speaker is answered with the same offset and not repeated, and is refused (id_taken) if the data is other. The same
// speaker is whoever has registered with that name, on whatever connection; one who has not is known by its socket alone. A
// client of 4.x with the option retries repeats itself before its page can register again; it gives its name in the handshake,
// auth: {name}, and then speaks under it from the beginning.
//
// # history
//
// Options {before: OFFSET, limit: N}: the last N (50 unless told, at most 100) entries before an offset, or the last of all. The
// answer is {entries: [{data, from, id, at, offset}], first, offset}, entries growing; first and offset are the oldest and
// the newest there are. A page has fewer entries if they are long.
//
// # What goes wrong
//
// The answer is {error: {code, message}}: bad_name, bad_options, bad_message, id_taken, busy (too much waits to be stored; say
// it again later), not_stored (the disk refuses), too_large, not_read. What is answered with an error was not said.
//
// The package knows events and arguments, never bytes. Clients that do not speak Socket.IO take part through [Room.Visit] and
// [Audience].
package handlers

import (
	"encoding/json"
	"log/slog"
	"slices"

	"github.com/crier/crier/server/socketio"
)

// The product's events.
const (
	eventRegister = "f"
	eventMessage  = "message"
	eventNews     = "news"
	eventHistory  = "history"
)

// Options configure the handlers. The zero value of each field means its default.
type Options struct {
	// MaxName is the longest name of a speaker, in characters. Zero value means 64.
	MaxName int

	// PageBytes is how much of what a client missed is queued for it at a time. It must be a part of what the session's queue
	// takes. Zero value means 128 KiB.
	PageBytes int

	// Logger takes who comes and goes, at level debug. Zero value means slog.Default().
	Logger *slog.Logger
}

// defaultPage is enough to keep a fast connection busy until the next page is read.
const defaultPage = 128 << 10

// Register makes the main namespace of io the product's room, in which what is said goes through feed.
func Register(io *socketio.Server, feed Feed, o Options) *Room {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.PageBytes == 0 {
		o.PageBytes = defaultPage
	}
	if o.MaxName == 0 {
		o.MaxName = 64
	}
	r := &Room{
		io: io, log: o.Logger, feed: feed, everybody: io.To(speakers), maxName: o.MaxName, pageBytes: o.PageBytes,
		reads: make(chan struct{}, readsAtOnce),
	}
	io.OnConnect(r.welcome)
	return r
}

// welcome prepares a socket that has just connected.
func (r *Room) welcome(s *socketio.Socket) {
	sp := r.speakerOf(s)
	at := socketListener{s}
	s.On(eventRegister, func(e *socketio.Event) error { return r.register(sp, at, e.Arg(0), e.Arg(1), asker{e}) })
	s.On(eventMessage, func(e *socketio.Event) error {
		if e.Len() == 0 {
			return badMessage("a message needs data")
		}
		return r.say(sp, at, said{e.Arg(0), e.Arg(1), e.Size()}, asker{e})
	})
	s.On(eventHistory, func(e *socketio.Event) error { return r.history(at, e.Arg(0), asker{e}) })
	s.OnDisconnect(func(reason socketio.Reason) {
		r.leave(sp)
		r.log.Debug("a socket has left", "name", sp.name, "id", sp.id, "reason", reason)
	})
	if sp.registered && !slices.Contains(s.Rooms(), speakers) { // it was lost before it had joined them
		r.goOn(sp, at)
	}
}

// nameInAuth returns the name that a client gave in the handshake, if it is one that can be used.
func nameInAuth(auth json.RawMessage, most int) string {
	if len(auth) <= len("{}") {
		return ""
	}
	var given struct{ Name json.RawMessage }
	if json.Unmarshal(auth, &given) != nil || given.Name == nil {
		return ""
	}
	arg, err := socketio.NewArg(given.Name)
	if err != nil {
		return ""
	}
	name, _ := nameIn(arg, most)
	return name
}
