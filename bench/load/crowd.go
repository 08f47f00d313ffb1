package load

import (
	"fmt"
	"time"
)

// atOnce is how many handshakes are under way while a crowd gathers: enough to keep the server busy, and no flood.
const atOnce = 64

// quiet is how long nothing may come before what is missing counts as lost.
const quiet = time.Second

// A crowd is the clients of one work. What a work does on an event it sets as a function.
type crowd struct {
	o      Options
	loop   *loop
	dialer *dialer
	meter  meter

	clients  []*client
	pollers  []*poller
	gathered int
	lostOnes int
	loss     error // why the first was lost

	onReady    func(*client)
	onNews     func(c *client, number uint64)
	onAck      func(c *client, id uint64)
	onPolled   func(*poller)
	onPollNews func(number uint64)
	deliveries uint64
	lastNews   time.Time
}

func newCrowd(l *loop, o Options) *crowd {
	return &crowd{o: o, loop: l, dialer: &dialer{loop: l, to: o.Addr}, meter: meter{pid: o.PID}}
}

// ready implements listener.
func (c *crowd) ready(member *client) {
	c.gathered++
	if c.onReady != nil {
		c.onReady(member)
	}
}

// news implements listener.
func (c *crowd) news(member *client, number uint64) {
	c.deliveries++
	c.lastNews = c.loop.now
	if c.onNews != nil {
		c.onNews(member, number)
	}
}

// acked implements listener.
func (c *crowd) acked(member *client, id uint64) {
	if c.onAck != nil {
		c.onAck(member, id)
	}
}

// lost implements listener.
func (c *crowd) lost(_ *client, reason error) { c.lose(reason) }

// pollReady implements pollListener.
func (c *crowd) pollReady(p *poller) {
	c.gathered++
	if c.onPolled != nil {
		c.onPolled(p)
	}
}

// pollNews implements pollListener.
func (c *crowd) pollNews(_ *poller, number uint64) {
	c.deliveries++
	c.lastNews = c.loop.now
	if c.onPollNews != nil {
		c.onPollNews(number)
	}
}

// pollLost implements pollListener.
func (c *crowd) pollLost(_ *poller, reason error) { c.lose(reason) }

func (c *crowd) lose(reason error) {
	c.lostOnes++
	if c.loss == nil {
		c.loss = reason
	}
}

// gather brings the crowd's clients to where they are to be, each with join.
func (c *crowd) gather(count int, join func() error) error {
	begun, target := 0, c.gathered+count
	before := c.gathered
	err := c.loop.runUntil(func() bool {
		for begun < count && begun-(c.gathered-before) < atOnce && c.loss == nil {
			if c.loss = join(); c.loss == nil {
				begun++
			}
		}
		return c.gathered == target || c.loss != nil
	}, c.o.Limit)
	if c.loss != nil {
		err = c.loss
	}
	if err != nil {
		return fmt.Errorf("%d of %d clients are there: %w", c.gathered-before, count, err)
	}
	return nil
}

func (c *crowd) joinWebSocket(register bool) func() error {
	return func() error {
		member, err := newClient(c.dialer, c, "", register)
		if err == nil {
			c.clients = append(c.clients, member)
		}
		return err
	}
}

func (c *crowd) joinPolling(leaves bool, headers string) func() error {
	return func() error {
		p, err := newPoller(c.dialer, c, true, headers)
		if err == nil {
			p.leaves = leaves
			c.pollers = append(c.pollers, p)
		}
		return err
	}
}

// rest turns the loop for a while.
func (c *crowd) rest(d time.Duration) error {
	for until := time.Now().Add(d); time.Now().Before(until); {
		if err := c.loop.turn(until); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until want deliveries have been counted, or none has come for a while.
func (c *crowd) settle(want func() uint64) error {
	c.lastNews = time.Now()
	return c.loop.runUntil(func() bool {
		return c.deliveries >= want() || c.loop.now.Sub(c.lastNews) > quiet
	}, 30*time.Second)
}

// count sums up what all members have heard of the messages sent.
func (c *crowd) count(r *Result, sent uint64) {
	for _, member := range c.clients {
		r.Counts.add(&member.tally, sent)
	}
	for _, p := range c.pollers {
		r.Counts.add(&p.tally, sent)
	}
	r.Lost = c.lostOnes
}
