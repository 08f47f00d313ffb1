package doctor

import (
	"context"
	"fmt"
	"time"
)

// spare is how much later than told a ping may come.
const spare = 2 * time.Second

// checkQuietPoll lets a poll wait, and looks whether it is cut before the server's ping answers it.
func (p *probe) checkQuietPoll(ctx context.Context) Result {
	if r := p.notQuiet(); r != nil {
		return *r
	}
	if !p.polling {
		return skipped(noPolling)
	}
	opening, cancel := context.WithTimeout(ctx, p.opts.timeout)
	defer cancel()
	// On a connection that was used before, net/http would repeat a poll that is cut.
	s, err := p.openSession(opening, form{version: 4, fresh: true})
	if err != nil {
		return faulty(err)
	}
	defer s.leave(ctx)
	return p.watch(ctx, s)
}

// checkQuietSocket does the same with a WebSocket.
func (p *probe) checkQuietSocket(ctx context.Context) Result {
	if r := p.notQuiet(); r != nil {
		return *r
	}
	opening, cancel := context.WithTimeout(ctx, p.opts.timeout)
	defer cancel()
	k, _, err := p.openSocket(opening, 4, nil)
	if err != nil {
		return p.explainSocket(err)
	}
	defer k.leave()
	return p.watch(ctx, k)
}

func (p *probe) notQuiet() *Result {
	r := skipped("not watched (--idle)")
	switch {
	case p.eio != 4:
		r = skipped(noEIO4)
	case p.opts.idle != 0:
		return nil
	}
	return &r
}

// watch is quiet until the time is over, but for answers to pings. Without --idle the first ping is enough.
func (p *probe) watch(ctx context.Context, l line) Result {
	began, quiet := time.Now(), time.Now()
	window, interval := p.idle(), p.pingInterval()
	if p.opts.idle < 0 {
		window = min(window, interval+spare)
	}
	watching, cancel := context.WithTimeout(ctx, window)
	defer cancel()
	for pings := 0; ; pings++ {
		_, err := await(watching, l, 4, func(packet string) bool { return packet == "2" })
		switch {
		case err != nil && watching.Err() != nil && ctx.Err() == nil:
			return p.unbroken(window, interval, pings, time.Since(quiet))
		case err != nil:
			return cut(err, time.Since(quiet), interval)
		}
		if err := l.send(ctx, "3"); err != nil {
			return cut(err, time.Since(quiet), interval)
		}
		if p.opts.idle < 0 {
			if _, err := roundTrip(ctx, l, 4); err != nil {
				return cut(err, time.Since(quiet), interval)
			}
			return ok("quiet for %s, then the server's ping came", short(time.Since(began)))
		}
		quiet = time.Now()
	}
}

// unbroken judges a connection that nothing has ended.
func (p *probe) unbroken(window, interval time.Duration, pings int, quiet time.Duration) Result {
	switch {
	case quiet > interval+spare:
		return fault(fmt.Sprintf("in %s nothing came, though the server pings every %s: the connection is dead, or held back",
			short(quiet), interval), adviseSlow...)
	case pings > 0:
		return ok("open for %s, with %s", window, count(pings, "ping"))
	}
	return ok("quiet for %s; the server pings after %s, and --idle %s watches as long", window, interval, interval+spare)
}

func cut(err error, quiet, interval time.Duration) Result {
	seen := fmt.Sprintf("cut after %s without traffic: %v", short(quiet), err)
	if quiet > interval {
		return fault(seen, adviseNetwork...)
	}
	if isCode(err, codeSession) {
		return faulty(err)
	}
	shorter := max(time.Second, (quiet * 4 / 5).Round(time.Second))
	return fault(seen, append(adviseCut[:1:1], fmt.Sprintf("or in Crier: ping_interval: %s", shorter))...)
}
