package handlers

import (
	"container/list"
	"sync"
	"time"
)

// listed is how many names an answer to "f" has: enough to show who is here, and the same size in a full room.
const listed = 100

// A roll lists the registered speakers, in the order in which they came. Names may stand in it twice: one person has
// two tabs, two guests pick one name. Names that look alike and are not the same mostly may not, or nobody could tell
// them apart: see admits.
type roll struct {
	mu sync.Mutex // guards the following, and each speaker's seat

	names list.List // of string
	looks map[string]*look

	lingering   list.List      // of *look: those that nobody has any more, the oldest first
	lingeringOf map[string]int // how many of these are of each turn
}

// A seat is a speaker's place in a roll.
type seat struct {
	at         *list.Element // nil: none
	look       *look         // of its name
	prev, next *seat         // of the same look, in the order in which they came
}

func (s *seat) name() string { return s.at.Value.(string) }

// A look is what all names of one skeleton share.
type look struct {
	skeleton    string
	n           int // speakers who have one of the names
	first, last *seat

	name   string    // the name that the look is admitted for: that of its first speaker
	having int       // speakers who have this very name
	left   time.Time // when the last of them left, while having is 0
	latest string    // the name of whoever left last

	// While n is 0, and the look is still remembered:

	at    *list.Element // in roll.lingering
	since time.Time
	turn  string // of who was the last to have it
}

// A name is remembered for a while when its speaker has left: a page that is loaded again shall find it as it was.
// How many of one turn linger, and how many in all, is bounded.
const (
	lingers             = 10 * time.Minute
	mostLingering       = 4096
	mostLingeringOfTurn = 64
)

// errLooksTaken refuses a name that a roll does not admit.
var errLooksTaken = badName("it looks like the name of somebody who is here, or was lately")

// register adds sp, or renames it; false if its look does not admit the name.
func (r *roll) register(sp *speaker, name string) bool {
	skeleton, plain := skeletonOf(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !plain && !r.admits(sp, name, skeleton) {
		return false
	}
	r.sit(sp, name, skeleton)
	sp.name = name
	return true
}

// mayBear says whether sp would be admitted under a name.
func (r *roll) mayBear(sp *speaker, name string) bool {
	skeleton, plain := skeletonOf(name)
	if plain {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.admits(sp, name, skeleton)
}

// admits says whether sp may have a name that is not plain: not while another speaker has, or had lately, a name that
// looks the same and is not, unless this one was there first. r.mu must be held.
func (r *roll) admits(sp *speaker, name, skeleton string) bool {
	r.expire(time.Now())
	b := r.looks[skeleton]
	if b == nil {
		return true
	}
	b.inherit(time.Now())
	return b.name == name || b.n == 1 && sp.seat.look == b // it is its own
}

// back adds a speaker that was lost. It has its name already, whatever came meanwhile.
func (r *roll) back(sp *speaker) {
	skeleton, _ := skeletonOf(sp.name)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sit(sp, sp.name, skeleton)
}

// sit gives sp a seat, or another name on its own. r.mu must be held.
func (r *roll) sit(sp *speaker, name, skeleton string) {
	switch s := &sp.seat; {
	case s.at == nil:
		s.at = r.names.PushBack(name)
	case s.name() == name:
		return
	default:
		b := s.look
		if b.remove(s, time.Time{}); b.n == 0 { // who changes names leaves none behind
			delete(r.looks, b.skeleton)
		}
		s.at.Value = name
	}
	if r.looks == nil {
		r.looks, r.lingeringOf = make(map[string]*look), make(map[string]int)
	}
	b := r.looks[skeleton]
	if b == nil {
		b = &look{skeleton: skeleton, name: name}
		r.looks[skeleton] = b
	}
	r.settle(b)
	b.add(&sp.seat)
}

// add adds a seat, which has its name. The roll's mu must be held, for all methods of a look.
func (b *look) add(s *seat) {
	s.look, s.prev, s.next = b, b.last, nil
	if b.last == nil {
		b.first = s
	} else {
		b.last.next = s
	}
	b.last = s
	b.n++
	if s.name() == b.name {
		b.having++
	}
}

// remove removes a seat. left is from when on the seat's name is remembered for a while; zero for not at all.
func (b *look) remove(s *seat, left time.Time) {
	if s.prev == nil {
		b.first = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		b.last = s.prev
	} else {
		s.next.prev = s.prev
	}
	b.n--
	b.latest = s.name()
	if b.latest != b.name {
		return
	}
	if b.having--; b.having == 0 {
		b.left = left
	}
}

// inherit gives the look to another of its names once nobody has the one before for long: to the first that is here,
// or was here last.
func (b *look) inherit(now time.Time) {
	if b.having > 0 || now.Sub(b.left) < lingers {
		return
	}
	if b.first == nil {
		b.name, b.left = b.latest, b.since
		return
	}
	b.name = b.first.name()
	for s := b.first; s != nil; s = s.next {
		if s.name() == b.name {
			b.having++
		}
	}
}

// remove removes sp, if it is there. Turn is the client's: see Options.Turn.
func (r *roll) remove(sp *speaker, turn string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if sp.seat.at == nil {
		return
	}
	b, now := sp.seat.look, time.Now()
	b.inherit(now)
	b.remove(&sp.seat, now)
	r.names.Remove(sp.seat.at)
	sp.seat = seat{}
	if b.n > 0 {
		return
	}
	r.expire(now)
	if r.lingeringOf[turn] == mostLingeringOfTurn {
		delete(r.looks, b.skeleton)
		return
	}
	if r.lingering.Len() == mostLingering {
		r.forget(r.lingering.Front().Value.(*look))
	}
	b.at, b.since, b.turn = r.lingering.PushBack(b), now, turn
	r.lingeringOf[turn]++
}

// expire forgets what lingers for too long. r.mu must be held.
func (r *roll) expire(now time.Time) {
	for e := r.lingering.Front(); e != nil; e = r.lingering.Front() {
		b := e.Value.(*look)
		if now.Sub(b.since) < lingers {
			return
		}
		r.forget(b)
	}
}

// forget forgets a look that nobody has any more. r.mu must be held.
func (r *roll) forget(b *look) {
	r.settle(b)
	delete(r.looks, b.skeleton)
}

// settle takes a look out of those that linger. r.mu must be held.
func (r *roll) settle(b *look) {
	if b.at == nil {
		return
	}
	r.lingering.Remove(b.at)
	b.at = nil
	if r.lingeringOf[b.turn]--; r.lingeringOf[b.turn] == 0 {
		delete(r.lingeringOf, b.turn)
	}
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
