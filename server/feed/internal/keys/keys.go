// Package keys finds the entry of an owner's key, for the stores that hold their index in memory.
package keys

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/fifo"
)

// An Index finds the entry of an owner's key. It remembers a digest of 128 bits and not the text, so an entry costs it
// under 100 bytes whatever the owner chose, and nobody can make two keys meet. The zero value is empty. Its methods may
// be called concurrently.
type Index struct {
	mu sync.RWMutex // guards the following

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
	x.mu.Lock()
	defer x.mu.Unlock()
	if was, ok := x.entries[d]; ok {
		return was.result(known.Data), true
	}
	x.put(d, known)
	return feed.Result{}, false
}

// Find tells what the entry was that has the key of e, without remembering that. Of one that is being stored that may
// not be the last word.
func (x *Index) Find(e *feed.Entry) (first feed.Result, repeated bool) {
	if e.Key == "" {
		return feed.Result{}, false
	}
	d := digestOf(e)
	x.mu.RLock()
	was, ok := x.entries[d]
	x.mu.RUnlock()
	if !ok {
		return feed.Result{}, false
	}
	return was.result(dataDigest(e)), true
}

// result is what a repetition with that data is answered.
func (e Entry) result(data uint64) feed.Result {
	return feed.Result{Offset: e.Offset, At: e.At, Repeated: true, Same: e.Data == data}
}

// Of returns what an Index remembers of an entry that has a key.
func Of(e *feed.Entry) (Digest, Entry) {
	return digestOf(e), Entry{Offset: e.Offset, At: e.At, Data: dataDigest(e)}
}

// Put remembers a key. Of an older entry with the same one it takes the place.
func (x *Index) Put(d Digest, e Entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.put(d, e)
}

// put needs the lock.
func (x *Index) put(d Digest, e Entry) {
	if x.entries == nil {
		x.entries = make(map[Digest]Entry)
	}
	x.entries[d] = e
	x.order.Push(keyed{e.Offset, d})
}

// Retire forgets the keys of the entries before an offset.
func (x *Index) Retire(first uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for ; n < x.order.Len() && x.order.At(n).offset < first; n++ {
		x.forget(x.order.At(n))
	}
	x.order.Drop(n)
}

// Undo forgets the keys of the entries from an offset on.
func (x *Index) Undo(from uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := x.order.Len()
	for ; n > 0 && x.order.At(n-1).offset >= from; n-- {
		x.forget(x.order.At(n - 1))
	}
	x.order.Undo(x.order.Len() - n)
}

// forget needs the lock.
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
