package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Open opens the store in a directory, or begins one; directories that are missing are made, for their owner alone.
//
// Every byte is checked. Each batch that is whole is kept, whatever became of those before and behind it;
// Bounds().Gap tells up to where something is missing. What is damaged is copied to a directory feed-damaged-TIME
// inside, with a note, and [Store.Damage] tells. What a crash left of a write that nobody was told of is cut off.
//
// A store goes on counting where it ended, if all that it had acknowledged is known to be there. Otherwise a new life
// begins, with offsets above all that can have been given, and Gap right before them: with a new folder; with files
// that are not those that were written last, such as a copy or a backup (see [Moved]); and when the newest entries
// may be lost.
//
// An error means that the directory cannot be used: another process has it, it may not be read or written, or a newer
// version of Crier wrote it. Then nothing in it has been changed.
func Open(dir string, opts Options) (*Store, error) {
	d := &Store{dir: dir, opts: opts.withDefaults()}
	if err := makeDir(d.opts.files, dir); err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	_ = d.opts.files.syncDir(filepath.Dir(dir)) // a parent that was there may not be readable
	lock, err := d.opts.files.lock(filepath.Join(dir, "feed.lock"))
	if err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	d.lockFile = lock
	if err := d.recover(); err != nil {
		for _, s := range d.segments {
			_ = s.f.Close()
		}
		return nil, errors.Join(fmt.Errorf("feed: opening %s: %w", dir, err), d.lockFile.Close())
	}
	return d, nil
}

// recover reads all that there is.
func (d *Store) recover() error {
	f, err := readFolder(d.opts.files, d.dir, nil)
	if err != nil {
		return err
	}
	r := &recovery{d: d, folder: f}
	for _, s := range f.segments {
		s.full = d.opts.SegmentBytes
		d.segments = append(d.segments, s.segment) // to be closed if anything fails
	}
	r.cutRefused()
	r.judge()
	d.segments = r.kept()
	if err := r.syncLast(); err != nil {
		return err
	}
	r.index()
	r.beginLife()
	if err := r.setAside(); err != nil {
		return err
	}
	if err := r.renew(); err != nil {
		return err
	}
	r.mend()
	r.tell()
	return nil
}

// recovery is the state of opening a folder.
type recovery struct {
	d *Store
	*folder

	reasons []string // what is damaged
	lost    bool     // the newest entries may be
	fresh   bool     // a new life began
	drop    []*stored
}

// cutRefused drops what lies above the end that was noted when the store was closed: it was refused, but the disk
// took it all the same.
func (r *recovery) cutRefused() {
	if !r.own || !r.was.closed {
		return
	}
	for _, s := range r.segments {
		for i, p := range s.pieces {
			if p.first > r.was.last {
				s.pieces, s.flaws = s.pieces[:i], nil
				s.segment.end, s.segment.toTrim = p.from, true
				s.keys = slices.DeleteFunc(s.keys, func(k found) bool { return k.Offset > r.was.last })
				break
			}
		}
	}
}

// judge goes through the flaws. Newest is the last file with entries.
func (r *recovery) judge() {
	newest := -1
	for i, s := range r.segments {
		if len(s.pieces) > 0 {
			newest = i
		}
	}
	for i, s := range r.segments {
		r.judgeSegment(s, i >= newest)
	}
	r.checkEnd()
	if r.stateBad {
		r.reasons = append(r.reasons, "feed.state cannot be read")
		r.lost = true
	}
}

func (r *recovery) judgeSegment(s *stored, newest bool) {
	name := filepath.Base(s.path)
	if len(s.pieces) == 0 {
		r.drop = append(r.drop, s)
		s.garbage = len(s.flaws) > 0 && !s.flaws[0].torn || s.headFault != nil && s.size >= segmentHeader && !s.zero
	}
	if s.headFault != nil && (len(s.pieces) > 0 || s.garbage) {
		r.reasons = append(r.reasons, fmt.Sprintf("%s: %v", name, s.headFault))
	}
	if s.headFault != nil && len(s.pieces) == 0 {
		r.lost = r.lost || newest && (s.garbage || r.was != nil && r.was.tail == s.segment.base)
		return
	}
	for i := range s.flaws {
		f := &s.flaws[i]
		atEnd := newest && f.end
		f.cut = f.end && f.torn && (newest || !r.own || len(s.pieces) == 0)
		if atEnd && !(f.short && r.own) {
			r.lost = true
		}
		if f.cut {
			r.d.opts.Logger.Info("feed: cut off what a crash left of a write that was under way",
				"file", s.path, "bytes", f.to-f.from)
			continue
		}
		r.reasons = append(r.reasons, fmt.Sprintf("%s, bytes %d to %d: %v", name, f.from, f.to, f.err))
	}
}

