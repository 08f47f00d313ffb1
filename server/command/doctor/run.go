package doctor

import (
	"context"
	"time"
)

// A check looks at one thing. Its context ends with the time that it may take.
type check struct {
	name string
	do   func(context.Context) Result
	long bool // it takes its time by nature, and bounds it itself
}

// atOnce is how many checks run at the same time: a bad server is not waited for again and again, and a good one is not
// crowded.
const atOnce = 4

// run makes all checks and tells each result, in the order of the checks. The first ones settle what the others need.
func (p *probe) run(ctx context.Context, tell func(Result)) {
	for _, c := range []check{
		{name: "reachable", do: p.reach},
		{name: "tls", do: p.secure},
		{name: "redirects", do: p.checkRedirects},
		{name: "server", do: p.identify},
	} {
		r := p.timed(ctx, c)
		tell(r)
		if r.Status == Fault {
			return // nothing behind it could be understood
		}
	}
	p.runTogether(ctx, tell)
}

func (p *probe) checks() []check {
	all := []check{
		{name: "polling", do: p.checkPolling},
		{name: "polling-eio3", do: p.checkPolling3},
		{name: "jsonp", do: p.checkJSONP},
		{name: "websocket", do: p.checkWebSocket},
		{name: "upgrade", do: p.checkUpgrade},
		{name: "delay", do: p.checkDelay},
		{name: "answers", do: p.checkAnswers},
		{name: "body-size", do: p.checkBody},
		{name: "own-page", do: p.checkOwnPage},
		{name: "origins", do: p.checkForeign},
		{name: "hosts", do: p.checkHosts},
		{name: "address", do: p.checkAddress},
		{name: "servers", do: p.checkServers},
		{name: "clock", do: p.checkClock},
		{name: "metrics", do: p.checkMetrics},
	}
	for _, origin := range p.opts.origins {
		all = append(all, check{name: "origin", do: func(ctx context.Context) Result { return p.checkOrigin(ctx, origin) }})
	}
	return append(all,
		check{name: "quiet-poll", do: p.checkQuietPoll, long: true},
		check{name: "quiet-socket", do: p.checkQuietSocket, long: true},
	)
}

// runTogether runs the checks that need nothing of each other.
func (p *probe) runTogether(ctx context.Context, tell func(Result)) {
	places := make(chan struct{}, atOnce)
	checks := p.checks()
	results := make([]chan Result, len(checks))
	for i, c := range checks {
		results[i] = make(chan Result, 1)
		go func() { // ends with its check, which is waited for below
			if !c.long {
				places <- struct{}{}
				defer func() { <-places }()
			}
			results[i] <- p.timed(ctx, c)
		}()
	}
	for _, result := range results {
		tell(<-result)
	}
}

// timed gives a check its time.
func (p *probe) timed(ctx context.Context, c check) Result {
	limit := p.opts.timeout
	if c.long {
		limit += p.idle() + spare
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r := c.do(ctx)
	r.Check = c.name
	return r
}

func (p *probe) pingInterval() time.Duration {
	return time.Duration(min(max(p.open.PingInterval, 0), int(longest/time.Millisecond))) * time.Millisecond
}

// idle is how long quiet connections are watched at most.
func (p *probe) idle() time.Duration {
	if p.opts.idle >= 0 {
		return p.opts.idle
	}
	return mostIdle
}
