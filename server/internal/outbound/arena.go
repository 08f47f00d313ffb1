package outbound

import "sync"

// chunkSize is how much memory an Arena takes at a time. One chunk holds a few hundred short frames, so a broadcast
// allocates once in a few hundred; a client that falls behind pins at most maxLoose of them (see queue).
const chunkSize = 32 << 10

// An Arena is append-only memory for finished frames that many connections send. What is put there never changes
// afterwards, so any number of queues may point at it while others read it.
//
// All methods may be called concurrently. The zero value is ready for use.
type Arena struct {
	mu sync.Mutex // guards the following

	chunk *chunk
	used  int // bytes of chunk that are taken
}

// A chunk is one piece of an Arena's memory. Its bytes are written once, before a Frames that covers them is handed out.
type chunk struct {
	buf []byte
}

// Frames are finished frames that lie side by side in an Arena. The zero value holds none.
type Frames struct {
	chunk      *chunk
	start, end uint32
}

// Put copies parts, one behind the other, into the arena and returns where they lie. Two calls in a row, with no other
// call between them, lie side by side, unless a new chunk had to be taken.
func (a *Arena) Put(parts ...[]byte) Frames {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	if size > chunkSize/4 {
		return place(&chunk{buf: make([]byte, size)}, 0, parts) // would waste the rest of a shared chunk
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.chunk == nil || a.used+size > len(a.chunk.buf) {
		a.chunk, a.used = &chunk{buf: make([]byte, chunkSize)}, 0
	}
	f := place(a.chunk, a.used, parts)
	a.used += size
	return f
}

func place(c *chunk, at int, parts [][]byte) Frames {
	end := at
	for _, p := range parts {
		end += copy(c.buf[end:], p)
	}
	return Frames{chunk: c, start: uint32(at), end: uint32(end)}
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
