package outbound

// maxLoose is how many separate pieces of shared memory a queue points at before it copies them into memory of its own.
// A client that hears one frame in a hundred would otherwise pin a whole chunk for each frame that waits for it.
const maxLoose = 8

// A queue holds the frames that wait for one client, in order. It points at shared memory as long as that is cheap: a
// frame that lies right behind the last one only makes that piece longer.
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
		if n == maxLoose {
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
	clear(q.loose)
	q.own, q.loose, q.size = nil, q.loose[:0], 0
	return bufs
}
