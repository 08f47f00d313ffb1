package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/crier/crier/server/feed"
)

// A segment file is a header and, right behind it, batches; what follows the last batch is zeros or nothing. All
// numbers are little endian. A batch is what one Append wrote:
//
//	 0  "CFB2" ("CFB1": written before entries had a kind and a room)
//	 4  length of the payload
//	 8  number of entries
//	12  offset of the first entry, 8 bytes
//	20  CRC-32C of the payload
//	24  CRC-32C of the 24 bytes before, begun with the salt of the segment
//	28  the payload: entries one behind the other
//
// The header has a checksum of its own so that a length can be believed. The salt is there so that what a client says
// is never taken for a batch, even if it looks like one. A batch "CFBH" is a hole: its payload was damaged, has been
// set aside, and is not read any more.
const (
	batchMagic    = "CFB2"
	oldBatchMagic = "CFB1"
	holeMagic     = "CFBH"
	batchHeader   = 28

	segmentMagic  = "CRIERFD" // and the version, a digit
	segmentLatest = 2
	segmentHeader = 24 // magic and version (8), offset of the first entry (8), salt (4), CRC-32C of these
)

// maxBatchBytes is what one Append may come to; a Log's is far below.
const maxBatchBytes = 1 << 30

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func appendSegmentHeader(b []byte, version int, base uint64, salt uint32) []byte {
	start := len(b)
	b = append(b, segmentMagic...)
	b = append(b, byte('0'+version))
	b = binary.LittleEndian.AppendUint64(b, base)
	b = binary.LittleEndian.AppendUint32(b, salt)
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// head is the header of a segment.
type head struct {
	version int
	base    uint64
	salt    uint32
}

// parseSegmentHeader returns what the header says, also where it is damaged.
func parseSegmentHeader(b []byte) (h head, err error) {
	if len(b) < segmentHeader {
		return h, errors.New("its header is cut short")
	}
	h = head{int(b[7]) - '0', binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint32(b[16:])}
	if string(b[:7]) != segmentMagic || h.version < 1 || h.version > 9 ||
		binary.LittleEndian.Uint32(b[20:]) != checksum(b[:20]) {
		return h, errors.New("its header is damaged")
	}
	return h, nil
}

// sealBatch fills in the header of a batch whose payload begins at batchHeader.
func sealBatch(b []byte, first uint64, count int, salt uint32) {
	sealHeader(b, batchMagic, len(b)-batchHeader, first, count, checksum(b[batchHeader:]), salt)
}

// sealHole returns the header of a hole of so many bytes.
func sealHole(size int64, salt uint32) []byte {
	b := make([]byte, batchHeader)
	sealHeader(b, holeMagic, int(size)-batchHeader, 0, 0, 0, salt)
	return b
}

func sealHeader(b []byte, magic string, length int, first uint64, count int, sum, salt uint32) {
	h := append(b[:0], magic...)
	h = binary.LittleEndian.AppendUint32(h, uint32(length))
	h = binary.LittleEndian.AppendUint32(h, uint32(count))
	h = binary.LittleEndian.AppendUint64(h, first)
	h = binary.LittleEndian.AppendUint32(h, sum)
	binary.LittleEndian.AppendUint32(h, crc32.Update(salt, castagnoli, h))
}

// batchHead is the header of a batch, read and found whole.
type batchHead struct {
	magic         string
	length, count int
	first         uint64
	sum           uint32
}

func (h batchHead) size() int { return batchHeader + h.length }

func parseBatchHead(b []byte, salt uint32) (h batchHead, ok bool) {
	if len(b) < batchHeader || string(b[:3]) != batchMagic[:3] ||
		binary.LittleEndian.Uint32(b[24:]) != crc32.Update(salt, castagnoli, b[:24]) {
		return batchHead{}, false
	}
	length := binary.LittleEndian.Uint32(b[4:])
	h = batchHead{
		magic:  string(b[:4]),
		length: int(length),
		count:  int(binary.LittleEndian.Uint32(b[8:])),
		first:  binary.LittleEndian.Uint64(b[12:]),
		sum:    binary.LittleEndian.Uint32(b[20:]),
	}
	return h, length <= maxBatchBytes && (h.magic == batchMagic || h.magic == oldBatchMagic || h.magic == holeMagic)
}

// saltOf returns the salt with which the header of a batch has its checksum: it runs the checksum backwards.
func saltOf(b []byte) (salt uint32) {
	crc := ^binary.LittleEndian.Uint32(b[24:])
	for i := 23; i >= 0; i-- {
		high := byte(crc >> 24)
		k := 0
		for castagnoli[k]>>24 != uint32(high) {
			k++ // the high bytes of the table are all different
		}
		crc = (crc^castagnoli[k])<<8 | uint32(byte(k)^b[i])
	}
	return ^crc
}

// offsets is a range, with both of its ends.
type offsets struct{ from, to uint64 }

var allOffsets = offsets{0, math.MaxUint64}

func (o offsets) has(offset uint64) bool { return o.from <= offset && offset <= o.to }

// parseBatch reads the batch at the start of b, and hands those of its entries that are wanted to each. They refer to
// b. Of a hole it reads the header alone.
func parseBatch(b []byte, salt uint32, want offsets, each func(*feed.Entry)) (batchHead, error) {
	h, ok := parseBatchHead(b, salt)
	switch {
	case !ok:
		return h, errors.New("the header of a batch is damaged")
	case h.magic == holeMagic:
		return h, nil
	case h.size() > len(b):
		return h, errors.New("a batch is cut short")
	case checksum(b[batchHeader:h.size()]) != h.sum:
		return h, errors.New("a batch does not have its checksum")
	}
	return h, h.entries(b[batchHeader:h.size()], want, each)
}

func (h batchHead) entries(payload []byte, want offsets, each func(*feed.Entry)) error {
	r := fields{b: payload, old: h.magic == oldBatchMagic}
	for i := range h.count {
		offset := h.first + uint64(i)
		if want.has(offset) {
			if e := r.entry(offset); !r.bad {
				each(&e)
			}
		} else {
			r.skip()
		}
		if r.bad {
			return fmt.Errorf("entry %d of a batch cannot be read", i)
		}
	}
	if len(r.b) > 0 {
		return errors.New("a batch has bytes left over")
	}
	return nil
}

func appendEntry(b []byte, e *feed.Entry) []byte {
	b = binary.AppendVarint(b, e.At)
	b = append(b, byte(e.Kind))
	for _, text := range [...]string{e.Room, e.From, e.ID, e.Key, e.Owner} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	b = appendField(b, e.Data)
	b = binary.AppendUvarint(b, uint64(len(e.Attachments)))
	for _, a := range e.Attachments {
		b = appendField(b, a)
	}
	return b
}

func appendField(b, field []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(field)))
	return append(b, field...)
}