// checkEnd compares what was found with what the store is known to have held.
func (r *recovery) checkEnd() {
	newest := uint64(0)
	for _, s := range r.segments {
		if len(s.pieces) > 0 {
			newest = max(newest, s.content.next-1)
		}
	}
	closed, first, last := r.noted()
	switch {
	case closed && first <= last && newest < last:
		r.lost = true
		r.reasons = append(r.reasons,
			fmt.Sprintf("the entries from %d to %d are missing at the end", max(newest+1, first), last))
	case !closed && r.was != nil && r.was.tail != 0 && r.find(r.was.tail) == nil:
		r.lost = true
		r.reasons = append(r.reasons, filepath.Base(segmentPath("", r.was.tail))+" is missing")
	}
}

// kept returns the segments that have entries, and closes the others.
func (r *recovery) kept() (kept []*segment) {
	for _, s := range r.segments {
		if len(s.pieces) > 0 {
			kept = append(kept, s.segment)
		}
	}
	for _, s := range r.drop {
		_ = s.f.Close()
	}
	return kept
}

// syncLast makes safe what a killed process had written and not yet synced: it was not acknowledged, but from now on
// it can be read, and a repetition is acknowledged because of it.
func (r *recovery) syncLast() error {
	if n := len(r.d.segments); n > 0 {
		return r.d.segments[n-1].f.Sync()
	}
	return nil
}

// index takes in the entries that are whole, and finds the gaps between them.
func (r *recovery) index() {
	d, next := r.d, uint64(0)
	for _, s := range r.segments {
		for _, p := range s.pieces {
			if p.first < next {
				d.opts.Logger.Warn("feed: a file has entries that another one has too; they are not read twice",
					"file", s.path, "from", p.first)
				continue
			}
			if next != 0 && p.first > next {
				r.gap(s, next, p)
			}
			next = p.next()
			s.index(block{p.first, next, p.from, p.to - p.from})
			d.hold(p)
		}
		for _, k := range s.keys {
			d.keys.Put(k.digest, k.Entry) // of an older one that was retired, and is still there, the newer takes the place
		}
	}
	d.segments = slices.DeleteFunc(d.segments, func(s *segment) bool { return len(s.blocks) == 0 })
	if next > 0 {
		d.last = next - 1
	}
	if r.was != nil {
		if r.was.closed && r.own {
			for d.held.Len() > 0 && d.held.At(0).offset < r.was.first {
				d.forget(1)
			}
		}
		if d.last < r.was.last && !r.lost {
			d.last = r.was.last // all is retired
		}
	}
}

// gap notes that the entries from an offset on, up to those of a piece, are missing. It is told if nothing else tells
// it.
func (r *recovery) gap(s *stored, from uint64, p piece) {
	r.d.gap = p.first - 1
	if r.was != nil && p.first-1 <= r.was.gap {
		return
	}
	for _, l := range r.lives() {
		if l.first == p.first {
			return
		}
	}
	for _, f := range s.flaws {
		if f.from < p.from {
			return
		}
	}
	r.reasons = append(r.reasons,
		fmt.Sprintf("the entries from %d to %d are missing before those in %s", from, p.first-1, filepath.Base(s.path)))
}

// hold lets retention know the entries of a piece.
func (d *Store) hold(p piece) {
	n := int64(len(p.at))
	each := (p.to - p.from) / n
	for i, at := range p.at {
		d.held.Push(stamp{p.first + uint64(i), at, each})
	}
	d.held.At(d.held.Len() - 1).bytes += (p.to - p.from) - n*each
	d.bytes += p.to - p.from
}

