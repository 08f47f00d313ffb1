package disk

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/keys"
)

// A piece is a batch that was found whole.
type piece struct {
	extent
	first uint64
	at    []int64 // when each of its entries was said
}

func (p *piece) next() uint64 { return p.first + uint64(len(p.at)) }

// A flaw is a part of a file that is neither a whole batch nor room that was never used.
type flaw struct {
	extent
	err error
	end bool   // nothing is whole behind it in its file
	due uint64 // the offset behind the last entry before it; 0 if there is none

	cut    bool   // it is no damage
	torn   bool   // it looks like what a power cut leaves of a write that was under way
	short  bool   // the file ends before the batch does, so it was never synced
	header bool   // the header is whole, and tells the following
	first  uint64 // the offset of the first entry
	next   uint64 // that behind the last
}

// content is what was found in the file of a segment.
type content struct {
	head
	headFault error // the header is damaged; what it should say was found all the same, if there are pieces
	pieces    []piece
	holes     []extent // were flaws before
	flaws     []flaw
	keys      []found
	end       int64 // behind the last whole batch or hole
	next      uint64
}

// found is the key of an entry that was read.
type found struct {
	digest keys.Digest
	keys.Entry
}

func (c *content) first() uint64 { return c.pieces[0].first }

// scan reads the bytes of a segment, of which those that could not be read are zeros. Each, if not nil, is called
// with the entries.
func scan(data []byte, unreadable []extent, each func(*feed.Entry)) *content {
	c := &content{end: segmentHeader}
	c.head, c.headFault = parseSegmentHeader(data)
	if c.headFault != nil {
		c.findSalt(data)
	}
	for pos := segmentHeader; pos < len(data); {
		if h, ok := c.batch(data, pos, each); ok {
			pos += h.size()
			c.end = int64(pos)
			continue
		}
		if allZero(data[pos:]) && !touches(unreadable, int64(pos)) {
			break
		}
		to := c.wholeAgain(data, pos)
		c.flaws = append(c.flaws, c.flawAt(data, pos, to))
		pos = to
	}
	return c
}

// batch takes in the batch at a place, if it is whole and its offsets are not behind those before.
func (c *content) batch(data []byte, pos int, each func(*feed.Entry)) (batchHead, bool) {
	p := piece{extent: extent{from: int64(pos)}}
	owners := c.keys
	var entries []feed.Entry
	h, err := parseBatch(data[pos:], c.salt, allOffsets, func(e *feed.Entry) {
		p.at = append(p.at, e.At)
		if e.Key != "" {
			digest, known := keys.Of(e)
			owners = append(owners, found{digest, known})
		}
		if each != nil {
			entries = append(entries, *e)
		}
	})
	p.first, p.to = h.first, int64(pos+h.size())
	switch {
	case err != nil || int(p.to) > len(data):
		return h, false
	case h.magic == holeMagic:
		c.holes = append(c.holes, p.extent)
		return h, true
	case h.first < c.next || h.first == 0 || h.first > maxOffset || len(p.at) == 0:
		return h, false
	}
	c.keys, c.next = owners, p.next()
	c.pieces = append(c.pieces, p)
	for i := range entries {
		each(&entries[i])
	}
	return h, true
}

// wholeAgain returns where, behind a place, the next whole batch or hole begins, or the end of the data.
func (c *content) wholeAgain(data []byte, pos int) int {
	if h, ok := parseBatchHead(data[pos:], c.salt); ok && c.isWhole(data, pos+h.size()) {
		return pos + h.size()
	}
	for at := pos + 1; ; at++ {
		i := bytes.Index(data[at:], []byte(batchMagic[:3]))
		if i < 0 {
			return len(data)
		}
		if at += i; c.isWhole(data, at) {
			return at
		}
	}
}

func (c *content) isWhole(data []byte, pos int) bool {
	if pos >= len(data) {
		return false
	}
	h, err := parseBatch(data[pos:], c.salt, allOffsets, func(*feed.Entry) {})
	return err == nil && (h.magic == holeMagic || h.first >= c.next)
}

func (c *content) flawAt(data []byte, pos, to int) flaw {
	f := flaw{extent: extent{int64(pos), int64(to)}, end: to == len(data), due: c.next}
	h, err := parseBatch(data[pos:], c.salt, allOffsets, func(*feed.Entry) {})
	f.err = err
	if err == nil {
		f.err = fmt.Errorf("a batch begins with entry %d where %d is due", h.first, c.next)
	}
	if _, f.header = parseBatchHead(data[pos:], c.salt); f.header {
		f.first, f.next = h.first, h.first+uint64(h.count)
	}
	if !f.end {
		return f
	}
	f.torn = torn(data, pos, c.salt)
	f.short = f.torn && (f.header && pos+h.size() > len(data) || len(data)-pos < batchHeader)
	return f
}

// findSalt finds the salt of a file whose header is damaged: the field may be whole, or the batches tell.
func (c *content) findSalt(data []byte) {
	if len(data) < segmentHeader {
		return
	}
	c.version = segmentLatest
	if string(data[:8]) == segmentMagic+"1" {
		c.version = 1
	}
	for at := segmentHeader; ; at++ {
		i := bytes.Index(data[at:], []byte(batchMagic[:3]))
		if i < 0 || len(data)-at-i < batchHeader {
			return
		}
		at += i
		if c.isWhole(data, at) {
			return // with the salt that the header has
		}
		was := c.salt
		if c.salt = saltOf(data[at:]); c.isWhole(data, at) && at == segmentHeader {
			return
		}
		c.salt = was
	}
}

// torn tells whether the end of a segment, from a place on where a batch cannot be read, looks like what a power cut
// leaves of a write that was under way. The write went to where there were zeros or nothing, so of each sector there
// is what was written, or zeros, or nothing. Damage may look so too.
func torn(data []byte, pos int, salt uint32) bool {
	end := data[pos:]
	h, ok := parseBatchHead(end, salt)
	if !ok {
		return len(end) < batchHeader || missesSector(data, pos, pos+batchHeader)
	}
	return h.size() > len(end) || missesSector(data, pos, pos+h.size()) && allZero(end[h.size():])
}

// sector is the most that a disk writes whole or not at all.
const sector = 512

// missesSector tells whether the part of any sector that lies between two places is all zeros.
func missesSector(data []byte, from, to int) bool {
	for from < to {
		next := min(to, (from/sector+1)*sector)
		if allZero(data[from:next]) {
			return true
		}
		from = next
	}
	return false
}

func allZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

// touches tells whether any of the parts reaches behind a place.
func touches(parts []extent, pos int64) bool {
	for _, p := range parts {
		if p.to > pos {
			return true
		}
	}
	return false
}

// errNewer is why a file that a newer Crier wrote is not touched.
var errNewer = errors.New("was written by a newer version of Crier")

// checkVersion returns an error if the header of a segment is whole and of a later version. A version that differs
// from a known one by a single bit is damage, unless the checksum says that it is meant.
func checkVersion(data []byte, name string) error {
	h, err := parseSegmentHeader(data)
	if err != nil && (len(data) < segmentHeader || string(data[:7]) != segmentMagic || h.version > 9 || h.version == 3) {
		return nil
	}
	if h.version > segmentLatest {
		return fmt.Errorf("%s %w: its format is %d, and this version knows those up to %d; install the newer version again, "+
			"or name another folder", name, errNewer, h.version, segmentLatest)
	}
	return nil
}
