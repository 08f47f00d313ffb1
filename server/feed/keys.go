package feed

import (
	"crypto/sha256"
	"encoding/binary"
)

// keyIndex finds the entry of a sender's key. It remembers a digest of 128 bits and not the text, so an entry costs it
// under 100 bytes whatever the sender chose, and no sender can make two keys meet.
type keyIndex struct {
	offsets map[digest]uint64
	order   fifo[keyed] // as they were added, for retiring
}

type digest [16]byte

type keyed struct {
	offset uint64
	digest digest
}

// add remembers the key of an entry that has its offset, or returns the offset of the entry that already has that key.
func (x *keyIndex) add(e *Entry) (earlier uint64, duplicate bool) {
	if e.Key == "" {
		return 0, false
	}
	d := digestOf(e)
	if earlier, duplicate = x.offsets[d]; duplicate {
		return earlier, true
	}
	x.put(d, e.Offset)
	return 0, false
}

func (x *keyIndex) put(d digest, offset uint64) {
	if x.offsets == nil {
		x.offsets = make(map[digest]uint64)
	}
	x.offsets[d] = offset
	x.order.push(keyed{offset, d})
}

// retire forgets the keys of the entries before an offset.
func (x *keyIndex) retire(first uint64) {
	n := 0
	for ; n < x.order.len() && x.order.at(n).offset < first; n++ {
		x.forget(x.order.at(n))
	}
	x.order.drop(n)
}

// undo forgets the keys of the entries from an offset on.
func (x *keyIndex) undo(from uint64) {
	n := x.order.len()
	for ; n > 0 && x.order.at(n-1).offset >= from; n-- {
		x.forget(x.order.at(n - 1))
	}
	x.order.undo(x.order.len() - n)
}

func (x *keyIndex) forget(k *keyed) {
	if x.offsets[k.digest] == k.offset {
		delete(x.offsets, k.digest)
	}
}

// digestOf starts with the length of the sender, so that no other split of the same bytes has the same digest.
func digestOf(e *Entry) digest {
	var room [128]byte
	b := binary.AppendUvarint(room[:0], uint64(len(e.Sender)))
	b = append(append(b, e.Sender...), e.Key...)
	sum := sha256.Sum256(b)
	return digest(sum[:])
}
