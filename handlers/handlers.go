// Package handlers is what the product does: speakers register, say something, and every registered client hears it, in
// one order, each piece of news once, also what was said while it was away.
//
//	f        name, options, ack             the client is a speaker's from now on; again, and the speaker is renamed
//	message  data, options, ack             anyone may say something
//	history  options, ack                   anyone may read what was said, backwards
//	news     data, {from, id, at, offset}   to every registered client, the sender's among them
//
// Options are an object, and may be left out (or null). Whole numbers count by their value: 5, 5.0 and 5e0 are the
// same. What was said stands in a feed: each message has an offset there, and later ones have higher offsets.
//
// # f
//
// The name has 1 to 64 characters (a setting). It is normalised (Unicode's NFKC, without characters that nobody sees),
// and the answer tells the result. Two clients may have one name. A word of letters of several scripts that looks like
// a word of one, such as "Ann" with a Cyrillic first letter, is refused (bad_name). So is a name that looks like
// another one of somebody who is here, or was in the last 10 minutes, unless it was there first. A name whose
// characters are all in ASCII, or look like no others, is never refused for its looks.
//
// Options {since: OFFSET}, the newest offset that the client knows, or {history: N}, at most 1,000; and {secret: TEXT},
// see below. The answer is {name, id, count, names, first, offset}: id is what others see, names are the first 100 of
// the count that are here, first and offset are the oldest offset held and the newest. Behind the answer comes what was
// said after since, or the last N, as news like all others, and then what is newer: in order, without a gap, each once.
// With since the answer also has complete, and if that is false, next: the feed does not hold all that was said after
// since, or since is from another feed; the news begin with next, the oldest offset held after since (in the latter
// case, with the next to be said).
//
// While a client is told what it missed, its other events are handled as always. One that takes nothing of it for 30 s
// is cut off. One that loses its connection meanwhile may be new when it comes back, and registers again with since.
// One who is registered already hears everything, so nothing comes twice: complete then tells whether all after since
// came by itself.
//
// # message
//
// The data is anything JSON can hold, or binary. The answer {offset, at} comes when the message is stored, which on
// disk means synced; then the news go out. At is in Unix milliseconds. Options {id}, a text of 1 to 64 characters or a
// whole number, make it safe to say it again when no answer came: the same id from the same owner is answered with the
// same offset and not repeated (without at if that is not known any more). That needs no room: it is answered so though
// the disk is full, and costs nothing of the rates of messages.
//
// An id belongs to its owner, and a secret tells who that is: a text of 16 to 128 characters that the client makes up
// at random and keeps to itself. It gives it in the handshake (auth: {name, secret}) or with its first f ({secret}).
// Whoever brings the same secret is the same owner, on every connection and after a restart of the server. Other data
// under an id of the same owner is refused (id_taken). The server keeps a digest of the secret alone.
//
// Without a secret, the owner is the first name that the client gave. Anybody can give that name. So the data is a part
// of the id then: the same data again is a repetition, other data is another message, and nobody can take the ids of
// another. Without a name, the owner is the socket itself, as long as it lives or can be recovered.
//
// A later name does not change the owner. An id that was used before the first f keeps its owner, so what is said
// before f and again after it counts once.
//
// A client of 4.x with the option retries repeats itself before its page can register again. Such a client gives its
// name, and best a secret, in the handshake. It speaks under that name from the beginning. Where f would refuse the
// name, so are its messages (bad_name), until it has given a better one with f. A name that is no text, or empty, is
// none.
//
// # history
//
// Options {before: OFFSET, limit: N}: the last N (50 unless told, at most 100) entries before an offset, or the last of
// all. The answer is {entries: [{data, from, id, at, offset}], first, offset}, entries growing; first and offset are
// the oldest and the newest there are. A page has fewer entries if they are long.
//
// # What goes wrong
//
// The answer is {error: {code, message}}, and what was asked for was not done:
//
//	unknown_event   there is no event of this name
//	not_registered  the event is for registered speakers
//	bad_name        the name can't be used; the message says why
//	bad_options     the options can't be read, or ask for too much
//	bad_message     there is no data, or it can't be told to every kind of client
//	id_taken        this id was used before, and something else was said then
//	rate            too much of what is kept was said from this address; say it again later
//	busy            too much waits to be stored; say it again later
//	not_stored      the disk refuses
//	too_large       the message has more bytes than one may have
//	not_read        what was said before can't be read now
//	internal        the fault is the server's
//
// # Limits
//
// A speaker says 20 messages and 64 KiB in a second, lasting, and 500 and 1 MiB at once; then its next events wait,
// none is dropped. It is answered with 1 MiB in a second, lasting, and 8 MiB at once, by f and history, which wait
// until the answer before has been taken. What a speaker has waiting to be stored is at most 64 messages and 1 MiB.
//
// # How it is made
//
// Each event is one file: an [Event] with its name, what it takes, what it answers and what may go wrong. The core,
// [Core], knows speakers, rooms, what is said and catch-up, and never a protocol. Ears find the events in its table:
// that of Socket.IO in this package, others through [Core.Visit] and [Audience]. A program adds its own in [Options].
package handlers

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/crier/crier/server/socketio"
)

