// Package fifo has a queue in one slice.
package fifo

// A Queue is first in, first out. The zero value is empty.
type Queue[T any] struct {
	items []T
	head  int // those before it are gone
}

func (q *Queue[T]) Len() int    { return len(q.items) - q.head }
func (q *Queue[T]) At(i int) *T { return &q.items[q.head+i] }
func (q *Queue[T]) All() []T    { return q.items[q.head:] }
func (q *Queue[T]) Push(item T) { q.items = append(q.items, item) }

// Drop removes the n oldest. What is over is moved down once half of the slice is unused, so an item is moved once on
// average and the slice does not grow with what went through it.
func (q *Queue[T]) Drop(n int) {
	clear(q.items[q.head : q.head+n])
	q.head += n
	if q.head*2 < len(q.items) {
		return
	}
	kept := copy(q.items, q.items[q.head:])
	clear(q.items[kept:])
	q.items, q.head = q.items[:kept], 0
}

// Undo removes the n newest.
func (q *Queue[T]) Undo(n int) {
	end := len(q.items) - n
	clear(q.items[end:])
	q.items = q.items[:end]
}
