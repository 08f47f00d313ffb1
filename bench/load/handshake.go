package load

import "time"

// afterwards is how long the server has to tidy up behind the last client, within the measurement.
const afterwards = 200 * time.Millisecond

// A turnstile lets clients in and out, as many at a time as the work has.
type turnstile struct {
	*crowd
	enter  func() error
	closed bool
	passed uint64
	err    error
}

// pass counts one that has done everything, and lets the next one in.
func (t *turnstile) pass() {
	t.passed++
	t.next()
}

func (t *turnstile) next() {
	if t.closed || t.err != nil {
		return
	}
	t.err = t.enter()
}

func (t *turnstile) measured(r *Result) error {
	for range t.o.Clients {
		t.next()
	}
	if err := t.until(t.o.Warmup); err != nil {
		return err
	}
	before := t.passed
	if err := t.meter.start(); err != nil {
		return err
	}
	failed := t.until(t.o.Duration)
	t.closed = true
	if err := t.rest(afterwards); err != nil {
		return err
	}
	r.Ops, r.Lost = t.passed-before, t.lostOnes
	if err := t.meter.stop(r); err != nil {
		return err
	}
	return failed
}

func (t *turnstile) until(d time.Duration) error {
	for until := time.Now().Add(d); time.Now().Before(until); {
		if err := t.loop.turn(until); err != nil {
			return err
		}
		if t.err == nil {
			t.err = t.loss
		}
		if t.err != nil {
			return t.err
		}
	}
	return nil
}

func runHandshake(c *crowd, r *Result) error {
	t := &turnstile{crowd: c}
	t.enter = func() error {
		_, err := newClient(c.dialer, c, "", false)
		return err
	}
	c.onReady = func(member *client) {
		member.link.drop()
		t.pass()
	}
	return t.measured(r)
}

func runUpgrade(c *crowd, r *Result) error {
	t := &turnstile{crowd: c}
	t.enter = func() error {
		_, err := newPoller(c.dialer, c, false, usualHeaders)
		return err
	}
	c.onPolled = func(p *poller) {
		if err := c.upgrade(p); err != nil {
			c.lose(err)
		}
	}
	c.onAck = func(member *client, _ uint64) {
		member.link.drop()
		t.pass()
	}
	return t.measured(r)
}

// upgrade moves a poller's session to WebSocket as the clients do: probe, wait until the poll that is under way has
// been answered, upgrade; then an event with an ack shows that it works.
func (c *crowd) upgrade(p *poller) error {
	member, err := newClient(c.dialer, c, p.sid[len("&sid="):], false)
	if err != nil {
		return err
	}
	member.probe = func(packet []byte) error {
		if string(packet) != "3probe" {
			return errUpgrade
		}
		member.probe, member.isReady = nil, true
		p.pause(func() {
			member.send([]byte{'5'})
			member.say(1, true)
			p.post.close()
			p.get.close()
		})
		return nil
	}
	return nil
}
