package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crier/crier/server/feed"
)

// A Report tells what a folder of a feed holds.
type Report struct {
	State  string       // "" for a folder without a feed.state, such as one with copies of what was damaged
	Own    bool         // the files are those that were written last, so the store would go on counting
	Lives  []LifeReport // in order, as far as they are known
	Files  []FileReport // in the order of their entries
	Gaps   []Range      // entries that are missing between others
	Asides []string     // folders inside with copies of what was damaged
}

// A LifeReport tells of a life: see [Open].
type LifeReport struct {
	ID    string
	First uint64 // the first offset that it could give
}

// A FileReport tells of a file.
type FileReport struct {
	Name        string
	Bytes       int64
	Entries     int
	First, Last uint64 // 0 without entries
	Flaws       []FlawReport
	Holes       int  // flaws that were set aside before
	Unfinished  bool // it ends with a write that is under way, or that a crash has interrupted
}

// A FlawReport tells of bytes that are damaged: those from From up to, and without, To.
type FlawReport struct {
	From, To int64
	What     string
}

// A Range has both of its ends.
type Range struct{ From, To uint64 }

// Flawed tells whether any file has a flaw.
func (r *Report) Flawed() bool {
	for _, f := range r.Files {
		if len(f.Flaws) > 0 {
			return true
		}
	}
	return r.State == errStateDamaged.Error()
}

// Check reads a folder, which may be in use, or be one that was set aside. It changes nothing.
func Check(dir string) (*Report, error) {
	f, err := readQuietly(dir, func(string, *feed.Entry) {})
	if err != nil {
		return nil, err
	}
	r := &Report{Own: f.own}
	switch {
	case f.stateBad:
		r.State = errStateDamaged.Error()
	case f.was != nil && f.was.closed:
		r.State = "closed"
	case f.was != nil:
		r.State = "open, or ended by a crash"
	case f.oldMark != nil:
		r.State = "of an older version"
	}
	for _, l := range f.lives() {
		r.Lives = append(r.Lives, LifeReport{fmt.Sprintf("%016x", l.id), l.first})
	}
	next := uint64(0)
	closed, _, _ := f.noted()
	mayGrow := !closed && (f.was != nil || f.oldMark != nil)
	for i, s := range f.segments {
		r.Files = append(r.Files, s.report(mayGrow && i == len(f.segments)-1))
		for _, p := range s.pieces {
			if next != 0 && p.first > next {
				r.Gaps = append(r.Gaps, Range{next, p.first - 1})
			}
			next = max(next, p.next())
		}
	}
	names, _ := realFiles{}.list(dir)
	for _, name := range names {
		if strings.HasPrefix(name, asideName) {
			r.Asides = append(r.Asides, filepath.Join(dir, name))
		}
	}
	return r, nil
}

func (s *stored) report(newest bool) FileReport {
	r := FileReport{Name: filepath.Base(s.path), Bytes: s.size, Holes: len(s.holes)}
	for _, p := range s.pieces {
		r.Entries += len(p.at)
	}
	if r.Entries > 0 {
		r.First, r.Last = s.content.first(), s.content.next-1
	}
	if s.headFault != nil && !s.zero {
		r.Flaws = append(r.Flaws, FlawReport{0, min(segmentHeader, s.size), s.headFault.Error()})
	}
	for _, f := range s.flaws {
		if f.end && f.torn && newest {
			r.Unfinished = true
			continue
		}
		r.Flaws = append(r.Flaws, FlawReport{f.from, f.to, f.err.Error()})
	}
	return r
}

// readQuietly reads a folder that may be in use.
func readQuietly(dir string, each func(string, *feed.Entry)) (*folder, error) {
	f, err := readFolder(realFiles{}, dir, each)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	if f.was == nil && !f.stateBad && f.oldMark == nil && len(f.segments) == 0 {
		return nil, fmt.Errorf("%s holds no feed: there are no files feed-*.log in it", dir)
	}
	return f, nil
}

// Export calls each with the entries of a folder, in the order of its files, which may be in use, or be one that was
// set aside. Of a part that is damaged it passes on what can be read, and says that it may not be what was said.
func Export(dir string, each func(e *feed.Entry, damaged bool) error) error {
	var failed error
	pass := func(e *feed.Entry, damaged bool) {
		if failed == nil {
			failed = each(e, damaged)
		}
	}
	f, err := readQuietly(dir, func(string, *feed.Entry) {})
	if err != nil {
		return err
	}
	for _, s := range f.segments {
		if err := exportSegment(s.path, pass); err != nil {
			return err
		}
	}
	return failed
}

