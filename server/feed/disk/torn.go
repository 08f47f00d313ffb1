package disk

import (
	"bytes"

	"github.com/crier/crier/server/feed"
)

// sector is the most that a disk writes whole or not at all.
const sector = 512

// torn tells whether the end of a segment, from a place on where a batch cannot be read, is what a crash leaves of a write
// that was under way: then nobody was told that it is stored, and it may be cut off. Everything else is damage.
//
// The write went to where there were zeros or nothing, so of each sector there is what was written, or zeros, or nothing.
// And it was the last: the next batch is written only after this one is safe.
func torn(data []byte, pos int, salt uint32) bool {
	end := data[pos:]
	if allZero(end) {
		return true
	}
	h, ok := parseBatchHead(end, salt)
	if !ok {
		return (len(end) < batchHeader || missesSector(data, pos, pos+batchHeader)) && !hasBatch(end, salt)
	}
	if h.size() > len(end) {
		return true
	}
	return missesSector(data, pos, pos+h.size()) && !hasBatch(end[h.size():], salt)
}

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

// hasBatch tells whether there is a whole batch anywhere in b.
func hasBatch(b []byte, salt uint32) bool {
	for {
		i := bytes.Index(b, []byte(batchMagic))
		if i < 0 {
			return false
		}
		b = b[i:]
		if _, err := parseBatch(b, salt, allOffsets, func(*feed.Entry) {}); err == nil {
			return true
		}
		b = b[1:]
	}
}
