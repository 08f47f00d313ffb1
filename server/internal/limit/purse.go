package limit

import "sync/atomic"

// purseStep is how many bytes a Purse may differ from what it has told its account. A client that keeps up has less
// in its queue at any time, so the counters that all cores share are not touched for it. It is half of what an idle
// session needs anyway.
const purseStep = 4 << 10

// A Purse is one client's part of an [Account]: it counts like [Account.Hold], and tells the account of changes of 4
// KiB and more. A fan-out to many clients of one address is several times cheaper so.
//
// All methods may be called concurrently. A Purse must not be copied.
type Purse struct {
	account *Account
	held    atomic.Int64
	told    atomic.Int64 // what of held the account knows
	exact   atomic.Bool  // after Close
}

// Open says whose part it is. It comes before everything else, once, and takes over one use of the account: see Close.
func (p *Purse) Open(a *Account) { p.account = a }

// Account returns the account.
func (p *Purse) Account() *Account { return p.account }

// Hold counts delta bytes more, or fewer if it is negative.
func (p *Purse) Hold(delta int) {
	held, told := p.held.Add(int64(delta)), p.told.Load()
	if change := held - told; change > purseStep || change < -purseStep || p.exact.Load() {
		p.tell()
	}
}

// tell makes the account know what is held.
func (p *Purse) tell() {
	for {
		told := p.told.Load()
		held := p.held.Load()
		if held == told {
			return
		}
		if p.told.CompareAndSwap(told, held) {
			p.account.Hold(int(held - told))
		}
	}
}

// Held returns how many bytes are held.
func (p *Purse) Held() int { return int(p.held.Load()) }

// Close ends the use of the account. What is still held may be given back with Hold later, and then the account knows
// of every byte.
func (p *Purse) Close() {
	p.exact.Store(true)
	p.tell()
	p.account.Close()
}
