package feed

import (
	"crypto/sha256"
	"encoding/binary"
)

// keyIndex finds the entry of a sender's key. It remembers a digest of 128 bits and not the text, so an entry costs it
// under 100 bytes whatever the sender chose, and no sender can make two keys meet.
type keyIndex struct {
	entries map[digest]earlier
	order   fifo[keyed] // as they were added, for retiring
}

type digest [16]byte

// earlier is what is known of an entry by its key.
type earlier struct {
	offset uint64
	at     int64
	data   uint64 // a digest of its data and attachments
}

type keyed struct {
	offset uint64
	digest digest
}

// add remembers the key of an entry that has its offset, or tells what the entry was that already has that key.
func (x *keyIndex) add(e *Entry) (first Result, repeated bool) {
	if e.Key == "" {
		return Result{}, false
	}
	d, data := digestOf(e), dataDigest(e)
	if was, ok := x.entries[d]; ok {
		return Result{Offset: was.offset, At: was.at, Repeated: true, Same: was.data == data}, true
	}
	x.put(d, earlier{e.Offset, e.At, data})
	return Result{}, false
}

func (x *keyIndex) put(d digest, was earlier) {
	if x.entries == nil {
		x.entries = make(map[digest]earlier)
	}
	x.entries[d] = was
	x.order.push(keyed{was.offset, d})
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
	if x.entries[k.digest].offset == k.offset {
		delete(x.entries, k.digest)
	}
}

// dataDigest tells apart what an owner says under one key: 64 bits of SHA-256 over the data and each attachment's length and
// bytes. A collision would only make an owner's own two messages one.
func dataDigest(e *Entry) uint64 {
	h := sha256.New()
	var size [8]byte
	for _, part := range append([][]byte{e.Data}, e.Attachments...) {
		binary.LittleEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return binary.LittleEndian.Uint64(h.Sum(nil))
}

// digestOf starts with the length of the owner, so that no other split of the same bytes has the same digest.
func digestOf(e *Entry) digest {
	var room [128]byte
	b := binary.AppendUvarint(room[:0], uint64(len(e.Owner)))
	b = append(append(b, e.Owner...), e.Key...)
	sum := sha256.Sum256(b)
	return digest(sum[:])
}
