package handlers

import (
	"encoding/json"
	"fmt"

	"github.com/crier/crier/server/feed"
)

// register makes a client a speaker, and lets it hear what it missed and all that is newer.
var register = &Event{
	Name:    "f",
	Takes:   []string{"speaker"},
	Options: []string{"since", "history", "secret"},
	Answer:  []string{"name", "id", "count", "names", "first", "offset", "complete?", "next?"},
	Errors:  []string{"bad_name", "bad_options", "not_read"},
	Do:      doRegister,
}

// mostHistory is how many of the last news come with a registration: a page or a terminal full, many times over.
const mostHistory = 1000

// A presence answers "f": the speaker's name as it was taken, the id that others see, how many are registered, the
// names of the first of them, and where the feed is.
type presence struct {
	Name     string   `json:"name"`
	ID       string   `json:"id"`
	Count    int      `json:"count"`
	Names    []string `json:"names"`
	First    uint64   `json:"first"`
	Offset   uint64   `json:"offset"`
	Complete *bool    `json:"complete,omitempty"`
	Next     uint64   `json:"next,omitempty"`
}

// size is about how many bytes the answer has.
func (p *presence) size() int {
	n := 160 + len(p.Name)
	for _, name := range p.Names {
		n += len(name) + 3
	}
	return n
}

func doRegister(c Call) error {
	c.afford()
	name, err := nameIn(c.Arg(0), c.core.opts.MaxName)
	if err != nil {
		return err
	}
	wish, err := c.wish()
	if err != nil {
		return err
	}
	begin, err := c.core.begin(c, wish)
	if err != nil {
		return err
	}
	sp, roll := c.by, &c.core.speakers.roll
	if !roll.register(sp, name) {
		return errLooksTaken
	}
	count, names := roll.list()
	p := &presence{name, sp.id, count, names, begin.bounds.First, begin.bounds.Last, begin.complete, begin.next}
	c.Answer(p)
	c.charge(p.size())
	if sp.registered {
		return nil
	}
	sp.own(name, wish.secret)
	sp.registered, sp.heardAfter, sp.told = true, begin.after, begin.after
	c.core.startHearing(sp, c.at, begin.page)
	return nil
}

// own settles whose the ids of the speaker's messages are from now on.
func (sp *speaker) own(name, secret string) {
	if sp.owner.name == "" {
		sp.owner.name = name
	}
	if sp.owner.secret == "" {
		sp.owner.secret = secret
	}
}

// A wish is what the options of "f" ask for.
type wish struct {
	since   *uint64 // nil: not asked for
	history uint64
	secret  string // a digest; "" for none
}

func (c Call) wish() (w wish, err error) {
	var given struct{ Since, History, Secret json.RawMessage }
	if _, err := object(c.Arg(1), &given); err != nil {
		return wish{}, badOptions(err)
	}
	since, hasSince, err := whole("since", given.Since)
	if err != nil {
		return wish{}, badOptions(err)
	}
	history, hasHistory, err := atMost("history", given.History, mostHistory)
	if err != nil {
		return wish{}, badOptions(err)
	}
	if hasSince && hasHistory {
		return wish{}, badOptions(fmt.Errorf("since and history can't both be given"))
	}
	if w.secret, err = secretIn(given.Secret); err != nil {
		return wish{}, badOptions(err)
	}
	if had := c.by.owner.secret; w.secret != "" && w.secret != had && (had != "" || c.by.registered) {
		return wish{}, badOptions(fmt.Errorf("secret must come with the first f, and stays the same"))
	}
	if w.history = history; hasSince {
		w.since = &since
	}
	return w, nil
}

// A beginning is where a speaker that registers is to go on.
type beginning struct {
	bounds   feed.Bounds // when it was answered
	after    uint64      // the offset behind which it begins
	complete *bool       // with since: nothing after it is missing
	next     uint64      // if something is: the offset of the first news
	page     *feed.Page  // the first of what is to come; nil if nothing is
}

// begin finds what a speaker gets. What can't be read is an error before anything has changed.
func (c *Core) begin(call Call, w wish) (b beginning, err error) {
	sp := call.by
	b.bounds = c.feed.Bounds()
	if sp.registered { // what is just being passed on it must have heard when it is told of it
		if b.bounds.Last, err = c.passedOn(); err != nil {
			return b, err
		}
	}
	first, last := b.bounds.First, b.bounds.Last
	b.after = last
	switch {
	case w.since != nil && *w.since > last: // from another feed: it tells nothing of this one
		b.complete, b.next = new(bool), last+1
	case sp.registered && w.since != nil:
		b.judge(*w.since >= sp.heardAfter, sp.heardAfter+1)
	case sp.registered:
	case w.since == nil:
		b.after -= min(w.history, last+1-first)
	default:
		b.after = max(*w.since, first-1)
		b.judge(b.bounds.Complete(*w.since), b.after+1)
	}
	if b.after < last {
		err = b.readFirst(c, call.at, w)
	}
	return b, err
}

// judge notes whether all is there, and where the news begin if not.
func (b *beginning) judge(complete bool, next uint64) {
	b.complete, b.next = &complete, 0
	if !complete {
		b.next = next
	}
}

// readFirst reads the first page. Its beginning may be missing, or have been retired meanwhile.
func (b *beginning) readFirst(c *Core, at listener, w wish) error {
	page, err := c.read(noLimit, at, b.after)
	if err != nil {
		return err
	}
	b.page = &page
	next := page.UpTo + 1
	if len(page.Entries) > 0 {
		next = page.Entries[0].Offset
	}
	if w.since != nil && (page.Missed || !*b.complete) {
		b.judge(false, next)
	}
	b.after = next - 1
	page.Missed = false // what is missing has been told
	return nil
}

func badOptions(err error) error {
	return refusal("bad_options", "the options are wrong: "+err.Error())
}
