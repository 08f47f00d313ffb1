// Package disk holds a feed in the files of a directory.
//
// # Why it is a log of its own
//
// go.etcd.io/bbolt v1.5.0 (MIT, well kept) was tried first, entries and keys each in a bucket, beside a file that is
// appended to, on the same disk (entries of 200 bytes; processor time for each entry, then the time of a commit):
//
//	entries in a commit          1                 4               64               512
//	bbolt                 157 us, 0.35 ms   52 us, 0.40 ms   16 us, 1.3 ms    21 us, 11 ms
//	append, room ahead     53 us, 0.15 ms   15 us, 0.17 ms  1.4 us, 0.2 ms   0.3 us, 0.4 ms
//
// A tree pays for what a feed never does, which is to insert in the middle: each random key dirties a page, and each
// commit syncs twice. Its pages carry no checksum: of 400 files with one flipped bit, 270 opened as if nothing had
// happened (not all of the bits were in use) and 5 ended the process with a memory fault that no recover catches,
// since it reads through a memory map. A log needs one sync for each commit, has a checksum over every byte, is read
// with plain reads, and retires by removing its oldest file. What it needs beyond that, and a tree would bring, is an
// index of offsets and keys; both are small, bounded by the limits, and rebuilt when the log is opened.
package disk

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/fifo"
	"github.com/crier/crier/server/feed/internal/keys"
	"github.com/crier/crier/server/feed/internal/retention"
)

// Options are the settings of a [Store]. The zero value is ready to use.
type Options struct {
	// SegmentBytes is the size at which a file of the feed is full. Zero means 16 MiB. Files are removed whole, so up
	// to one of them is on the disk beyond what the limits allow, and one more holds the room ahead.
	SegmentBytes int64

	// SegmentAge is the time after which a file is full whatever its size, so that what was retired for its age also
	// leaves the disk. Zero means 24 hours.
	SegmentAge time.Duration

	// Logger is told what was repaired, set aside or could not be removed. Nil means slog.Default().
	Logger *slog.Logger

	files files            // stands in for the file system in tests
	now   func() time.Time // and for the clock
}

func (o Options) withDefaults() Options {
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 16 << 20
	}
	if o.SegmentAge <= 0 {
		o.SegmentAge = 24 * time.Hour
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.files == nil {
		o.files = realFiles{}
	}
	if o.now == nil {
		o.now = time.Now
	}
	return o
}

// A Store is a [feed.Store] in the files of one directory, of which it is the only user: feed-OFFSET.log holds
// entries, none with a lower offset; feed.state what offsets may have been given, and whose files these are;
// feed.lock is locked while the store is open.
//
// What it has acknowledged survives the end of its process at any moment, and a power cut as far as the disk keeps
// what it was told to sync. Every byte has a checksum, and all are checked when the store is opened.
//
// Two things cannot be seen from inside: that a whole disk, or all of a machine, was set back to an earlier state;
// and that after a crash, and before the store is opened again, whole batches are cut from the end of its newest
// file.
type Store struct {
	dir      string
	opts     Options
	lockFile io.Closer
	damage   *Damage

	keys keys.Index // changed by the goroutine that appends

	// Used by that goroutine alone.

	state  *stateFile
	broken error  // what is on the disk is not known to be as it should: see mend
	buf    []byte // the batch to be written
	stamps []stamp

	mu sync.RWMutex // guards the following; not held while the disk is waited for

	segments []*segment // in the order of their entries; only the last may be without any
	held     fifo.Queue[stamp]
	bytes    int64 // of those, on the disk
	limiter  retention.Limiter
	last     uint64 // the newest offset given, or that before the first of this life
	gap      uint64
	start    uint64 // as in feed.Bounds
	closed   bool
}

// stamp is what retention must know of an entry that is held.
type stamp struct {
	offset uint64
	at     int64 // Unix milliseconds
	bytes  int64 // its part of the file
}

var _ feed.Store = (*Store)(nil)

// Append implements feed.Store. The entries are one batch: one write and one sync.
func (d *Store) Append(_ context.Context, entries []feed.Entry, results []feed.Result) error {
	d.mu.RLock()
	first, held := d.last+1, d.oldest()
	d.mu.RUnlock()
	d.keys.Retire(held)
	d.buf, d.stamps = slices.Grow(d.buf[:0], batchHeader)[:batchHeader], d.stamps[:0]
	for i := range entries {
		results[i] = d.encode(first, &entries[i])
	}
	if len(d.stamps) == 0 {
		return nil
	}
	if err := d.commit(first); err != nil {
		d.keys.Undo(first)
		return fmt.Errorf("feed: not stored: %w", err)
	}
	return nil
}

