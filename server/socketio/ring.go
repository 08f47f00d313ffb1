package socketio

// A ring holds the newest events in their order. It grows as it fills.
type ring struct {
	slots []recorded
	start int
	count int
}

func (q *ring) push(e recorded, most int) {
	if q.count == len(q.slots) {
		grown := make([]recorded, min(max(2*q.count, 16), most+1)) // one over the limit, until trim
		for i := range q.count {
			grown[i] = *q.at(i)
		}
		q.slots, q.start = grown, 0
	}
	q.count++
	*q.at(q.count - 1) = e
}

func (q *ring) pop() {
	q.slots[q.start] = recorded{}
	q.start = (q.start + 1) % len(q.slots)
	q.count--
}

func (q *ring) at(i int) *recorded { return &q.slots[(q.start+i)%len(q.slots)] }

func (q *ring) first() *recorded { return q.at(0) }
