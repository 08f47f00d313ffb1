package outbound

// maxPieces is how many slices a queue yields at most. It copies what it points at into memory of its own before there
// are more: a client that hears one frame in a hundred would otherwise pin a whole chunk for each frame that waits for
// it. A connection writes so many pieces in its fastest way.
const maxPieces = 8

// A queue holds the frames that wait for one client, in order. It points at shared memory as long as that is cheap: a
// frame that lies right behind the last one only makes that piece longer. Each piece begins and ends between two
// pushes.
//
// It has no lock of its own; that of its Outbox must be held.
type queue struct {
	own    []byte    // copied here, older than what loose points at
	loose  []Frames  // shared memory, oldest first
	inline [2]Frames // the first backing array of loose: most queues never need another
	size   int       // bytes in own and loose
}

func (q *queue) push(f Frames) {
	if f.end == f.start {
		return
	}
	q.size += f.Len()
	if n := len(q.loose); n > 0 {
		if last := &q.loose[n-1]; last.chunk == f.chunk && last.end == f.start {
			last.end = f.end
			return
		}
		if n == maxPieces-1 { // and own is one more
			q.compact()
		}
	}
	if q.loose == nil {
		q.loose = q.inline[:0]
	}
	q.loose = append(q.loose, f)
}

// compact copies what is loose behind what is the queue's own. Each byte is copied once, apart from the growth of own.
func (q *queue) compact() {
	for _, f := range q.loose {
		q.own = append(q.own, f.Bytes()...)
	}
	clear(q.loose)
	q.loose = q.loose[:0]
}

// take empties the queue into bufs, which it appends to.
func (q *queue) take(bufs [][]byte) [][]byte {
	if len(q.own) > 0 {
		bufs = append(bufs, q.own)
	}
	for _, f := range q.loose {
		bufs = append(bufs, f.Bytes())
	}
	q.drop()
	return bufs
}

// drop empties the queue.
func (q *queue) drop() {
	clear(q.loose)
	q.own, q.loose, q.size = nil, q.loose[:0], 0
}

// takeUpTo takes whole pushes from the front, n bytes at most but one push at least: see Outbox.TakeUpTo.
func (q *queue) takeUpTo(n int, boundary func(piece []byte, n int) int) (bufs [][]byte) {
	if len(q.own) > 0 {
		end := cut(q.own, n, true, boundary)
		bufs = append(bufs, q.own[:end:end])
		q.own = q.own[end:]
		n -= end
		q.size -= end
		if len(q.own) > 0 {
			return bufs
		}
		q.own = nil
	}
	gone := 0
	for i := range q.loose {
		f := &q.loose[i]
		end := cut(f.Bytes(), n, len(bufs) == 0, boundary)
		if end == 0 {
			break
		}
		bufs = append(bufs, f.Bytes()[:end:end])
		f.start += uint32(end)
		n -= end
		q.size -= end
		if f.Len() > 0 {
			break
		}
		gone++
	}
	left := copy(q.loose, q.loose[gone:])
	clear(q.loose[left:])
	q.loose = q.loose[:left]
	return bufs
}

// cut returns how much of piece is whole pushes of n bytes at most; if it must, one push at least.
func cut(piece []byte, n int, must bool, boundary func(piece []byte, n int) int) int {
	if len(piece) <= n {
		return len(piece)
	}
	end := 0
	if n > 0 || must {
		end = boundary(piece, max(n, 0))
	}
	switch {
	case end > 0 && end <= n:
		return end
	case !must:
		return 0
	case end > n && end <= len(piece):
		return end // the first push is larger than n
	}
	return len(piece)
}
