package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/crier/crier/server/feed"
)

// roomAhead is how much is written ahead as zeros, so that most commits change neither the size of the file nor its
// place on the disk: a sync then need not write the file system's own records, which takes a third off its processor
// time.
const roomAhead = 1 << 20

var zeros [roomAhead]byte

// A segment is one file of the feed.
type segment struct {
	base    uint64 // the number in its name: no entry of it has a lower offset
	salt    uint32
	version int
	path    string
	f       file

	blocks []block
	end    int64 // of what is safe

	full   int64 // the size that it is to have in the end
	room   int64 // up to here the file has its space already
	toTrim bool  // there may be more than zeros behind end
	dead   bool  // all is retired and the file is closed, but it could not be removed yet
	begun  time.Time
}

// A block is one or more batches that lie behind one another without a gap: the unit of the index. It covers up to
// blockBytes, or one batch that has more, so reading one entry costs reading no more than that.
type block struct {
	first, next uint64 // the offset of its first entry, and that behind its last
	pos, n      int64
}

const blockBytes = 16 << 10

func segmentPath(dir string, base uint64) string {
	return filepath.Join(dir, fmt.Sprintf("feed-%020d.log", base))
}

// baseIn returns the number in the name of a segment; 0 if it is none.
func baseIn(name string) uint64 {
	base, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(name, "feed-"), ".log"), 10, 64)
	if err != nil || name != filepath.Base(segmentPath("", base)) {
		return 0
	}
	return base
}

func (s *segment) first() uint64 { return s.blocks[0].first }

// next returns the offset behind its last entry.
func (s *segment) next() uint64 { return s.blocks[len(s.blocks)-1].next }

// write puts a batch behind the last and makes it safe. It becomes part of the segment when it is added.
func (s *segment) write(batch []byte) error {
	if err := s.trim(); err != nil {
		return err
	}
	s.makeRoom(int64(len(batch)))
	err := s.put(batch)
	if err != nil {
		// The pages of a failed sync count as written from then on, so they must be neither left nor trusted.
		s.toTrim = true
		_ = s.trim()
	}
	return err
}

func (s *segment) put(batch []byte) error {
	if _, err := s.f.WriteAt(batch, s.end); err != nil {
		return err
	}
	return s.f.Sync()
}

// trim cuts off for good what a failed write has left. Until it has, nothing is written behind it, nor another file
// begun: a crash could bring back what was cut off, and then in front of what was acknowledged later.
func (s *segment) trim() error {
	if !s.toTrim {
		return nil
	}
	if err := s.f.Truncate(s.end); err != nil {
		return err
	}
	s.room = s.end
	if err := s.f.Sync(); err != nil {
		return err
	}
	s.toTrim = false
	return nil
}

// makeRoom writes zeros behind the next n bytes if those do not fit into the room that there is. On a full disk it
// gives back what it took: the batch itself may still fit.
func (s *segment) makeRoom(n int64) {
	need := s.end + n
	if need <= s.room {
		return
	}
	ahead := min(roomAhead, max(0, s.full-need))
	if _, err := s.f.WriteAt(zeros[:ahead], need); err != nil {
		_ = s.f.Truncate(s.end)
		s.room = s.end
		return
	}
	s.room = need + ahead
}

// add makes a batch part of the segment that was written behind its end.
func (s *segment) add(first, next uint64, n int64) {
	pos := s.end
	s.end += n
	s.index(block{first, next, pos, n})
}

// index adds a batch to the last block, or begins another.
func (s *segment) index(b block) {
	if k := len(s.blocks) - 1; k >= 0 {
		last := &s.blocks[k]
		if last.next == b.first && last.pos+last.n == b.pos && last.n+b.n <= blockBytes {
			last.next, last.n = b.next, last.n+b.n
			return
		}
	}
	s.blocks = append(s.blocks, b)
}

// probe does what a small write does, and leaves only zeros.
func (s *segment) probe() error {
	if err := s.trim(); err != nil {
		return err
	}
	if _, err := s.f.WriteAt(zeros[:page], s.end); err != nil {
		return err
	}
	s.room = max(s.room, s.end+page)
	return s.f.Sync()
}

// shrink gives back the room ahead, for good.
func (s *segment) shrink() error {
	s.toTrim = s.toTrim || s.room > s.end
	return s.trim()
}

// span is a block's bytes in a file, found under the lock and read without it.
type span struct {
	f    file
	path string
	salt uint32
	pos  int64
	n    int64
}

func (s *segment) span(i int) span {
	return span{s.f, s.path, s.salt, s.blocks[i].pos, s.blocks[i].n}
}

// from returns the first block that has entries with at least the offset.
func (s *segment) from(offset uint64) int {
	return sort.Search(len(s.blocks), func(i int) bool { return s.blocks[i].next > offset })
}

// upTo returns the last block that has entries with at most the offset.
func (s *segment) upTo(offset uint64) int {
	return sort.Search(len(s.blocks), func(i int) bool { return s.blocks[i].first > offset }) - 1
}

// read returns the entries of the block that are wanted. They share the bytes that were read.
func (p span) read(want offsets) ([]feed.Entry, error) {
	b := make([]byte, p.n)
	if _, err := p.f.ReadAt(b, p.pos); err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	var entries []feed.Entry
	for at := 0; at < len(b); {
		h, err := parseBatch(b[at:], p.salt, want, func(e *feed.Entry) { entries = append(entries, *e) })
		if err != nil {
			return nil, fmt.Errorf("%w: %s at byte %d: %w", feed.ErrDamaged, p.path, p.pos+int64(at), err)
		}
		at += h.size()
	}
	return entries, nil
}

// beginSegment makes a file, whose header is safe from then on. An earlier try may have left it.
func beginSegment(fsys files, dir string, base uint64, full int64) (*segment, error) {
	path := segmentPath(dir, base)
	f, err := fsys.open(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR)
	if err != nil {
		return nil, err
	}
	s := &segment{base: base, salt: newSalt(), version: segmentLatest, path: path, f: f, end: segmentHeader,
		full: full, room: segmentHeader, begun: time.Now()}
	_, err = f.WriteAt(appendSegmentHeader(nil, segmentLatest, base, s.salt), 0)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = fsys.syncDir(dir)
	}
	if err != nil {
		_, _ = f.Close(), fsys.remove(path)
		return nil, err
	}
	return s, nil
}
