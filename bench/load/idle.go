package load

import "time"

// runIdle measures the memory of connected, registered clients.
func runIdle(c *crowd, r *Result) error { return c.weigh(r, c.joinWebSocket(true)) }

// runIdlePolling measures the memory of sessions whose clients have hung up and not come back yet. All must be there
// before the first has been away for longer than the heartbeat allows, 45 s.
func runIdlePolling(c *crowd, r *Result) error { return c.weigh(r, c.joinPolling(true, usualHeaders)) }

func (c *crowd) weigh(r *Result, join func() error) error {
	empty, err := residentSize(c.o.PID)
	if err != nil {
		return err
	}
	if err := c.meter.start(); err != nil {
		return err
	}
	if err := c.gather(c.o.Clients, join); err != nil {
		return err
	}
	if err := c.rest(c.o.Duration); err != nil {
		return err
	}
	full, err := residentSize(c.o.PID)
	if err != nil {
		return err
	}
	r.Bytes = float64(full-empty) / float64(c.o.Clients)
	r.Ops, r.Lost = uint64(c.gathered), c.lostOnes
	return c.meter.stop(r)
}

// runHold measures the processor time of clients that do nothing.
func runHold(c *crowd, r *Result) error {
	empty, err := residentSize(c.o.PID)
	if err != nil {
		return err
	}
	if err := c.gather(c.o.Clients, c.joinWebSocket(true)); err != nil {
		return err
	}
	if err := c.rest(c.o.Warmup); err != nil {
		return err
	}
	if err := c.meter.start(); err != nil {
		return err
	}
	for until := time.Now().Add(c.o.Duration); time.Now().Before(until); {
		if err := c.loop.turn(until); err != nil {
			return err
		}
	}
	if err := c.meter.stop(r); err != nil {
		return err
	}
	full, err := residentSize(c.o.PID)
	r.Bytes = float64(full-empty) / float64(c.o.Clients)
	r.Ops, r.Lost = uint64(c.gathered), c.lostOnes
	return err
}
