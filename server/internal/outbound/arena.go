package outbound

import (
	"sync"
	"sync/atomic"
)

// chunkSize is how much memory an Arena takes at a time. One chunk holds a few hundred short frames, so a broadcast
// allocates once in a few hundred; a client that falls behind pins at most maxPieces of them (see queue).
const chunkSize = 32 << 10

// An Arena is append-only memory for finished frames that many connections send. What is put there never changes
// afterwards, so any number of queues may point at it while others read it.
//
// All methods may be called concurrently. Put reserves its place with one atomic add and copies without a lock, so
// the copies of several processors run side by side. An arena for each worker would not do: a broadcast is put once
// and read by all workers, and frames that are put one behind the other must lie side by side, whoever puts them.
//
// The zero value is ready for use.
type Arena struct {
	open atomic.Pointer[openChunk]

	mu sync.Mutex // held while an open chunk is replaced
}

// A chunk is one piece of an Arena's memory. Its bytes are written once, before a Frames that covers them is handed
// out.
type chunk struct {
	buf []byte
}

// An openChunk is the chunk that an Arena puts frames into.
type openChunk struct {
	chunk
	_    [cacheLine]byte // used changes with each Put, while queues read chunk
	used atomic.Int64    // bytes that are reserved; more than there are when the chunk is full
}

// cacheLine is the size of two lines: processors fetch them in pairs.
const cacheLine = 128

// Frames are finished frames that lie side by side in an Arena. The zero value holds none.
type Frames struct {
	chunk      *chunk
	start, end uint32
}

// Put copies parts, one behind the other, into the arena and returns where they lie. Two calls in a row, with no other
// call between them, lie side by side, unless a new chunk had to be taken.
func (a *Arena) Put(parts ...[]byte) Frames {
	size := total(parts)
	if size > chunkSize/4 {
		return place(&chunk{buf: make([]byte, size)}, 0, parts) // would waste the rest of a shared chunk
	}
	for {
		c := a.open.Load()
		if c != nil {
			if end := c.used.Add(int64(size)); end <= chunkSize {
				return place(&c.chunk, int(end)-size, parts)
			}
		}
		a.replace(c)
	}
}

// replace puts a new chunk in place of one that is full, unless somebody else has.
func (a *Arena) replace(full *openChunk) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open.Load() == full {
		a.open.Store(&openChunk{chunk: chunk{make([]byte, chunkSize)}})
	}
}

func place(c *chunk, at int, parts [][]byte) Frames {
	end := at
	for _, p := range parts {
		end += copy(c.buf[end:], p)
	}
	return Frames{chunk: c, start: uint32(at), end: uint32(end)}
}

// adopt makes frames of b, which nobody may change from now on.
func adopt(b []byte) Frames {
	return Frames{chunk: &chunk{b}, end: uint32(len(b))}
}

// Join returns f and next as one, if next lies right behind f.
func (f Frames) Join(next Frames) (_ Frames, ok bool) {
	if f.chunk != next.chunk || f.end != next.start {
		return f, false
	}
	f.end = next.end
	return f, true
}

// Len returns the number of bytes.
func (f Frames) Len() int { return int(f.end - f.start) }

// Bytes returns the frames themselves, which must not be changed.
func (f Frames) Bytes() []byte {
	if f.chunk == nil {
		return nil
	}
	return f.chunk.buf[f.start:f.end:f.end]
}

func total(bufs [][]byte) (n int) {
	for _, b := range bufs {
		n += len(b)
	}
	return n
}
