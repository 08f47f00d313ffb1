package load

import "time"

// stragglers is how long messages that come again are waited for, when all have come once.
const stragglers = 50 * time.Millisecond

// A publisher is the member of a crowd that says everything.
type publisher struct {
	*crowd
	speaker *client
	sent    uint64
	stalls  int
}

func (p *publisher) say() {
	p.sent++
	p.speaker.say(p.sent, false)
}

// expected is how many deliveries have been asked for.
func (p *publisher) expected() uint64 { return p.sent * uint64(len(p.clients)+len(p.pollers)) }

// measured runs speak for the time of the warm-up, and again, measured, for that of the measurement; in both cases
// until what was said has arrived.
func (p *publisher) measured(r *Result, speak func(time.Duration) error) error {
	if err := p.round(speak, p.o.Warmup); err != nil {
		return err
	}
	before := p.deliveries
	if err := p.meter.start(); err != nil {
		return err
	}
	failed := p.round(speak, p.o.Duration)
	if err := p.meter.stop(r); err != nil {
		return err
	}
	r.Ops, r.Stalls = p.deliveries-before, p.stalls
	if err := p.rest(stragglers); err != nil {
		return err
	}
	p.count(r, p.sent)
	return failed
}

func (p *publisher) round(speak func(time.Duration) error, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	if err := speak(d); err != nil {
		return err
	}
	return p.settle(p.expected)
}

func runFanout(c *crowd, r *Result) error {
	if err := c.gather(c.o.Clients, c.joinWebSocket(true)); err != nil {
		return err
	}
	f := &window{publisher: publisher{crowd: c, speaker: c.clients[0]}, size: max(1, c.o.InFlight)}
	c.onNews = f.heard
	return f.measured(r, f.speak)
}

// A window is a publisher that says the next thing when it has heard an earlier one itself.
type window struct {
	publisher
	size     int
	inFlight int
	speaking bool
	lastOwn  time.Time
}

func (w *window) heard(c *client, _ uint64) {
	if c != w.speaker {
		return
	}
	w.lastOwn = w.loop.now
	w.inFlight = max(0, w.inFlight-1)
	w.fill()
}

func (w *window) fill() {
	for w.speaking && w.inFlight < w.size {
		w.inFlight++
		w.say()
	}
}

func (w *window) speak(d time.Duration) error {
	w.speaking, w.inFlight, w.lastOwn = true, 0, time.Now()
	defer func() { w.speaking = false }()
	w.fill()
	for until := time.Now().Add(d); time.Now().Before(until); {
		if err := w.loop.turn(earlier(until, time.Now().Add(quiet/4))); err != nil {
			return err
		}
		if w.loop.now.Sub(w.lastOwn) > quiet { // what was in flight is lost: go on without it
			w.stalls++
			w.inFlight, w.lastOwn = 0, w.loop.now
			w.fill()
		}
	}
	return nil
}

func runRate(c *crowd, r *Result) error {
	if err := c.gather(c.o.Clients, c.joinWebSocket(true)); err != nil {
		return err
	}
	return c.metronome().beat(r)
}

// runPollingRate has the speaker on WebSocket and everybody else on long-polling, and says what is due whether they
// poll or not. It warms up in step, which brings more polls in less time: Node compiles what runs often, and Crier is
// compared with what it then costs.
func runPollingRate(c *crowd, r *Result) error {
	if err := c.gather(1, c.joinWebSocket(true)); err != nil {
		return err
	}
	if err := c.gather(c.o.Clients, c.joinPolling(false, fewHeaders)); err != nil {
		return err
	}
	m := c.metronome()
	if err := m.inStep(c.o.Warmup); err != nil {
		return err
	}
	c.o.Warmup /= 8 // and a little more at the pace that is measured
	return m.beat(r)
}

// metronome has the first client speak.
func (c *crowd) metronome() *metronome {
	return &metronome{
		publisher: publisher{crowd: c, speaker: c.clients[0]}, interval: time.Second / time.Duration(max(1, c.o.PerSecond)),
	}
}

// beat measures PerSecond broadcasts a second.
func (m *metronome) beat(r *Result) error {
	m.samples = make([]time.Duration, 0, (int(m.o.Duration/m.interval)+2)*(m.o.Clients+1))
	m.onNews = func(_ *client, number uint64) { m.heard(number) }
	m.onPollNews = m.heard
	err := m.measured(r, m.speak)
	r.Latency = summarize(m.samples)
	return err
}

// A metronome is a publisher that says something at fixed times, whatever has become of what it said before.
type metronome struct {
	publisher
	interval time.Duration
	start    time.Time
	first    uint64 // the number of the message that was due at start
	samples  []time.Duration
}

func (m *metronome) heard(number uint64) {
	if number < m.first {
		return // of the warm-up
	}
	intended := m.start.Add(time.Duration(number-m.first) * m.interval)
	m.samples = append(m.samples, m.loop.now.Sub(intended))
}

func (m *metronome) speak(d time.Duration) error {
	m.samples = m.samples[:0]
	m.first, m.start = m.sent+1, time.Now()
	for end := m.start.Add(d); ; {
		due := m.start.Add(time.Duration(m.sent+1-m.first) * m.interval)
		if !due.Before(end) {
			return nil
		}
		if !time.Now().Before(due) {
			m.say()
			continue
		}
		if err := m.loop.turn(due); err != nil {
			return err
		}
	}
}

// runPolling publishes each message when everybody has heard the last and polls again, so that each delivery is one
// poll. The speaker is on WebSocket.
func runPolling(c *crowd, r *Result) error {
	if err := c.gather(1, c.joinWebSocket(true)); err != nil {
		return err
	}
	if err := c.gather(c.o.Clients, c.joinPolling(false, usualHeaders)); err != nil {
		return err
	}
	p := &publisher{crowd: c, speaker: c.clients[0]}
	return p.measured(r, p.inStep)
}

func (p *publisher) inStep(d time.Duration) error {
	for until := time.Now().Add(d); time.Now().Before(until); {
		all := p.deliveries + uint64(len(p.clients)+len(p.pollers)) // what was lost before is not waited for again
		p.say()
		if err := p.settle(func() uint64 { return all }); err != nil {
			return err
		}
		if p.deliveries < all {
			p.stalls++
		}
	}
	return nil
}
