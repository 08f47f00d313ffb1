package disk

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/keys"
)

// Open opens the store in a directory, or begins one; the directory is created if need be, for its owner alone.
//
// Every byte is checked. What a crash left of a write that nobody was told of is cut off. What is damaged is moved, with
// everything older, to a directory feed-damaged-TIME inside, with a note; the logger is told, and [Store.Damage] tells. The
// store goes on with the entries behind the damage, which are without gaps, and with offsets that were never given
// before: so each client that asks for something older learns that it is incomplete.
//
// An error means that the directory cannot be used: another process has it, or it may not be read or written.
func Open(dir string, opts Options) (*Store, error) {
	d := &Store{dir: dir, opts: opts.withDefaults()}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	_ = syncDir(filepath.Dir(dir)) // the directory may be new; one that was there may have a parent that cannot be read
	if err := d.lock(); err != nil {
		return nil, err
	}
	if err := d.recover(); err != nil {
		for _, s := range d.segments {
			_ = s.f.Close()
		}
		return nil, errors.Join(fmt.Errorf("feed: opening %s: %w", dir, err), d.lockFile.Close())
	}
	return d, nil
}

func (d *Store) lock() error {
	path := filepath.Join(d.dir, "feed.lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	taken, err := lock(f)
	switch {
	case taken:
		owner, _ := os.ReadFile(path)
		err = fmt.Errorf("feed: another process (id %s) uses %s", cmp.Or(strings.TrimSpace(string(owner)), "unknown"), d.dir)
	case err != nil:
		err = fmt.Errorf("feed: locking %s: %w", path, err)
	default:
		// Who has the lock is told for people; it is the lock that counts.
		_ = f.Truncate(0)
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		d.lockFile = f
		return nil
	}
	return errors.Join(err, f.Close())
}

// recover reads all that there is.
func (d *Store) recover() error {
	r := recovery{d: d}
	if err := r.readMark(); err != nil {
		return err
	}
	found, err := r.readAll()
	if err != nil {
		return err
	}
	for i, s := range found {
		next := uint64(0)
		if i+1 < len(found) {
			next = found[i+1].base
		}
		r.judge(s, next)
	}
	if err := r.syncLast(); err != nil {
		return err
	}
	r.checkEnd()
	if err := r.removeUnbegun(); err != nil {
		return err
	}
	r.setBounds()
	if len(r.reasons) == 0 {
		return nil
	}
	return r.setAside()
}

// listSegments returns the offsets that the names of the segments tell, in order.
func listSegments(dir string) (bases []uint64, err error) {
	files, err := os.ReadDir(dir)
	for _, f := range files {
		text := strings.TrimSuffix(strings.TrimPrefix(f.Name(), "feed-"), ".log")
		base, err := strconv.ParseUint(text, 10, 64)
		if err == nil && filepath.Join(dir, f.Name()) == segmentPath(dir, base) {
			bases = append(bases, base)
		}
	}
	slices.Sort(bases)
	return bases, err
}

// recovery is the state of reading a directory. What was kept so far is in the store's segments.
type recovery struct {
	d       *Store
	marked  bool   // there is a mark that can be read
	next    uint64 // the offset behind the newest segment
	highest uint64 // the highest offset seen anywhere
	lost    bool   // the newest entries are damaged

	reasons []string
	aside   []string // the segments to be set aside
	unbegun []string // the files without entries
	badMark bool
}

func (r *recovery) readMark() error {
	m, err := readMark(r.d.dir)
	switch {
	case errors.Is(err, feed.ErrDamaged):
		r.badMark = true
		r.reasons = append(r.reasons, "feed.mark cannot be read")
	case err != nil:
		return err
	case m != nil:
		r.d.mark, r.marked = *m, true
	}
	return nil
}

// readAll reads the segments. Files without entries are not among them: each is left from a segment that was never begun,
// or it is missed where the others do not join.
func (r *recovery) readAll() (found []scanned, err error) {
	bases, err := listSegments(r.d.dir)
	if err != nil {
		return nil, err
	}
	for _, base := range bases {
		s, err := r.read(base)
		if err != nil {
			return nil, err
		}
		r.d.segments = append(r.d.segments, s.segment) // to be closed if reading another fails
		r.highest = max(r.highest, s.next-1)
		if len(s.blocks) > 0 || (s.fault != nil && !s.torn) {
			found = append(found, s)
			continue
		}
		_ = s.f.Close()
		r.unbegun = append(r.unbegun, s.path)
	}
	r.d.segments = nil
	return found, nil
}

// judge keeps a segment, behind which the next one must begin (0 for the last), or has it set aside.
func (r *recovery) judge(s scanned, next uint64) {
	r.keep(s)
	switch {
	case next > 0 && s.next == next, next == 0 && s.fault == nil:
	case next == 0 && s.torn:
		s.segment.toTrim = true
		r.d.opts.Logger.Info("feed: cut off what a crash left of a write that was not acknowledged",
			"file", s.path, "bytes", s.size-s.end)
	case s.fault != nil:
		r.giveUp(fmt.Sprintf("%s, at byte %d: %v", filepath.Base(s.path), s.end, s.fault))
	default:
		r.giveUp(fmt.Sprintf("%s ends before entry %d, and entry %d is the next there is", filepath.Base(s.path), s.next, next))
	}
	r.lost = next == 0 && len(r.d.segments) == 0
}

// syncLast makes safe what a killed process had written and not yet synced: it was not acknowledged, but from now on it
// can be read, and a repetition is acknowledged because of it.
func (r *recovery) syncLast() error {
	if n := len(r.d.segments); n > 0 {
		return r.d.segments[n-1].f.Sync()
	}
	return nil
}

func (r *recovery) keep(s scanned) {
	r.next = s.next
	r.d.segments = append(r.d.segments, s.segment)
	for _, k := range s.keys {
		r.d.keys.Put(k.digest, k.Entry) // of an older one that was retired, and is still there, the newer takes the place
	}
}

// giveUp has all segments so far set aside.
func (r *recovery) giveUp(reason string) {
	for _, s := range r.d.segments {
		_ = s.f.Close()
		r.aside = append(r.aside, s.path)
	}
	r.d.segments, r.d.keys = nil, keys.Index{}
	r.reasons = append(r.reasons, reason)
}

// scanned is what was found in the file of a segment, which ends at the first fault.
type scanned struct {
	*segment
	next  uint64 // the offset behind the last entry
	size  int64
	fault error
	torn  bool // the fault is what a crash leaves
	keys  []found
}

// found is the key of an entry that was read.
type found struct {
	digest keys.Digest
	keys.Entry
}

func (r *recovery) read(base uint64) (scanned, error) {
	path := segmentPath(r.d.dir, base)
	data, err := os.ReadFile(path)
	if err != nil {
		return scanned{}, err
	}
	f, err := r.d.opts.open(path, os.O_RDWR)
	if err != nil {
		return scanned{}, err
	}
	size := int64(len(data))
	s := scanned{segment: &segment{base: base, path: path, f: f, full: r.d.opts.SegmentBytes, room: size}, next: base, size: size}
	if s.salt, s.fault = parseSegmentHeader(data, base); s.fault != nil {
		s.torn = len(data) < segmentHeader || allZero(data)
		return s, nil
	}
	s.end = segmentHeader
	s.scan(data)
	s.begun = s.firstTime()
	return s, nil
}

func (s *scanned) scan(data []byte) {
	for {
		newest, owners := int64(math.MinInt64), s.keys
		h, err := parseBatch(data[s.end:], s.salt, allOffsets, func(e *feed.Entry) {
			newest = max(newest, e.At)
			if e.Key != "" {
				digest, known := keys.Of(e)
				owners = append(owners, found{digest, known})
			}
		})
		if err == nil && (h.first != s.next || h.count == 0) {
			err = fmt.Errorf("a batch begins with entry %d where %d is due", h.first, s.next)
		}
		if err != nil {
			if !allZero(data[s.end:]) {
				s.fault, s.torn = err, torn(data, int(s.end), s.salt)
			}
			return
		}
		s.add(h.first, newest, int64(h.size()))
		s.next += uint64(h.count)
		s.keys = owners
	}
}

// firstTime returns about when the segment was begun.
func (s *segment) firstTime() time.Time {
	if len(s.blocks) == 0 {
		return time.Now()
	}
	return time.UnixMilli(s.blocks[0].newest)
}
