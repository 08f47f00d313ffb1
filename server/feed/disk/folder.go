package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/crier/crier/server/feed"
)

// folder is what was found in the directory of a feed. Reading it changes nothing.
type folder struct {
	was        *state // the state that was written last; nil if there is none
	own        bool   // the files are those that were written last
	stateBad   bool   // there is a state, and it cannot be read
	oldMark    *mark  // of version 1
	oldMarkBad bool
	segments   []*stored // in the order of their entries, those without any by their names
	aside      string    // the directory that holds what was damaged
}

// stored is a segment as it was found.
type stored struct {
	*segment
	*content
	id      identity
	size    int64
	zero    bool // all bytes are zeros
	garbage bool // it has something, but nothing whole

	keepFlaws bool // no copy of what is damaged could be made
}

// readFolder reads all. Each, if not nil, is called with the entries of each file, and then the files are closed.
func readFolder(fsys files, dir string, each func(name string, e *feed.Entry)) (*folder, error) {
	f := &folder{}
	names, err := fsys.list(dir)
	if err != nil {
		return nil, err
	}
	if err := f.readState(fsys, dir); err != nil {
		return nil, err
	}
	for _, name := range names {
		base := baseIn(name)
		if base == 0 || base > maxOffset {
			continue
		}
		s, err := readSegment(fsys, filepath.Join(dir, name), base, each)
		if each != nil && errors.Is(err, fs.ErrNotExist) {
			continue // retired meanwhile
		}
		if err != nil {
			f.close()
			return nil, err
		}
		f.segments = append(f.segments, s)
	}
	slices.SortStableFunc(f.segments, func(a, b *stored) int { return cmp.Compare(a.order(), b.order()) })
	if each != nil {
		f.close()
	}
	f.own = f.isOwn(fsys, dir)
	return f, nil
}

// maxOffset is above every offset that can ever be given.
const maxOffset = 1 << 62

func (s *stored) order() uint64 {
	if len(s.pieces) > 0 {
		return s.content.first()
	}
	return s.segment.base
}

func (f *folder) close() {
	for _, s := range f.segments {
		_ = s.f.Close()
	}
}

func (f *folder) readState(fsys files, dir string) (err error) {
	f.was, err = readState(fsys, dir)
	if errors.Is(err, errStateDamaged) {
		f.stateBad, err = true, nil
	}
	if err == nil && f.was == nil {
		f.oldMark, err = readOldMark(fsys, dir)
		if errors.Is(err, errStateDamaged) {
			f.oldMarkBad, f.stateBad, err = true, true, nil
		}
	}
	return err
}

func readSegment(fsys files, path string, base uint64, each func(string, *feed.Entry)) (*stored, error) {
	id, size, err := fsys.about(path)
	if err != nil {
		return nil, err
	}
	flag := os.O_RDWR
	if each != nil {
		flag = os.O_RDONLY
	}
	file, err := fsys.open(path, flag)
	if err != nil {
		return nil, err
	}
	data, unreadable, err := readAll(file, size)
	if err != nil && len(unreadable) == 0 {
		return nil, errors.Join(err, file.Close())
	}
	name := filepath.Base(path)
	if err := checkVersion(data, name); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	var visit func(*feed.Entry)
	if each != nil {
		visit = func(e *feed.Entry) { each(name, e) }
	}
	c := scan(data, unreadable, visit)
	if c.headFault == nil && c.head.base != base {
		c.headFault = fmt.Errorf("its header says that it begins with entry %d", c.head.base)
	}
	for i := range c.flaws {
		if c.flaws[i].touches(unreadable) {
			c.flaws[i].err, c.flaws[i].torn = errors.New("the disk cannot read it"), false
			c.flaws[i].short = false
		}
	}
	s := &stored{content: c, id: id, size: int64(len(data)), zero: allZero(data)}
	s.segment = &segment{base: base, salt: c.salt, version: c.version, path: path, f: file, end: c.end, room: s.size}
	s.begun = s.firstTime(time.Now())
	return s, nil
}

// raw returns the bytes of a part of the file, with zeros for what the disk cannot read.
func (s *stored) raw(x extent) []byte {
	data, _, _ := readAll(from{s.f, x.from}, x.to-x.from)
	return data
}

// from is a file from a place on.
type from struct {
	file
	pos int64
}

func (f from) ReadAt(b []byte, pos int64) (int, error) { return f.file.ReadAt(b, f.pos+pos) }

func (f *flaw) touches(parts []extent) bool {
	return slices.ContainsFunc(parts, func(p extent) bool { return p.from < f.to && f.from < p.to })
}

// find returns the file with a number in its name.
func (f *folder) find(base uint64) *stored {
	i := slices.IndexFunc(f.segments, func(s *stored) bool { return s.segment.base == base })
	if i < 0 {
		return nil
	}
	return f.segments[i]
}

// isOwn tells whether the files are those that were written last: that with the state is the one that it tells of, so
// is the segment that was appended to, and no other goes beyond that.
func (f *folder) isOwn(fsys files, dir string) bool {
	if f.was == nil {
		return false
	}
	self, _, err := fsys.about(statePath(dir))
	if err != nil || self != f.was.self {
		return false
	}
	for _, s := range f.segments {
		retired := f.was.closed && f.was.tail == 0 && s.content.next-1 <= f.was.last // and could not be removed
		if len(s.pieces) > 0 && s.segment.base > f.was.tail && !retired {
			return false
		}
	}
	if f.was.tail == 0 {
		return true
	}
	tail := f.find(f.was.tail)
	return tail != nil && tail.id == f.was.tailFile
}

// isNew tells whether there was no feed before.
func (f *folder) isNew() bool {
	return f.was == nil && !f.stateBad && f.oldMark == nil && len(f.segments) == 0
}

// noted returns what the store held when it was closed, if it was.
func (f *folder) noted() (closed bool, first, last uint64) {
	switch {
	case f.was != nil:
		return f.was.closed, f.was.first, f.was.last
	case f.oldMark != nil:
		return f.oldMark.closed, f.oldMark.first, f.oldMark.last
	}
	return false, 0, 0
}

// lives returns the lives that are noted; where none are, though there was something, one without an id stands for
// them.
func (f *folder) lives() []life {
	switch {
	case f.was != nil:
		return f.was.lives
	case f.isNew():
		return nil
	}
	return []life{{first: 1}}
}

func (f *folder) sequence() uint64 {
	if f.was == nil {
		return 0
	}
	return f.was.sequence
}

// reserved returns the offset up to which all may have been given, as far as it was noted.
func (f *folder) reserved() (reserved uint64) {
	if f.was != nil {
		reserved = max(f.was.reserved, f.was.last, f.was.lives[len(f.was.lives)-1].first-1)
	}
	if f.oldMark != nil {
		reserved = max(reserved, f.oldMark.reserved, f.oldMark.last)
	}
	return reserved
}

// seen returns the highest offset that anything tells of.
func (f *folder) seen() uint64 {
	seen := f.reserved()
	for _, s := range f.segments {
		seen = max(seen, s.segment.base-1)
		if len(s.pieces) > 0 {
			seen = max(seen, s.content.next-1)
		}
		for _, f := range s.flaws {
			if f.next > 0 && f.next < maxOffset {
				seen = max(seen, f.next-1)
			}
		}
	}
	return seen
}