// fields reads what appendEntry wrote. After the first fault it is bad and reads nothing more.
type fields struct {
	b   []byte
	old bool // entries have neither kind nor room
	bad bool
}

func (r *fields) entry(offset uint64) feed.Entry {
	e := feed.Entry{Offset: offset, At: r.varint()}
	if !r.old {
		e.Kind, e.Room = feed.Kind(r.byte()), r.text()
	}
	e.From, e.ID, e.Key, e.Owner, e.Data = r.text(), r.text(), r.text(), r.text(), r.bytes()
	n := r.length()
	if r.bad || n == 0 {
		return e
	}
	e.Attachments = make([][]byte, 0, n) // n is not above the bytes that are left, each of which would be an attachment
	for range n {
		e.Attachments = append(e.Attachments, r.bytes())
	}
	return e
}

func (r *fields) skip() {
	r.varint()
	if !r.old {
		r.byte()
		r.bytes() // the room
	}
	for range 5 { // the other texts and the data
		r.bytes()
	}
	for range r.length() {
		r.bytes()
	}
}

func (r *fields) text() string { return string(r.bytes()) }

func (r *fields) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	b := r.b[0]
	r.b = r.b[1:]
	return b
}

func (r *fields) bytes() []byte {
	n := r.length()
	field := r.b[:n:n]
	r.b = r.b[n:]
	return field
}

// length reads a number that cannot be more than the bytes that are left.
func (r *fields) length() int {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > uint64(len(r.b)-size) {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return int(n)
}

func (r *fields) varint() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}