// Known implements feed.Store.
func (d *Store) Known(e *feed.Entry) (first feed.Result, known bool) {
	first, known = d.keys.Find(e)
	if !known {
		return feed.Result{}, false
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if first.Offset < d.oldest() {
		return feed.Result{}, false // the next Append forgets it
	}
	return first, true
}

// encode gives an entry its offset and puts it into buf, unless its key is known already.
func (d *Store) encode(first uint64, e *feed.Entry) feed.Result {
	e.Offset = first + uint64(len(d.stamps))
	if was, repeated := d.keys.Add(e); repeated {
		return was
	}
	before := len(d.buf)
	d.buf = appendEntry(d.buf, e)
	d.stamps = append(d.stamps, stamp{e.Offset, e.At, int64(len(d.buf) - before)})
	return feed.Result{Offset: e.Offset, At: e.At}
}

// keptBuffer is how large a buffer is kept for the next batch.
const keptBuffer = 1 << 20

func (d *Store) commit(first uint64) error {
	if len(d.buf) > maxBatchBytes {
		return feed.ErrTooLarge
	}
	next := first + uint64(len(d.stamps))
	s, err := d.ready(next-1, int64(len(d.buf)))
	if err != nil {
		return err
	}
	sealBatch(d.buf, first, len(d.stamps), s.salt)
	if err := s.write(d.buf); err != nil {
		return err
	}
	d.stamps[0].bytes += batchHeader
	d.mu.Lock()
	s.add(first, next, int64(len(d.buf)))
	for _, e := range d.stamps {
		d.held.Push(e)
	}
	d.bytes += int64(len(d.buf))
	d.last = next - 1
	d.forget(d.limiter.Surplus(held{d}))
	d.mu.Unlock()
	if cap(d.buf) > keptBuffer {
		d.buf = nil
	}
	return nil
}

// ready returns the segment that takes the next n bytes, when all offsets up to last may be given.
func (d *Store) ready(last uint64, n int64) (*segment, error) {
	if d.broken != nil {
		if d.broken = d.checkNames(); d.broken != nil {
			return nil, d.broken
		}
	}
	s, err := d.segmentFor(n)
	if err != nil {
		return nil, err
	}
	was := d.state.last
	if was.closed || last > was.reserved || was.tail != s.base {
		now := was
		now.closed, now.reserved, now.tail = false, max(was.reserved, last+reserve), s.base
		if now.tailFile, _, err = d.opts.files.about(s.path); err != nil {
			return nil, err
		}
		if err := d.state.write(now); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// segmentFor returns the segment that takes the next n bytes.
func (d *Store) segmentFor(n int64) (*segment, error) {
	base := d.last + 1
	if len(d.segments) > 0 {
		s := d.segments[len(d.segments)-1]
		full := s.end+n > d.opts.SegmentBytes || d.opts.now().Sub(s.begun) > d.opts.SegmentAge
		fits := !s.dead && s.version == segmentLatest && (len(s.blocks) == 0 || s.next() == base)
		if fits && (len(s.blocks) == 0 || !full) {
			return s, nil
		}
		if !s.dead {
			if err := errors.Join(s.shrink(), d.checkNames()); err != nil {
				return nil, err
			}
		}
	}
	s, err := beginSegment(d.opts.files, d.dir, base, d.opts.SegmentBytes)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.segments = append(d.segments, s)
	d.mu.Unlock()
	return s, nil
}

func newSalt() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, since Go 1.24)
	return binary.LittleEndian.Uint32(b[:])
}

// Probe implements feed.Store.
func (d *Store) Probe(context.Context) error {
	s, err := d.ready(d.last+1, 0)
	if err == nil {
		err = s.probe()
	}
	if err != nil {
		return fmt.Errorf("feed: the disk takes nothing: %w", err)
	}
	return nil
}

// Check implements feed.Store: the files that are written are still those with the names. After an error nothing is
// appended until they are again.
func (d *Store) Check(context.Context) error {
	if d.broken = d.checkNames(); d.broken != nil {
		return fmt.Errorf("feed: %w", d.broken)
	}
	return nil
}

func (d *Store) checkNames() error {
	last := d.state.last
	self, _, err := d.opts.files.about(statePath(d.dir))
	if err == nil && self == last.self && last.tail != 0 && len(d.segments) > 0 {
		s := d.segments[len(d.segments)-1]
		if s.base == last.tail && !s.dead {
			var now identity
			now, _, err = d.opts.files.about(s.path)
			if err == nil && now != last.tailFile {
				err = errors.New(s.path + " is another file now")
			}
		}
	} else if err == nil && self != last.self {
		err = errors.New(statePath(d.dir) + " is another file now")
	}
	if err != nil {
		return fmt.Errorf("the folder %s was removed or replaced while Crier uses it; put it back, or start Crier again: %w",
			d.dir, err)
	}
	return nil
}

// Bounds implements feed.Store.
func (d *Store) Bounds() feed.Bounds {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return feed.Bounds{
		First: d.oldest(), Last: d.last, Gap: d.gap, Start: d.start, Entries: d.held.Len(), Bytes: d.bytes,
	}
}

// oldest returns the oldest offset held, or the one to come. It needs the lock.
func (d *Store) oldest() uint64 {
	if d.held.Len() == 0 {
		return d.last + 1
	}
	return d.held.At(0).offset
}

// Damage tells what Open found damaged; nil if nothing was.
func (d *Store) Damage() *Damage { return d.damage }

// Close implements feed.Store. It notes what the store holds: without that note, as after a crash or on a full disk,
// nothing is lost either, but what was refused at last may be there again.
func (d *Store) Close() error {
	d.mu.Lock()
	closed := d.closed
	d.closed = true
	d.mu.Unlock()
	if closed {
		return nil
	}
	var errs []error
	for _, s := range d.segments {
		if !s.dead {
			_ = s.shrink() // what cannot be cut off now is when the store is opened
			errs = append(errs, s.f.Close())
		}
	}
	errs = append(errs, d.noteClosed(), d.state.f.Close(), d.lockFile.Close())
	return errors.Join(errs...)
}

// noteClosed notes what is held from now on, until the next Append.
func (d *Store) noteClosed() error {
	now := d.state.last
	d.mu.RLock()
	now.closed, now.first, now.last = true, d.oldest(), d.newest()
	d.mu.RUnlock()
	if now.closed == d.state.last.closed && now.first == d.state.last.first && now.last == d.state.last.last {
		return nil
	}
	if d.broken = d.checkNames(); d.broken != nil {
		return fmt.Errorf("feed: %w", d.broken)
	}
	if err := d.state.write(now); err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	return nil
}

// newest returns the newest entry held, or the offset before the one to come. It needs the lock.
func (d *Store) newest() uint64 {
	if n := d.held.Len(); n > 0 {
		return d.held.At(n - 1).offset
	}
	return d.last
}
