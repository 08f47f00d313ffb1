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
// happened (not all of the bits were in use) and 5 ended the process with a memory fault that no recover catches, since
// it reads through a memory map. A log needs one sync for each commit, has a checksum over every byte, is read with plain
// reads, and retires by removing its oldest file. What it needs beyond that, and a tree would bring, is an index of
// offsets and keys; both are small, bounded by the limits, and rebuilt when the log is opened.
package disk

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/keys"
)

// Options are the settings of a [Store]. The zero value is ready to use.
type Options struct {
	// SegmentBytes is the size at which a file of the feed is full. Zero means 16 MiB. Files are removed whole, so up to
	// one of them is on the disk beyond what the limits allow, and one more holds the room ahead.
	SegmentBytes int64

	// SegmentAge is the time after which a file is full whatever its size, so that what was retired for its age also
	// leaves the disk. Zero means 24 hours.
	SegmentAge time.Duration

	// Logger is told what was repaired, set aside or could not be removed. Nil means slog.Default().
	Logger *slog.Logger

	open func(path string, flag int) (file, error) // stands in for the file system in tests
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
	if o.open == nil {
		o.open = openFile
	}
	return o
}

func openFile(path string, flag int) (file, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// A Store is a [feed.Store] in the files of one directory, of which it is the only user: feed-OFFSET.log holds the entries from that
// offset on, feed.mark what offsets may have been given, feed.lock is locked while the store is open.
//
// What it has acknowledged survives the end of its process at any moment, and a power cut as far as the disk keeps what
// it was told to sync. Every byte has a checksum, and all are checked when the store is opened.
//
// One thing cannot be told from a crash: that after a crash, and before the store is opened again, whole batches are cut
// from the end of its newest file. After Close that is noticed too.
type Store struct {
	dir      string
	opts     Options
	lockFile io.Closer
	damage   *Damage

	// Used by the goroutine that appends.

	mark mark
	keys keys.Index
	buf  []byte // the batch to be written

	mu sync.RWMutex // guards the following; not held while the disk is waited for

	segments []*segment // one behind the other; only the last may be without entries
	first    uint64     // oldest offset held; what the oldest segment has before it is retired
	last     uint64
	closed   bool
}

var _ feed.Store = (*Store)(nil)

// Append implements Store. The entries are one batch: one write and one sync.
func (d *Store) Append(_ context.Context, entries []feed.Entry, results []feed.Result) error {
	b := batch{first: d.last + 1, newest: math.MinInt64}
	d.buf = slices.Grow(d.buf[:0], batchHeader)[:batchHeader]
	for i := range entries {
		results[i] = d.encode(&b, &entries[i])
	}
	if b.count == 0 {
		return nil
	}
	if err := d.commit(b); err != nil {
		d.keys.Undo(b.first)
		return fmt.Errorf("feed: not stored: %w", err)
	}
	return nil
}

// batch describes what buf holds.
type batch struct {
	first  uint64
	count  int
	newest int64 // the latest At
}

// encode gives an entry its offset and puts it into buf, unless its key is known already.
func (d *Store) encode(b *batch, e *feed.Entry) feed.Result {
	e.Offset = b.first + uint64(b.count)
	if first, repeated := d.keys.Add(e); repeated {
		return first
	}
	d.buf = appendEntry(d.buf, e)
	b.count++
	b.newest = max(b.newest, e.At)
	return feed.Result{Offset: e.Offset, At: e.At}
}

// keptBuffer is how large a buffer is kept for the next batch.
const keptBuffer = 1 << 20

// maxBatchBytes is what one Append may come to; a Log's is far below.
const maxBatchBytes = 1 << 30

func (d *Store) commit(b batch) error {
	if len(d.buf) > maxBatchBytes {
		return feed.ErrTooLarge
	}
	last := b.first + uint64(b.count) - 1
	s, err := d.ready(last, int64(len(d.buf)))
	if err != nil {
		return err
	}
	sealBatch(d.buf, b.first, b.count, s.salt)
	if err := s.write(d.buf); err != nil {
		return err
	}
	d.mu.Lock()
	s.add(b.first, b.newest, int64(len(d.buf)))
	d.last = last
	d.mu.Unlock()
	if cap(d.buf) > keptBuffer {
		d.buf = nil
	}
	return nil
}

// ready returns the segment that takes the next n bytes, when all offsets up to last may be given.
func (d *Store) ready(last uint64, n int64) (*segment, error) {
	if d.mark.closed || last > d.mark.reserved {
		m := mark{reserved: last + reserve}
		if err := m.write(d.dir); err != nil {
			return nil, err
		}
		d.mark = m
	}
	if len(d.segments) > 0 {
		s := d.segments[len(d.segments)-1]
		full := s.end+n > d.opts.SegmentBytes || time.Since(s.begun) > d.opts.SegmentAge
		if len(s.blocks) == 0 || (!full && !s.dead) {
			return s, nil
		}
		s.shrink()
	}
	return d.begin(d.last + 1)
}

// begin adds a segment, whose header is safe from then on.
func (d *Store) begin(base uint64) (*segment, error) {
	path := segmentPath(d.dir, base)
	f, err := d.opts.open(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR) // an earlier try may have left it
	if err != nil {
		return nil, err
	}
	s := &segment{base: base, salt: newSalt(), path: path, f: f, end: segmentHeader,
		full: d.opts.SegmentBytes, room: segmentHeader, begun: time.Now()}
	_, err = f.WriteAt(appendSegmentHeader(nil, base, s.salt), 0)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = syncDir(d.dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
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

// Probe implements Store.
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

// Bounds implements Store.
func (d *Store) Bounds() feed.Bounds {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return feed.Bounds{First: d.first, Last: d.last}
}

// Damage tells what Open found damaged and set aside; nil if nothing was.
func (d *Store) Damage() *Damage { return d.damage }

// Close implements Store. It notes that the store was closed in good order, and what it held then. Without that note, as
// after a crash or on a full disk, nothing is lost either.
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
			s.shrink()
			errs = append(errs, s.f.Close())
		}
	}
	errs = append(errs, d.markClosed(d.first), d.lockFile.Close())
	return errors.Join(errs...)
}

// markClosed notes what is held from now on, until the next Append.
func (d *Store) markClosed(first uint64) error {
	m := mark{reserved: d.last, closed: true, first: first, last: d.last}
	if m == d.mark {
		return nil
	}
	if err := m.write(d.dir); err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	d.mark = m
	return nil
}
