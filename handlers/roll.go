package handlers

import (
	"container/list"
	"sync"
)

// listed is how many names an answer to "f" has: enough to show who is here, and the same size in a full room.
const listed = 100

// A roll lists the registered speakers, in the order in which they came. Names may stand in it twice: one person has
// two tabs, two guests pick one name. Names that look alike and are not the same may not, or nobody could tell them
// apart.
type roll struct {
	mu sync.Mutex // guards the following, and each speaker's seat

	names list.List // of string
	looks map[string]look
}

// A seat is a speaker's place in a roll.
type seat struct {
	at   *list.Element // nil: none
	look string        // the skeleton of its name
}

// A look is what all names of one skeleton share.
type look struct {
	name string // the first of them that came
	n    int    // speakers
}

// enter adds sp, or renames it; false if the name looks like another one of somebody else's.
func (r *roll) enter(sp *speaker, name string) bool {
	skeleton := skeletonOf(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	others := r.looks[skeleton]
	if sp.seat.at != nil && sp.seat.look == skeleton {
		others.n--
	}
	if others.n > 0 && others.name != name {
		return false
	}
	r.sit(sp, name, skeleton)
	sp.name = name
	return true
}

// back adds a speaker that was lost. It has its name already, whatever came meanwhile.
func (r *roll) back(sp *speaker) {
	skeleton := skeletonOf(sp.name)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sit(sp, sp.name, skeleton)
}

// sit gives sp a seat, or another name on its own. r.mu must be held.
func (r *roll) sit(sp *speaker, name, skeleton string) {
	if sp.seat.at == nil {
		sp.seat.at = r.names.PushBack(name)
	} else {
		r.forget(sp.seat.look)
		sp.seat.at.Value = name
	}
	if r.looks == nil {
		r.looks = make(map[string]look)
	}
	l := r.looks[skeleton]
	if l.n == 0 {
		l.name = name
	}
	l.n++
	r.looks[skeleton], sp.seat.look = l, skeleton
}

// forget counts one less of a skeleton. r.mu must be held.
func (r *roll) forget(skeleton string) {
	l := r.looks[skeleton]
	if l.n--; l.n > 0 {
		r.looks[skeleton] = l
	} else {
		delete(r.looks, skeleton)
	}
}

// leave removes sp, if it is there.
func (r *roll) leave(sp *speaker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if sp.seat.at == nil {
		return
	}
	r.names.Remove(sp.seat.at)
	r.forget(sp.seat.look)
	sp.seat = seat{}
}

// list returns how many are registered and the first names.
func (r *roll) list() (count int, first []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	count = r.names.Len()
	first = make([]string, 0, min(count, listed))
	for e := r.names.Front(); e != nil && len(first) < listed; e = e.Next() {
		first = append(first, e.Value.(string))
	}
	return count, first
}
