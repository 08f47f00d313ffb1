package limit

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// What one address may own of what is kept, as parts of the capacity.
const (
	keptPart      = 4 // an address: one of so many parts
	keptWiderPart = 2 // the /56 and the /48 around it
)

const (
	keptMinutes = 60     // it counts for so long
	mostKept    = 10_000 // so many networks are remembered: 10 MB if each speaks every minute
	fewerKept   = mostKept - mostKept/8
)

// Kept bounds how much one address owns of what is kept of the last hour: a quarter of the capacity, in entries and
// in bytes. So nobody pushes out what the others have said.
//
// It binds only while the feed is nearly full (nine tenths of the entries or of the bytes), for until then nothing is
// pushed out. And it does not bind an address that is alone: who said all of the last hour and all that is kept, such
// as a proxy that is not in trusted_proxies in front of everybody.
//
// A nil Kept binds nobody. Time is counted in minutes. When there are too many addresses, those that said least are
// forgotten. All methods may be called concurrently.
type Kept struct {
	maxEntries, maxBytes int64
	start                time.Time

	// Bound, if set, is called when an address is bound for the first time within an hour. It must not block. It is
	// set before the first call of May.
	Bound func(address string)

	entries, bytes atomic.Int64 // that are kept

	mu sync.Mutex // guards the following

	said        int64 // by all, since the start
	last        Network
	lastOther   int64     // the number, of those said, of the last one that was not said by last,
	lastOtherAt time.Time // and when that was
	lastAt      time.Time
	minute      int32 // of the last sweep
	owners      map[Network]*owner
}

// An owner is what a network has said in the last hour.
type owner struct {
	entries, bytes int64
	minutes        []ownedMinute // the oldest first
	bound          bool
}

type ownedMinute struct {
	minute  int32
	entries int32
	bytes   int64
}

// NewKept returns a Kept that knows of nothing, for a feed that keeps so many entries and bytes.
func NewKept(maxEntries int, maxBytes int64) *Kept {
	return &Kept{
		maxEntries: int64(maxEntries), maxBytes: maxBytes, start: time.Now(),
		owners: make(map[Network]*owner),
	}
}

// Full says how much is kept at the moment. It takes no lock.
func (k *Kept) Full(entries int, bytes int64) {
	if k == nil {
		return
	}
	k.entries.Store(int64(entries))
	k.bytes.Store(bytes)
}

// May reports whether an address may say something of so many bytes.
func (k *Kept) May(address string, size int, now time.Time) bool {
	if k == nil {
		return true
	}
	keys := networksOf(address)
	k.mu.Lock()
	told := k.judge(keys, int64(size), now)
	k.mu.Unlock()
	if told == boundAnew && k.Bound != nil {
		k.Bound(address)
	}
	return told == unbound
}

// What judge says.
type boundness uint8

const (
	unbound boundness = iota
	bound
	boundAnew // for the first time
)

// judge says whether one of the networks owns too much. k.mu must be held.
func (k *Kept) judge(keys Networks, size int64, now time.Time) boundness {
	if !k.nearlyFull() || k.alone(keys.All[0], now) {
		return unbound
	}
	for _, key := range keys.All[:keys.N] {
		o := k.owners[key]
		if o == nil {
			continue
		}
		o.age(k.minuteOf(now))
		part := int64(keptPart)
		if !key.narrow() {
			part = keptWiderPart
		}
		if o.entries+1 <= k.maxEntries/part && o.bytes+size <= k.maxBytes/part {
			continue
		}
		if o.bound {
			return bound
		}
		o.bound = true
		return boundAnew
	}
	return unbound
}

// nearlyFull says whether nine tenths are used.
func (k *Kept) nearlyFull() bool {
	return k.entries.Load() >= k.maxEntries-k.maxEntries/10 || k.bytes.Load() >= k.maxBytes-k.maxBytes/10
}

// alone says whether nobody else has said anything of the last hour or of what is kept. What is kept from before the
// start is others'. k.mu must be held.
func (k *Kept) alone(key Network, now time.Time) bool {
	other, at := k.lastOther, k.lastOtherAt
	if key != k.last {
		other, at = k.said, k.lastAt
	}
	hourAgo := now.Add(-keptMinutes * time.Minute)
	return other <= k.said-k.entries.Load() && (at.IsZero() || at.Before(hourAgo))
}

// Add counts something of so many bytes that an address has said.
func (k *Kept) Add(address string, size int, now time.Time) {
	if k == nil {
		return
	}
	keys := networksOf(address)
	k.mu.Lock()
	defer k.mu.Unlock()
	if key := keys.All[0]; key != k.last {
		k.last, k.lastOther, k.lastOtherAt = key, k.said, k.lastAt
	}
	k.said++
	k.lastAt = now
	minute := k.minuteOf(now)
	for _, key := range keys.All[:keys.N] {
		o := k.owners[key]
		if o == nil {
			o = new(owner)
			k.owners[key] = o
		}
		o.add(minute, int64(size))
	}
	k.forget(minute)
}

// Len returns how many networks are remembered.
func (k *Kept) Len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.owners)
}

func (k *Kept) minuteOf(now time.Time) int32 { return int32(now.Sub(k.start) / time.Minute) }

// forget drops, once a minute, who has said nothing for an hour; and those who said least when there are too many.
// k.mu must be held.
func (k *Kept) forget(minute int32) {
	if minute != k.minute {
		k.minute = minute
		for key, o := range k.owners {
			if o.age(minute); o.entries == 0 {
				delete(k.owners, key)
			}
		}
	}
	if len(k.owners) <= mostKept {
		return
	}
	type named struct {
		key Network
		*owner
	}
	all := make([]named, 0, len(k.owners))
	for key, o := range k.owners {
		all = append(all, named{key, o})
	}
	slices.SortFunc(all, func(a, b named) int {
		return cmp.Compare(a.part(k.maxEntries, k.maxBytes), b.part(k.maxEntries, k.maxBytes))
	})
	for _, o := range all[:len(all)-fewerKept] {
		delete(k.owners, o.key)
	}
}

// part is how much of the capacity o owns.
func (o *owner) part(entries, bytes int64) float64 {
	return max(float64(o.entries)/float64(entries), float64(o.bytes)/float64(bytes))
}

func (o *owner) add(minute int32, size int64) {
	o.age(minute)
	o.entries, o.bytes = o.entries+1, o.bytes+size
	last := len(o.minutes) - 1
	if last < 0 || o.minutes[last].minute < minute {
		o.minutes = append(o.minutes, ownedMinute{minute: minute})
		last++
	}
	o.minutes[last].entries++
	o.minutes[last].bytes += size
}

// age takes out what was said more than an hour ago.
func (o *owner) age(minute int32) {
	old := 0
	for old < len(o.minutes) && o.minutes[old].minute <= minute-keptMinutes {
		o.entries -= int64(o.minutes[old].entries)
		o.bytes -= o.minutes[old].bytes
		old++
	}
	if old > 0 {
		o.minutes = append(o.minutes[:0], o.minutes[old:]...)
		o.bound = o.bound && len(o.minutes) > 0
	}
}