func exportSegment(path string, pass func(*feed.Entry, bool)) error {
	file, err := realFiles{}.open(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was retired meanwhile
	}
	if err != nil {
		return err
	}
	defer file.Close()
	_, size, err := realFiles{}.about(path)
	if err != nil {
		return err
	}
	data, unreadable, err := readAll(file, size)
	if err != nil && len(unreadable) == 0 {
		return err
	}
	var entries []feed.Entry
	c := scan(data, unreadable, func(e *feed.Entry) { entries = append(entries, *e) })
	next := 0
	for _, f := range c.flaws {
		for ; next < len(entries) && entries[next].Offset < f.due; next++ {
			pass(&entries[next], false)
		}
		salvage(data[f.from:f.to], f, pass)
	}
	for ; next < len(entries); next++ {
		pass(&entries[next], false)
	}
	return nil
}

// salvage reads entries from a part that is damaged, as far as they make sense.
func salvage(b []byte, f flaw, pass func(*feed.Entry, bool)) {
	if len(b) <= batchHeader {
		return
	}
	first := f.due
	if f.header {
		first = f.first
	}
	r := fields{b: b[batchHeader:], old: string(b[:4]) == oldBatchMagic}
	for i := uint64(0); len(r.b) > 0; i++ {
		e := r.entry(first + i)
		if r.bad || len(e.Data) == 0 {
			return
		}
		pass(&e, true)
	}
}

// Backup copies a folder, which may be in use, into one that does not exist yet. The copy has everything that was
// acknowledged before Backup was called, and opens as every copy does: with a new life.
func Backup(dir, to string) error {
	names, err := realFiles{}.list(dir)
	if err != nil {
		return fmt.Errorf("reading %s: %w", dir, err)
	}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists already: name a folder that does not", to)
	}
	if err := makeDir(realFiles{}, to); err != nil {
		return fmt.Errorf("making %s: %w", to, err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return baseIn(name) == 0 })
	copied := 0
	for _, name := range append([]string{filepath.Base(statePath("")), filepath.Base(oldMarkPath(""))}, names...) {
		err := copyFile(filepath.Join(dir, name), filepath.Join(to, name))
		switch {
		case errors.Is(err, fs.ErrNotExist): // retired meanwhile, or of the other version
		case err != nil:
			return fmt.Errorf("copying %s: %w", filepath.Join(dir, name), err)
		default:
			copied++
		}
	}
	if copied == 0 {
		return fmt.Errorf("%s holds no feed: there are no files feed-*.log in it", dir)
	}
	return syncDir(to)
}

// copyFile copies what a file has now.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fs.ErrNotExist // what stands in the place of an older version's file
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(in, info.Size()))
	return errors.Join(err, out.Sync(), out.Close())
}

// Moved declares that a folder was moved whole: that its files, though they are others for the system, are those that
// were written last, and nothing was written to any other copy since. The store then goes on counting. It must not be
// in use.
func Moved(dir string) error {
	fsys := realFiles{}
	lock, err := fsys.lock(filepath.Join(dir, "feed.lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	f, err := readFolder(fsys, dir, func(string, *feed.Entry) {})
	if err != nil {
		return fmt.Errorf("reading %s: %w", dir, err)
	}
	if f.was == nil {
		return fmt.Errorf("%s has no feed.state that can be read, so nothing tells what was written last; "+
			"Crier begins a new life there", dir)
	}
	s := *f.was
	if s.tail != 0 {
		tail := f.find(s.tail)
		if tail == nil {
			return fmt.Errorf("%s is missing in %s, so the folder is not whole", filepath.Base(segmentPath("", s.tail)), dir)
		}
		s.tailFile = tail.id
	}
	for _, other := range f.segments {
		if other.segment.base > s.tail && len(other.pieces) > 0 {
			return fmt.Errorf("%s is newer than feed.state in %s, so the folder is not as it was written last",
				filepath.Base(other.path), dir)
		}
	}
	sf, err := renewState(fsys, dir, s)
	if err != nil {
		return err
	}
	return sf.f.Close()
}
