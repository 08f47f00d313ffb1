// Package keys finds the entry of an owner's key, for the stores that hold their index in memory.
package keys

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/fifo"
)

// An Index finds the entry of an owner's key. It remembers a digest of 128 bits and not the text, so an entry costs it
// under 100 bytes whatever the owner chose, and nobody can make two keys meet. The zero value is empty.
type Index struct {
	entries map[Digest]Entry
	order   fifo.Queue[keyed] // as they were added, for retiring
}

// A Digest stands for an owner and a key.
type Digest [16]byte

// An Entry is what is known of an entry by its key.
type Entry struct {
	Offset uint64
	At     int64
	Data   uint64 // a digest of its data and attachments
}

type keyed struct {
	offset uint64
	digest Digest
}

// Add remembers the key of an entry that has its offset, or tells what the entry was that already has that key.
func (x *Index) Add(e *feed.Entry) (first feed.Result, repeated bool) {
	if e.Key == "" {
		return feed.Result{}, false
	}
	d, known := Of(e)
	if was, ok := x.entries[d]; ok {
		return feed.Result{Offset: was.Offset, At: was.At, Repeated: true, Same: was.Data == known.Data}, true
	}
	x.Put(d, known)
	return feed.Result{}, false
}

// Of returns what an Index remembers of an entry that has a key.
func Of(e *feed.Entry) (Digest, Entry) {
	return digestOf(e), Entry{Offset: e.Offset, At: e.At, Data: dataDigest(e)}
}

// Put remembers a key. Of an older entry with the same one it takes the place.
func (x *Index) Put(d Digest, e Entry) {
	if x.entries == nil {
		x.entries = make(map[Digest]Entry)
	}
	x.entries[d] = e
	x.order.Push(keyed{e.Offset, d})
}

// Retire forgets the keys of the entries before an offset.
func (x *Index) Retire(first uint64) {
	n := 0
	for ; n < x.order.Len() && x.order.At(n).offset < first; n++ {
		x.forget(x.order.At(n))
	}
	x.order.Drop(n)
}

// Undo forgets the keys of the entries from an offset on.
func (x *Index) Undo(from uint64) {
	n := x.order.Len()
	for ; n > 0 && x.order.At(n-1).offset >= from; n-- {
		x.forget(x.order.At(n - 1))
	}
	x.order.Undo(x.order.Len() - n)
}

func (x *Index) forget(k *keyed) {
	if x.entries[k.digest].Offset == k.offset {
		delete(x.entries, k.digest)
	}
}

// dataDigest tells apart what an owner says under one key: 64 bits of SHA-256 over the data and each attachment's
// length and bytes. A collision would only make an owner's own two messages one.
func dataDigest(e *feed.Entry) uint64 {
	h := sha256.New()
	var size [8]byte
	write := func(part []byte) {
		binary.LittleEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	write(e.Data)
	for _, a := range e.Attachments {
		write(a)
	}
	var sum [sha256.Size]byte
	return binary.LittleEndian.Uint64(h.Sum(sum[:0]))
}

// digestOf starts with the length of the owner, so that no other split of the same bytes has the same digest.
func digestOf(e *feed.Entry) Digest {
	var room [128]byte
	b := binary.AppendUvarint(room[:0], uint64(len(e.Owner)))
	b = append(append(b, e.Owner...), e.Key...)
	sum := sha256.Sum256(b)
	return Digest(sum[:])
}
