package socketio

import (
	"container/heap"
	"container/list"

	"github.com/crier/crier/server/internal/limit"
)

// lostSessions are found by the id of their socket, and aged in the order in which they were lost. The record's lock
// guards them.
//
// There is a limit for all of them, and a share of it for each network: while more than half of the places are
// taken, one network has at most a quarter of all. Where one has to go it is the oldest of the network that has
// most, so that whoever loses many sessions pushes out its own.
type lostSessions struct {
	most     int // places
	byID     map[string]*lost
	age      list.List // of *lost
	size     int
	networks map[limit.Network]*lostShare
	largest  lostShares
}

// A lostShare is what one network has of the lost sessions.
type lostShare struct {
	network limit.Network
	age     list.List // of *lost
	at      int       // in lostShares
}

func (s *lostShare) oldest() *lost { return s.age.Front().Value.(*lost) }

func (ls *lostSessions) init(most int) {
	ls.most = most
	ls.byID = make(map[string]*lost)
	ls.networks = make(map[limit.Network]*lostShare)
}

func (ls *lostSessions) add(l *lost) {
	ls.byID[l.id] = l
	l.place = ls.age.PushBack(l)
	ls.size += l.size
	share := ls.networks[l.network]
	if share == nil {
		share = &lostShare{network: l.network}
		ls.networks[l.network] = share
		l.share = share.age.PushBack(l)
		heap.Push(&ls.largest, share)
		return
	}
	l.share = share.age.PushBack(l)
	heap.Fix(&ls.largest, share.at)
}

func (ls *lostSessions) remove(l *lost) {
	delete(ls.byID, l.id)
	ls.age.Remove(l.place)
	ls.size -= l.size
	share := ls.networks[l.network]
	share.age.Remove(l.share)
	if share.age.Len() > 0 {
		heap.Fix(&ls.largest, share.at)
		return
	}
	heap.Remove(&ls.largest, share.at)
	delete(ls.networks, l.network)
}

func (ls *lostSessions) oldest() *lost {
	if e := ls.age.Front(); e != nil {
		return e.Value.(*lost)
	}
	return nil
}

// surplus returns a lost session that has to go, if there is one. maxBytes bounds what all of them hold.
func (ls *lostSessions) surplus(maxBytes int) *lost {
	if len(ls.largest) == 0 {
		return nil
	}
	share, n := ls.largest[0], ls.age.Len()
	if n > ls.most || ls.size > maxBytes || n > ls.most/2 && share.age.Len() > max(ls.most/4, 1) {
		return share.oldest()
	}
	return nil
}

// lostShares are a heap: the largest is first, and of those of one size that with the oldest session.
type lostShares []*lostShare

func (h lostShares) Len() int { return len(h) }

func (h lostShares) Less(i, j int) bool {
	if a, b := h[i].age.Len(), h[j].age.Len(); a != b {
		return a > b
	}
	return h[i].oldest().at < h[j].oldest().at
}

func (h lostShares) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push is called by package heap.
func (h *lostShares) Push(x any) {
	share := x.(*lostShare)
	share.at = len(*h)
	*h = append(*h, share)
}

// Pop is called by package heap.
func (h *lostShares) Pop() any {
	last := len(*h) - 1
	share := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return share
}