// clockBehind is how many offsets are left out when the clock cannot be believed to be ahead of what was given
// elsewhere: it was set back, or the feed took in more than a million entries a second.
const clockBehind = 1 << 32

// beginLife begins a new life if there must be one.
func (r *recovery) beginLife() {
	d := r.d
	if r.was != nil {
		d.gap = max(d.gap, r.was.gap)
	}
	if r.own && !r.lost {
		begun := r.was.lives[len(r.was.lives)-1].first - 1
		d.gap, d.last = max(d.gap, begun), max(d.last, begun)
		if len(r.was.lives) == 1 && d.gap == begun {
			d.start = begun
		}
		return
	}
	seen := r.seen()
	last := max(seen, uint64(max(0, d.opts.now().UnixMicro())))
	if last == seen && !r.own {
		last += clockBehind
	}
	d.last, d.gap, r.fresh = last, last, true
	switch {
	case r.isNew():
		d.start = last
	case r.own:
		d.opts.Logger.Warn("feed: a new life begins, since the newest entries may be lost", "folder", d.dir, "above", last)
	case r.was == nil && !r.stateBad:
		d.opts.Logger.Warn("feed: a new life begins, since nothing tells whether these are the files that were "+
			"written last: an older version of Crier wrote them, or feed.state is missing", "folder", d.dir, "above", last)
	default:
		d.opts.Logger.Warn("feed: a new life begins, since these are not the files that were written last, but a copy or a "+
			"backup; if the whole folder was moved, and nothing was written to the old one since, `crier feed moved FOLDER` "+
			"before the start spares clients the seam", "folder", d.dir, "above", last)
	}
}

// renew writes the state, into a file of its own if there is room for one.
func (r *recovery) renew() error {
	d := r.d
	s := state{
		sequence: r.sequence(), closed: true, first: d.oldest(), last: d.newest(),
		reserved: max(d.last, r.reserved()), gap: d.gap, lives: r.lives(),
	}
	if r.fresh {
		s.lives = append(slices.Clone(s.lives), newLife(d.last+1))
		s.lives = s.lives[max(0, len(s.lives)-livesKept):]
	}
	if n := len(d.segments); n > 0 {
		s.tail = d.segments[n-1].base
		s.tailFile = r.find(s.tail).id
	}
	var err error
	if d.state, err = renewState(d.opts.files, d.dir, s); err != nil && r.was != nil {
		d.opts.Logger.Warn("feed: feed.state cannot be renewed and is used as it is", "folder", d.dir, "error", err)
		d.state, err = reuseState(d.opts.files, d.dir, *r.was, s)
	}
	return err
}

// mend makes the files so that the next start finds no flaws. What cannot be mended now is found again then.
func (r *recovery) mend() {
	d := r.d
	for _, s := range r.segments {
		if len(s.blocks) == 0 {
			continue
		}
		if err := s.mend(); err != nil {
			d.opts.Logger.Warn("feed: a damaged file cannot be mended now; it is read around the damage",
				"file", s.path, "error", err)
		}
	}
	for _, s := range r.drop {
		if s.keepFlaws {
			continue
		}
		if err := d.opts.files.remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.opts.Logger.Warn("feed: a file that holds nothing cannot be removed", "file", s.path, "error", err)
		}
	}
	if r.oldMark != nil || r.oldMarkBad {
		_ = d.opts.files.remove(oldMarkPath(d.dir))
	}
	_ = d.opts.files.mkdir(oldMarkPath(d.dir)) // see oldMarkPath
	_ = d.opts.files.syncDir(d.dir)
}

// firstTime returns about when the segment was begun.
func (s *stored) firstTime(now time.Time) time.Time {
	if len(s.pieces) == 0 {
		return now
	}
	if begun := time.UnixMilli(s.pieces[0].at[0]); begun.Before(now) {
		return begun
	}
	return now
}

// tell makes the Damage of the reasons.
func (r *recovery) tell() {
	if len(r.reasons) == 0 {
		return
	}
	d := r.d
	d.damage = &Damage{Reasons: r.reasons, Aside: r.aside, Bounds: d.Bounds()}
}

func inUse(dir, owner string) error {
	return fmt.Errorf("another process (id %s) uses %s", cmp.Or(strings.TrimSpace(owner), "unknown"), dir)
}
