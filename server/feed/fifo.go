package feed

// fifo is a queue in one slice. The zero value is empty.
type fifo[T any] struct {
	items []T
	head  int // those before it are gone
}

func (q *fifo[T]) len() int    { return len(q.items) - q.head }
func (q *fifo[T]) at(i int) *T { return &q.items[q.head+i] }
func (q *fifo[T]) all() []T    { return q.items[q.head:] }
func (q *fifo[T]) push(item T) { q.items = append(q.items, item) }

// drop removes the n oldest. What is over is moved down once half of the slice is unused, so an item is moved once on
// average and the slice does not grow with what went through it.
func (q *fifo[T]) drop(n int) {
	clear(q.items[q.head : q.head+n])
	q.head += n
	if q.head*2 < len(q.items) {
		return
	}
	kept := copy(q.items, q.items[q.head:])
	clear(q.items[kept:])
	q.items, q.head = q.items[:kept], 0
}

// undo removes the n newest.
func (q *fifo[T]) undo(n int) {
	end := len(q.items) - n
	clear(q.items[end:])
	q.items = q.items[:end]
}
