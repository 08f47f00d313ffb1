package disk

import (
	"fmt"
	"io"
	"path/filepath"
	"sort"
	"time"

	"github.com/crier/crier/server/feed"
)

// file is what a segment needs of an *os.File.
type file interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error // returns when the content, and what is needed to find it, is safe
	Close() error
}

// roomAhead is how much is written ahead as zeros, so that most commits change neither the size of the file nor its
// place on the disk: a sync then need not write the file system's own records, which takes a third off its processor time.
const roomAhead = 1 << 20

var zeros [roomAhead]byte

// A segment is one file of the feed, from its first entry to that before the next segment's.
type segment struct {
	base uint64 // offset of its first entry
	salt uint32
	path string
	f    file

	blocks []block
	end    int64 // of what is safe

	full   int64 // the size that it is to have in the end
	room   int64 // up to here the file has its space already
	toTrim bool  // there may be more than zeros behind end
	dead   bool  // all is retired and the file is closed, but it could not be removed yet
	begun  time.Time
}

// A block is one or more batches: the unit of the index. It covers about blockBytes, so the index of 256 MiB takes no more
// than 512 KiB, and reading one entry costs reading no more than a block.
type block struct {
	first  uint64 // offset of its first entry
	pos    int64
	newest int64 // the latest At of its entries, in Unix milliseconds
}

const blockBytes = 16 << 10

func segmentPath(dir string, base uint64) string {
	return filepath.Join(dir, fmt.Sprintf("feed-%020d.log", base))
}

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

// trim cuts off what a failed write or a crash has left.
func (s *segment) trim() error {
	if !s.toTrim {
		return nil
	}
	if err := s.f.Truncate(s.end); err != nil {
		return err
	}
	s.toTrim, s.room = false, s.end
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
func (s *segment) add(first uint64, newest, n int64) {
	pos := s.end
	s.end += n
	if last := len(s.blocks) - 1; last >= 0 && pos-s.blocks[last].pos < blockBytes {
		s.blocks[last].newest = max(s.blocks[last].newest, newest)
		return
	}
	s.blocks = append(s.blocks, block{first, pos, newest})
}

// blockOf returns the block of an offset that the segment holds.
func (s *segment) blockOf(offset uint64) int {
	return sort.Search(len(s.blocks), func(i int) bool { return s.blocks[i].first > offset }) - 1
}

// blockEnd returns where a block ends.
func (s *segment) blockEnd(i int) int64 {
	if i+1 < len(s.blocks) {
		return s.blocks[i+1].pos
	}
	return s.end
}

// probe does what a small write does, and leaves only zeros.
func (s *segment) probe() error {
	if err := s.trim(); err != nil {
		return err
	}
	if _, err := s.f.WriteAt(zeros[:4096], s.end); err != nil {
		return err
	}
	s.room = max(s.room, s.end+4096)
	return s.f.Sync()
}

// shrink gives back the room ahead. It may as well stay, so it does not matter if that fails.
func (s *segment) shrink() {
	s.toTrim = s.toTrim || s.room > s.end
	_ = s.trim()
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
	pos := s.blocks[i].pos
	return span{s.f, s.path, s.salt, pos, s.blockEnd(i) - pos}
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
