package load

// An asker keeps one event of each client on its way. Nobody is registered, so what is said goes to an empty room.
type asker struct {
	*crowd
	sent    map[*client]uint64
	answers uint64
	stop    bool
}

func runAck(c *crowd, r *Result) error {
	if err := c.gather(c.o.Clients, c.joinWebSocket(false)); err != nil {
		return err
	}
	a := &asker{crowd: c, sent: make(map[*client]uint64, len(c.clients))}
	c.onAck = a.answered
	for _, member := range c.clients {
		a.ask(member)
	}
	return a.measured(r)
}

func (a *asker) ask(member *client) {
	a.sent[member]++
	member.say(a.sent[member], true)
}

func (a *asker) answered(member *client, id uint64) {
	if !member.tally.Hear(id) {
		return
	}
	a.answers++
	if !a.stop {
		a.ask(member)
	}
}

func (a *asker) measured(r *Result) error {
	if err := a.rest(a.o.Warmup); err != nil {
		return err
	}
	before := a.answers
	if err := a.meter.start(); err != nil {
		return err
	}
	if err := a.rest(a.o.Duration); err != nil {
		return err
	}
	r.Ops = a.answers - before
	if err := a.meter.stop(r); err != nil {
		return err
	}
	a.stop = true
	if err := a.rest(afterwards); err != nil { // what is on its way is not missing
		return err
	}
	for _, member := range a.clients {
		r.Counts.add(&member.tally, a.sent[member])
	}
	r.Lost = a.lostOnes
	return nil
}
