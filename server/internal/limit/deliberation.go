package limit

import (
	"cmp"
	"container/heap"
	"slices"
)

// A deliberation finds out who has to go. Its numbers are what would be held if all who were chosen were gone.
type deliberation struct {
	shares *Shares
	held   int64
	going  map[Member]bool
	all    debtors
	of     map[any]*debtor // by *Account and by *wider
}

// A debtor is an address, or a network around addresses, that may hold too much.
type debtor struct {
	factor   int64 // how many times an address's share it may hold
	held     int64
	accounts []*Account // one of an address, all of a network
	members  []claim    // the hungriest first, once asked
	asked    bool
	index    int // in the heap
}

// A victim is a member that has to go.
type victim struct {
	account *Account
	member  Member
	held    int64
	sum     bool // because the sum is reached
}

// A claim is what a member holds, and the number with which it joined.
type claim struct {
	victim
	joined uint64
}

// gather finds all who may have to give something back, the hungriest in front.
func (d *deliberation) gather() {
	d.of = make(map[any]*debtor)
	s := d.shares
	s.mu.Lock()
	defer s.mu.Unlock()
	least := d.least(len(s.accounts))
	for _, a := range s.accounts {
		d.note(a, 1, a.held.Load(), least, a)
		for _, w := range a.wider {
			if w != nil {
				d.note(w, int64(w.key.Factor()), w.held.Load(), least, a)
			}
		}
	}
	heap.Init(&d.all)
}

// least is what an address at least holds that may have to give something back. When the sum is reached these are all
// that hold half of what addresses hold on average: together they hold half of all.
func (d *deliberation) least(accounts int) int64 {
	if d.held > d.shares.max {
		return d.held / int64(max(accounts, 1)) / 2
	}
	return d.shares.shareAt(d.held)
}

func (d *deliberation) note(key any, factor, held, least int64, a *Account) {
	if held/factor < least {
		return
	}
	one := d.of[key]
	if one == nil {
		one = &debtor{factor: factor, held: held, index: len(d.all)}
		d.of[key], d.all = one, append(d.all, one)
	}
	one.accounts = append(one.accounts, a)
}

// choose returns the members that have to go until all fits: the hungriest of the hungriest first. What each gives
// back raises the share of all others, so nobody has to go who need not.
func (d *deliberation) choose() (chosen []victim) {
	for len(d.all) > 0 {
		first := d.all[0]
		sum := d.held > d.shares.max
		if !sum && first.held <= first.factor*d.shares.shareAt(d.held) {
			return chosen
		}
		v, ok := d.hungriest(first)
		if !ok {
			heap.Pop(&d.all)
			continue
		}
		v.sum = sum
		chosen = append(chosen, v)
		d.release(v.account, v.member, v.held)
	}
	return chosen
}

// release counts as given back what a member holds.
func (d *deliberation) release(a *Account, m Member, held int64) {
	d.going[m] = true
	d.held -= held
	d.lower(a, held)
	for _, w := range a.wider {
		if w != nil {
			d.lower(w, held)
		}
	}
}

func (d *deliberation) lower(key any, by int64) {
	if one := d.of[key]; one != nil {
		one.held -= by
		if one.index >= 0 {
			heap.Fix(&d.all, one.index)
		}
	}
}

// hungriest returns the member of a debtor that holds most, if any that stays holds anything.
func (d *deliberation) hungriest(of *debtor) (victim, bool) {
	if !of.asked {
		of.asked, of.members = true, d.members(of)
	}
	for len(of.members) > 0 {
		first := of.members[0].victim
		of.members = of.members[1:]
		if !d.going[first.member] {
			return first, true
		}
	}
	return victim{}, false
}

// members asks all members of a debtor what they hold. Of those that hold as much as each other the oldest comes
// first.
func (d *deliberation) members(of *debtor) (all []claim) {
	d.shares.mu.Lock()
	for _, a := range of.accounts {
		for m, joined := range a.members {
			all = append(all, claim{victim{account: a, member: m}, joined})
		}
	}
	d.shares.mu.Unlock()
	for i := range all {
		all[i].held = int64(all[i].member.Held())
	}
	all = slices.DeleteFunc(all, func(c claim) bool { return c.held <= 0 })
	slices.SortFunc(all, func(a, b claim) int {
		return cmp.Or(cmp.Compare(b.held, a.held), cmp.Compare(a.joined, b.joined))
	})
	return all
}

// debtors are a heap with the one in front that holds most, measured by what it may.
type debtors []*debtor

func (d debtors) Len() int           { return len(d) }
func (d debtors) Less(i, j int) bool { return d[i].held/d[i].factor > d[j].held/d[j].factor }
func (d debtors) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].index, d[j].index = i, j
}
func (d *debtors) Push(x any) { *d = append(*d, x.(*debtor)) }
func (d *debtors) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	last.index = -1
	return last
}