// Options configure the handlers. The zero value of each field means its default; a negative rate is none.
type Options struct {
	// MaxName is the longest name of a speaker, in characters. Zero value means 64.
	MaxName int

	// PageBytes is how much of what a client missed is queued for it at a time. It must be a part of what the
	// session's queue takes. Zero value means 128 KiB.
	PageBytes int

	// MaxMessageRate is the sustained number of messages a second of one speaker, and MessageBurst how many it may say
	// at once. Past it the speaker's events wait. Zero values mean 20 and 500.
	MaxMessageRate, MessageBurst int

	// MaxMessageByteRate and MessageByteBurst are the same for bytes; a message that is larger than a burst is said,
	// and what follows waits longer. Zero values mean 64 KiB and 1 MiB.
	MaxMessageByteRate, MessageByteBurst int

	// MaxReadRate is how many bytes a second one speaker is answered with by f and history, lasting, and ReadBurst how
	// many at once. Past it the next of these waits. Zero values mean 1 MiB and 8 MiB.
	MaxReadRate, ReadBurst int

	// ReadTimeout is how long one read of the feed's store may take, the wait for a place included. Zero value means
	// 10 s.
	ReadTimeout time.Duration

	// CatchUpTimeout is how long a client may take for one page of what it missed before it is cut off. Zero value
	// means 30 s.
	CatchUpTimeout time.Duration

	// MaxCatchUpBytes is how much of what it missed one client is told before it is cut off, to come again. Zero value
	// means 512 MiB.
	MaxCatchUpBytes int64

	// Turn names the turn that a client of an IP address has: where more waits than is done at a time, such as to be
	// stored or read, each turn gets the same share. It is called once for each client. Zero value means one turn for
	// each address.
	Turn func(address string) string

	// Reads are the places for reads of the feed's store, and CatchUps those for clients that are told more than a
	// little of what they missed; keys are those of Turn. Zero values mean 8 and 64 places, in the order in which they
	// were asked for.
	Reads, CatchUps Places

	// SpeakerWaited and ReaderWaited, if set, are told how long a client had to wait because it said, or read, more
	// than its rates. They must not block.
	SpeakerWaited, ReaderWaited func(time.Duration)

	// Kept bounds what one address owns of what is kept. Zero value means no bound.
	Kept Kept

	// Events are the program's own, beside those of the product. Register panics if a name is taken or reserved.
	Events []*Event

	// Logger takes who comes and goes, at level debug, and failures. Zero value means slog.Default().
	Logger *slog.Logger
}

// defaultPage is enough to keep a fast connection busy until the next page is read.
const defaultPage = 128 << 10

func (o Options) withDefaults() Options {
	o.MaxName = cmp.Or(o.MaxName, 64)
	o.PageBytes = cmp.Or(o.PageBytes, defaultPage)
	o.MaxMessageRate, o.MessageBurst = cmp.Or(o.MaxMessageRate, 20), cmp.Or(o.MessageBurst, 500)
	o.MaxMessageByteRate, o.MessageByteBurst = cmp.Or(o.MaxMessageByteRate, 64<<10), cmp.Or(o.MessageByteBurst, 1<<20)
	o.MaxReadRate, o.ReadBurst = cmp.Or(o.MaxReadRate, 1<<20), cmp.Or(o.ReadBurst, 8<<20)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, 10*time.Second)
	o.CatchUpTimeout = cmp.Or(o.CatchUpTimeout, 30*time.Second)
	o.MaxCatchUpBytes = cmp.Or(o.MaxCatchUpBytes, 512<<20)
	if o.Reads == nil {
		o.Reads = newQueue(8)
	}
	if o.CatchUps == nil {
		o.CatchUps = newQueue(64)
	}
	if o.Turn == nil {
		o.Turn = func(address string) string { return address }
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// Register makes the main namespace of io the product's, in which what is said goes through feed.
func Register(io *socketio.Server, feed Feed, o Options) *Core {
	o = o.withDefaults()
	c := &Core{
		opts: o, log: o.Logger, io: io, feed: feed, events: slices.Concat(events, o.Events),
		speakers:  room{everybody: io.To(speakers)},
		readFault: nowAndThen(), tellFault: nowAndThen(), panics: nowAndThen(),
	}
	c.paces.Store(o.paces())
	checkNames(c.events)
	feed.Follow(c.tell)
	io.OnConnect(c.welcome)
	return c
}

// nowAndThen is how often a line that clients can bring about is logged: ten at once, and one a second lasting.
func nowAndThen() *rate.Limiter { return rate.NewLimiter(rate.Every(time.Second), 10) }

// checkNames panics if an event can't be found by its name.
func checkNames(all []*Event) {
	seen := map[string]bool{
		eventNews: true, "warning": true, "error": true,
		"connect": true, "connect_error": true, "disconnect": true, "disconnecting": true,
	}
	for _, ev := range all {
		if ev.Name == "" || seen[ev.Name] || ev.Do == nil {
			panic(fmt.Sprintf("handlers: there can't be an event %q: its name is taken, or it does nothing", ev.Name))
		}
		seen[ev.Name] = true
	}
}
