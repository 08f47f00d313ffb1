package limit

// Turns are a bounded queue in which each key, such as an address, has its turn: deficit round robin (Shreedhar and
// Varghese, "Efficient Fair Queuing Using Deficit Round-Robin", SIGCOMM 1995). Of each key's items the first pushed
// comes first; a key whose items are large comes less often. The last eighth of the places is for keys that hold less
// than an eighth of them, so that a key that fills the queue is refused before anybody else is.
//
// Turns allocate nothing for an item once they have grown to what is usual. One goroutine at a time may use them.
type Turns[T any] struct {
	maxItems, maxBytes int

	keys  map[string]*turn // of those that have items
	next  *turn            // whose turn it is, in a ring
	spare *turn            // a list of those that can be used again

	items []item[T] // all, in lists
	free  int32     // first of the list of those that can be used again

	held  int // items
	bytes int
}

// quantum is how many bytes a key may have in one turn, of which what is not used counts in the next. It is small
// beside a large message and large beside a short one, so that a short one waits for little.
const quantum = 1 << 10

// leastCost is what an item costs that has fewer bytes: also what is empty takes its time.
const leastCost = 128

// reservePart is the part of the places that is left to keys that hold less than such a part.
const reservePart = 8

// none ends a list of items.
const none = -1

// A turn is what is known of a key that has items.
type turn struct {
	key         string
	first, last int32 // of its items
	held, bytes int
	credit      int // bytes that it may have beside those of its next turn
	fresh       bool
	prev, next  *turn
}

type item[T any] struct {
	value T
	size  int
	next  int32
}

// NewTurns returns an empty queue that holds at most so many items, and bytes of items.
func NewTurns[T any](maxItems, maxBytes int) *Turns[T] {
	return &Turns[T]{maxItems: maxItems, maxBytes: maxBytes, keys: make(map[string]*turn), free: none}
}

// Len returns how many items wait.
func (q *Turns[T]) Len() int { return q.held }

// Bytes returns how many bytes these have.
func (q *Turns[T]) Bytes() int { return q.bytes }

// Keys returns how many keys have items.
func (q *Turns[T]) Keys() int { return len(q.keys) }

// Push puts an item of so many bytes behind the others of its key. It is not ok if there is no place for it.
func (q *Turns[T]) Push(key string, size int, value T) (ok bool) {
	t := q.keys[key]
	if !q.hasPlace(t, size) {
		return false
	}
	if t == nil {
		t = q.join(key)
	}
	i := q.take()
	q.items[i] = item[T]{value: value, size: size, next: none}
	if t.held == 0 {
		t.first = i
	} else {
		q.items[t.last].next = i
	}
	t.last = i
	t.held, t.bytes = t.held+1, t.bytes+size
	q.held, q.bytes = q.held+1, q.bytes+size
	return true
}

// hasPlace says whether there is a place for one more item of a key, which is nil if it has none yet.
func (q *Turns[T]) hasPlace(t *turn, size int) bool {
	items, bytes := q.maxItems, q.maxBytes
	if t != nil && (t.held >= max(items/reservePart, 1) || t.bytes >= bytes/reservePart) {
		items, bytes = items-items/reservePart, bytes-bytes/reservePart
	}
	return q.held < items && size <= bytes-q.bytes
}

// Pop returns the next item. It is not ok if there is none.
func (q *Turns[T]) Pop() (value T, ok bool) { return q.PopOf(nil) }

// PopOf returns the next item of the keys for which may is true, those of all keys if may is nil. It is not ok if
// there is none.
func (q *Turns[T]) PopOf(may func(key string) bool) (value T, ok bool) {
	t := q.turnOf(may)
	if t == nil {
		return value, false
	}
	i := t.first
	value = q.items[i].value
	size := q.items[i].size
	t.first = q.items[i].next
	q.items[i] = item[T]{next: q.free} // and nothing keeps the value alive
	q.free = i
	t.credit -= cost(size)
	t.held, t.bytes = t.held-1, t.bytes-size
	q.held, q.bytes = q.held-1, q.bytes-size
	if t.held == 0 {
		q.remove(t)
	}
	return value, true
}

func cost(size int) int { return max(size, leastCost) }

// turnOf finds whose turn it is. A round in which nobody had credit enough says how many more it would take, and they
// are counted at once: there are never more than two rounds.
func (q *Turns[T]) turnOf(may func(key string) bool) *turn {
	for range 2 {
		rounds := 0
		for range len(q.keys) {
			t := q.next
			if may == nil || may(t.key) {
				if !t.fresh {
					t.fresh, t.credit = true, t.credit+quantum
				}
				missing := cost(q.items[t.first].size) - t.credit
				if missing <= 0 {
					return t
				}
				if more := (missing + quantum - 1) / quantum; rounds == 0 || more < rounds {
					rounds = more
				}
			}
			t.fresh = false
			q.next = t.next
		}
		if rounds == 0 {
			return nil
		}
		q.skip(may, rounds-1)
	}
	return nil
}

// skip gives everybody the credit of so many rounds.
func (q *Turns[T]) skip(may func(key string) bool, rounds int) {
	for range len(q.keys) {
		if may == nil || may(q.next.key) {
			q.next.credit += rounds * quantum
		}
		q.next = q.next.next
	}
}

// Drop removes the items for which gone is true, whatever their turn.
func (q *Turns[T]) Drop(gone func(T) bool) {
	for _, t := range q.keys {
		before := int32(none)
		for i := t.first; i != none; {
			next := q.items[i].next
			if !gone(q.items[i].value) {
				before, i = i, next
				continue
			}
			if before == none {
				t.first = next
			} else {
				q.items[before].next = next
			}
			if next == none {
				t.last = before
			}
			size := q.items[i].size
			t.held, t.bytes = t.held-1, t.bytes-size
			q.held, q.bytes = q.held-1, q.bytes-size
			q.items[i] = item[T]{next: q.free}
			q.free, i = i, next
		}
		if t.held == 0 {
			q.remove(t)
		}
	}
}

// take returns an item that can be used.
func (q *Turns[T]) take() int32 {
	if q.free == none {
		q.items = append(q.items, item[T]{})
		return int32(len(q.items) - 1)
	}
	i := q.free
	q.free = q.items[i].next
	return i
}

// join puts a key at the end of the ring: behind all whose turn it is before.
func (q *Turns[T]) join(key string) *turn {
	t := q.spare
	if t == nil {
		t = new(turn)
	} else {
		q.spare = t.next
	}
	*t = turn{key: key}
	q.keys[key] = t
	if q.next == nil {
		t.prev, t.next, q.next = t, t, t
		return t
	}
	t.prev, t.next = q.next.prev, q.next
	t.prev.next, t.next.prev = t, t
	return t
}

// remove takes a key that has no items out of the ring. Its credit is lost, so nobody saves any.
func (q *Turns[T]) remove(t *turn) {
	delete(q.keys, t.key)
	if t.next == t {
		q.next = nil
	} else {
		t.prev.next, t.next.prev = t.next, t.prev
		if q.next == t {
			q.next = t.next
		}
	}
	*t = turn{next: q.spare}
	q.spare = t
}
