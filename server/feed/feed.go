// Package feed keeps what was said as one ordered stream, in which each entry has an offset.
//
// A [Log] is what a handler uses: it appends, tells when an entry is safe, and does so in the order of offsets, so
// that whoever passes entries on from there passes them on in order. Under a Log lies a [Store]: package memory's
// forgets with its process; package disk's holds what it has acknowledged through a killed process and a power cut.
package feed

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Kind says what an entry is. Stores keep it and do not look at it.
type Kind uint8

// KindMessage is what a speaker said. The kinds to come are a correction, a deletion and an event of a rule.
const KindMessage Kind = 0

func (k Kind) String() string {
	if k == KindMessage {
		return "message"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// An Entry is one thing that was said. Its slices are shared by everyone who reads it and must not be changed.
type Entry struct {
	Offset uint64 // its place; later entries have higher offsets
	At     int64  // when, in Unix milliseconds
	Kind   Kind
	Room   string // where it was said; "" is the room of all speakers
	From   string // the speaker's name; "" if not registered
	ID     string // the id by which others know the speaker
	Key    string // the owner's own id of the message, by which a repetition is known; "" for none
	Owner  string // whose Key it is, an opaque text that only the owner can bring; never shown to others
	Data   []byte // what was said, as JSON

	Attachments [][]byte // binary parts that Data refers to
}

// MaxEntryBytes is the most that the texts, data and attachments of one entry may come to.
const MaxEntryBytes = 16 << 20

// Errors by which a caller decides what to answer. All others come from the store, and may be asked for the cause,
// such as syscall.ENOSPC.
var (
	ErrBusy     = errors.New("feed: too much is waiting to be stored")
	ErrClosed   = errors.New("feed: closed")
	ErrTooLarge = errors.New("feed: the entry is too large")
	ErrDamaged  = errors.New("feed: the stored bytes are damaged")
)

// A Result tells what became of an entry that was stored, now or before.
type Result struct {
	Offset   uint64
	At       int64 // Unix milliseconds; 0 if it is not known any more
	Repeated bool  // its owner had said it before: Offset and At are those of the first
	Same     bool  // Repeated, and the first had the same data and attachments
}

// Bounds are the offsets that a store or a log holds.
type Bounds struct {
	First uint64 // the oldest offset held; Last+1, the offset to come, when nothing is held
	Last  uint64 // the newest offset given
	Gap   uint64 // between entries up to it some may be missing; behind it none is. 0: none is missing anywhere
	Start uint64 // the offset before the first ever, where nothing is known to have been said before; else 0

	Entries int   // how many are held,
	Bytes   int64 // and what they take, as Limits count it
}

// Complete reports whether all entries after an offset are held: one who knows everything up to there can be told all
// the rest. It is false for an offset above Last, which is another feed's.
//
// One who knows nothing asks from 0.
func (b Bounds) Complete(since uint64) bool {
	if since == 0 {
		since = b.Start
	}
	return since <= b.Last && since+1 >= b.First && since >= b.Gap
}

// A Page is a part of what was said.
type Page struct {
	Entries []Entry // in the order of their offsets
	UpTo    uint64  // who has read them knows everything up to here that is still held
	Missed  bool    // entries between the offset asked for and the page are no longer held, though no Gap told of it
}

// A Store holds entries. This is the law for every store:
//
//   - Ordered: offsets grow, and by one over all that is held behind Bounds.Gap. No offset is ever given twice,
//     whatever happens to what was stored.
//   - Atomic: Append stores all of its entries or none; a crash leaves all of them or none.
//   - Durable: when Append has returned without an error, the entries survive whatever the store says it survives.
//   - Once: an entry with a Key whose Owner has an entry with that Key in the store, or earlier in the same Append, is
//     not stored again. This lies in the store since only the store sees what all the nodes of a cluster append; so
//     does the choice of offsets.
//   - After a failed Append nothing of it can be read, and the next one may succeed. Only a crash before that may bring
//     its entries back, all of them.
//
// Known, reads, Bounds and Limit may run concurrently with everything. The others are called by one goroutine. A store
// may be slow or away: what takes a context gives up when it is over.
type Store interface {
	// Append stores entries, sets their offsets, and sets what became of each in results, which has the same length. It
	// keeps what the entries refer to.
	Append(ctx context.Context, entries []Entry, results []Result) error

	// Probe tells whether an Append would have a chance, without storing anything.
	Probe(ctx context.Context) error

	// Check tells whether what was stored is still where it was put. It is quick, and is called every few seconds.
	Check(ctx context.Context) error

	// Known tells what Append would answer if it had to store e, as far as that is a repetition and memory knows so. It
	// never waits. Of an entry that is being stored just now the answer may turn out wrong: who asks must have learned
	// before that the offset was stored.
	Known(e *Entry) (first Result, known bool)

	// Read returns entries after an offset: at most limit, and no more than maxBytes unless the first alone has more.
	Read(ctx context.Context, after uint64, limit, maxBytes int) ([]Entry, error)

	// ReadBefore returns the last entries before an offset, in growing order, within the same limits.
	ReadBefore(ctx context.Context, before uint64, limit, maxBytes int) ([]Entry, error)

	// Bounds returns what is held. It never waits.
	Bounds() Bounds

	// Limit forgets at once the oldest entries, and their keys, that are past the limits, and returns when the next
	// entry will be past its age; zero if none is held. From then on Append keeps within the limits for entries and
	// bytes. It never waits.
	Limit(now time.Time, limits Limits) (due time.Time)

	// Retire gives back the room that forgotten entries take.
	Retire(ctx context.Context) error

	Close() error
}

// An Instant store answers at once, as one in memory does: nobody has to wait for it. A Log on it has no goroutine
// for storing: see Log.Append.
type Instant interface {
	Store
	Instant()
}

// Limits say how much a store may hold: an entry is retired when any of them is exceeded.
type Limits struct {
	Age     time.Duration // by the entry's At; how one is counted that a wrong clock has set is told at internal/retention
	Entries int
	Bytes   int64 // of what the store keeps: on disk those in its files, in memory those of the entries
}

// overhead stands for the memory that an entry takes beyond its texts and bytes.
const overhead = 160

// Size returns about how many bytes of memory the entry takes.
func (e *Entry) Size() int {
	n := overhead + len(e.From) + len(e.ID) + len(e.Key) + len(e.Owner) + len(e.Room) + len(e.Data)
	for _, a := range e.Attachments {
		n += len(a) + 24 // the slice's header
	}
	return n
}

// A Window is what may still go onto a page.
type Window struct {
	Entries, Bytes int
	used           bool
}

// Take tells whether an entry still fits. The first does whatever its size, or nobody could get past a large one.
func (w *Window) Take(e *Entry) bool {
	w.Entries--
	w.Bytes -= e.Size()
	fits := w.Entries >= 0 && (w.Bytes >= 0 || !w.used)
	w.used = true
	return fits
}

// Head returns as many of the first entries as fit.
func (w *Window) Head(entries []Entry) []Entry {
	n := 0
	for n < len(entries) && w.Take(&entries[n]) {
		n++
	}
	return entries[:n]
}

// Tail returns as many of the last entries as fit.
func (w *Window) Tail(entries []Entry) []Entry {
	n := len(entries)
	for n > 0 && w.Take(&entries[n-1]) {
		n--
	}
	return entries[n:]
}
