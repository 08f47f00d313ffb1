package handlers_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/socketio"
)

// An answer is what "message" and "history" are answered with.
type answer struct {
	Offset uint64
	At     int64
	Error  *socketio.Error

	Entries []struct {
		Data     json.RawMessage
		From, ID string
		At       int64
		Offset   uint64
	}
	First uint64
}

func (a answer) code() string {
	if a.Error == nil {
		return ""
	}
	return a.Error.Code
}

func (c *client) get(event string, args ...string) (a answer) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.ask(event, args...)), &a); err != nil {
		c.t.Fatal(err)
	}
	return a
}

// registerWith is "f" with options.
func (c *client) registerWith(name, options string) (p presence) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.ask("f", fmt.Sprintf("%q", name), options)), &p); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// hears takes news with these offsets, and no others between them.
func (c *client) hears(offsets ...uint64) {
	c.t.Helper()
	for _, want := range offsets {
		if _, m := c.news(); m.Offset != want {
			c.t.Fatalf("news %d come where %d are due", m.Offset, want)
		}
	}
}

// hearsNothing shows that nothing is on its way.
func (c *client) hearsNothing() {
	c.t.Helper()
	c.ask("history", `{"limit":0}`) // fails if news come first
}

// fill says the offsets that are still missing up to last.
func fill(t testing.TB, f *feed.Log, last uint64) {
	t.Helper()
	for n := f.Last() + 1; n <= last; n++ {
		if err := f.Append("", feed.Entry{From: "filler", ID: "x", Data: []byte(fmt.Sprint(n))},
			func(feed.Result, error) {}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all is stored", func() bool { return f.Last() == last })
}

func upTo(from, to uint64) (all []uint64) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

func TestAnAcknowledgementTellsTheOffsetOfTheNews(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		_, _, url := serve(t)
		c := connect(t, url, version)
		c.register("Ann")
		for want := range uint64(3) {
			a := c.get("message", `"x"`)
			_, m := c.news()
			if a.Offset != want+1 || m.Offset != a.Offset || m.At != a.At {
				t.Errorf("acknowledged as %+v, heard as %+v", a, m)
			}
		}
	})
}

func TestWhatWasMissedComesOnceAndInOrder(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		f := newFeed(t, memory.New(0), feed.Options{})
		_, _, url := serveOn(t, f, socketio.Options{})
		fill(t, f, 1000) // several pages
		for _, test := range []struct {
			options  string
			complete string
			first    uint64
		}{
			{`{"since":0}`, "true", 1},
			{`{"since":1}`, "true", 2},
			{`{"since":700}`, "true", 701},
			{`{"since":999}`, "true", 1000},
			{`{"since":1000}`, "true", 1001},
			{`{"since":1001}`, "false", 1001},
			{`{"history":0}`, "", 1001},
			{`{"history":1}`, "", 1000},
			{`{"history":1000}`, "", 1},
			{`{"history":null,"since":null,"more":1}`, "", 1001},
			{`{}`, "", 1001},
			{`null`, "", 1001},
		} {
			c := connect(t, url, version)
			p := c.registerWith("late", test.options)
			complete := ""
			if p.Complete != nil {
				complete = fmt.Sprint(*p.Complete)
			}
			if p.Name != "late" || p.Offset != 1000 || complete != test.complete || complete == "false" && p.Next != 1001 ||
				complete != "false" && p.Next != 0 {
				t.Errorf("%s is answered %+v, complete %s", test.options, p, complete)
			}
			c.hears(upTo(test.first, 1000)...)
			c.hearsNothing()
			c.conn.Close()
		}
		c := connect(t, url, version)
		c.registerWith("Ann", `{"since":998}`)
		c.hears(999, 1000)
		if got := c.get("message", `"next"`); got.Offset != 1001 {
			t.Errorf("the next is %+v", got)
		}
		c.hears(1001)
	})
}

func TestTheAnswerSaysWhenSomethingIsMissing(t *testing.T) {
	const first = 401
	f := newFeed(t, memory.New(first-1), feed.Options{})
	_, _, url := serveOn(t, f, socketio.Options{})
	fill(t, f, 500)
	c := connect(t, url, 4)
	p := c.registerWith("Ann", `{"since":5}`)
	if p.Complete == nil || *p.Complete || p.Next != first {
		t.Errorf("it is answered %+v; the first held is %d", p, first)
	}
	c.hears(upTo(first, 500)...)
	c = connect(t, url, 4)
	if p := c.registerWith("Bob", fmt.Sprintf(`{"since":%d}`, first-1)); p.Complete == nil || !*p.Complete {
		t.Errorf("who missed nothing is answered %+v", p)
	}
	c = connect(t, url, 4)
	c.registerWith("Carl", `{"history":1000}`)
	c.hears(upTo(first, 500)...)
}

// One who is registered hears everything by itself.
func TestWhoIsRegisteredHearsNothingTwice(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		f := newFeed(t, memory.New(0), feed.Options{})
		_, _, url := serveOn(t, f, socketio.Options{})
		fill(t, f, 10)
		c := connect(t, url, version)
		c.registerWith("Ann", `{"since":7}`)
		c.hears(8, 9, 10)
		for options, want := range map[string]string{
			`{"since":0}`: "false", `{"since":6}`: "false", `{"since":7}`: "true", `{"since":10}`: "true",
			`{"since":99}`: "false", `{"history":5}`: "",
		} {
			p := c.registerWith("Anna", options)
			got := ""
			if p.Complete != nil {
				got = fmt.Sprint(*p.Complete)
			}
			if got != want || p.Name != "Anna" {
				t.Errorf("%s is answered complete %s, want %s", options, got, want)
			}
			c.hearsNothing()
		}
	})
}

func TestBadOptionsChangeNothing(t *testing.T) {
	_, _, url := serve(t)
	listener := connect(t, url, 4)
	listener.register("listener")
	inBothVersions(t, func(t *testing.T, version int) {
		c := connect(t, url, version)
		for _, options := range []string{`5`, `"x"`, `true`, `[]`, `{"since":-1}`, `{"since":1.5}`, `{"since":"1"}`,
			`{"since":15e-1}`, `{"since":true}`,
			`{"since":99999999999999999999}`, `{"history":1001}`, `{"history":-1}`, `{"history":{}}`, `{"since":1,"history":1}`} {
			if got := c.registerWith("Ann", options); got.Error == nil || got.Error.Code != "bad_options" || got.Name != "" {
				t.Errorf("%s is answered %+v", options, got)
			}
		}
		for _, options := range []string{`{"before":-1}`, `{"before":"x"}`, `{"limit":101}`, `{"limit":-1}`, `{"limit":1.5}`,
			`7`, `[1]`} {
			if got := c.get("history", options); got.code() != "bad_options" {
				t.Errorf("history with %s is answered %+v", options, got)
			}
		}
		for _, options := range []string{`5`, `"x"`, `[]`, `{"id":""}`, `{"id":1.5}`, `{"id":1e-2}`, `{"id":true}`,
			`{"id":{}}`, `{"id":["a"]}`,
			`{"id":"` + strings.Repeat("x", 65) + `"}`, `{"id":99999999999999999999}`} {
			if got := c.get("message", `"x"`, options); got.code() != "bad_message" {
				t.Errorf("a message with %s is answered %+v", options, got)
			}
		}
		c.send(`51-7["message","x",{"_placeholder":true,"num":0}]`, "binary")
		if got := c.next(); !strings.HasPrefix(got, `37[{"error":{"code":"bad_message"`) {
			t.Errorf("binary options are answered %s", got)
		}
	})
	listener.hearsNothing()
	if got := listener.register("listener"); got.Count != 1 || got.Offset != 0 {
		t.Errorf("%d are registered, and %d things were said", got.Count, got.Offset)
	}
}

func TestTheSameIDIsSaidOnce(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		_, _, url := serve(t)
		listener := connect(t, url, version)
		listener.register("listener")
		ann := connect(t, url, version)
		ann.register("Ann")
		first := map[string]answer{}
		ids := []string{`"a"`, `5`, `"5"`, `-5`, `0`, `"` + strings.Repeat("é", 64) + `"`, `"\u0000"`}
		for _, id := range ids {
			first[id] = ann.get("message", `{"n":[1]}`, `{"id":`+id+`}`)
			ann.news()
			listener.news()
		}
		for _, id := range ids {
			if got := ann.get("message", `{"n":[1]}`, `{"id":`+id+`}`); got.Offset != first[id].Offset ||
				got.At != first[id].At || got.Error != nil {
				t.Errorf("%s again is answered %+v, at first %+v", id, got, first[id])
			}
		}
		listener.hearsNothing()

		again := connect(t, url, version) // another connection of hers
		again.register("Ann")
		if got := again.get("message", `{"n":[1]}`, `{"id":5}`); got.Offset != first[`5`].Offset {
			t.Errorf("5 on a new connection is answered %+v", got)
		}
		listener.hearsNothing()
		bob := connect(t, url, version)
		bob.register("Bob")
		if got := bob.get("message", `"something else"`, `{"id":5}`); got.Offset != 8 {
			t.Errorf("5 of another speaker is answered %+v", got)
		}
	})
}

func TestOneWithoutANameIsKnownByItsSocketAlone(t *testing.T) {
	_, _, url := serve(t)
	a, b := connect(t, url, 4), connect(t, url, 4)
	for i, c := range []*client{a, a, b} {
		if got, want := c.get("message", `1`, `{"id":"x"}`), uint64(max(1, i)); got.Offset != want {
			t.Errorf("answer %d is %+v, want offset %d", i, got, want)
		}
	}
	named := connectWith(t, url, 4, `{"name":"Ann"}`)
	first := named.get("message", `1`, `{"id":"x"}`)
	if again := connectWith(t, url, 4, `{"name":" Ann "}`).get("message", `1`,
		`{"id":"x"}`); again.Offset != first.Offset || first.Offset != 3 {
		t.Errorf("by its name in the handshake it is answered %+v, then %+v", first, again)
	}
	if entries := named.get("history").Entries; entries[2].From != "Ann" {
		t.Errorf("it speaks as %q", entries[2].From)
	}
	if got := named.register("listener"); got.Count != 1 {
		t.Errorf("%d are registered", got.Count)
	}
	for _, auth := range []string{`{"name":" "}`, `{"name":5}`, `{"name":["Ann"]}`, `{"other":"Ann"}`} {
		connectWith(t, url, 4, auth).get("message", `1`)
		if _, m := named.news(); m.From != "" {
			t.Errorf("with %s it speaks as %q", auth, m.From)
		}
	}
}

func TestBinaryIsKeptAsBinary(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		room, _, url := serve(t)
		c := connect(t, url, version)
		const said = `{"b":[{"_placeholder":true,"num":0}],"a":{"_placeholder":true,"num":1},"t":"\u2028"}`
		c.send(`53-1["message",{"b":[{"_placeholder":true,"num":2}],"a":{"_placeholder":true,"num":0},"t":"\u2028"},{"id":"x","u":{"_placeholder":true,"num":1}}]`, "two", "unused", "one")
		c.next()
		c.ask("message", `"text"`)
		c.send(`21["f","Ann",{"history":2}]`)
		c.next()
		if data, m := c.news(); data != said || m.Offset != 1 || c.next()+c.next() != "onetwo" {
			t.Errorf("replayed: %s", data)
		}
		c.hears(2)
		c.send(`29["history"]`)
		if got := c.next(); !strings.HasPrefix(got, `62-9[{"entries":[{"data":`+said+`,"from":""`) ||
			c.next()+c.next() != "onetwo" {
			t.Errorf("history: %s", got)
		}
		c.send(`53-2["message",{"b":[{"_placeholder":true,"num":2}],"a":{"_placeholder":true,"num":0},"t":"\u2028"},{"id":"x","u":{"_placeholder":true,"num":1}}]`, "other", "unused", "one")
		if got := c.next(); !strings.Contains(got, "id_taken") { // it has a name now, and its id has the owner that it had
			t.Errorf("got %s", got)
		}
		ears := newEar()
		guest := room.Visit(ears)
		do(t, guest, "f", `{"speaker":"G","since":0}`)
		eventually(t, "the guest has caught up", ears.hasJoined)
		guest.Close()
		if ears.heard[0] != `1 : {"b":["b25l"],"a":"dHdv","t":"\u2028"}` {
			t.Errorf("a guest hears %s", ears.heard[0])
		}
	})
}

func TestHistoryIsReadBackwards(t *testing.T) {
	const first = 201
	f := newFeed(t, memory.New(first-1), feed.Options{})
	_, _, url := serveOn(t, f, socketio.Options{})
	c := connect(t, url, 3)
	if got := c.get("history"); len(got.Entries) != 0 || got.First != first || got.Offset != first-1 ||
		got.Entries == nil {
		t.Errorf("an empty feed is %+v", got)
	}
	fill(t, f, 400)
	var seen []uint64
	for before := uint64(401); before > first; {
		got := c.get("history", fmt.Sprintf(`{"before":%d,"limit":70}`, before))
		if got.First != first || got.Offset != 400 || len(got.Entries) == 0 || len(got.Entries) > 70 {
			t.Fatalf("before %d: %d entries, first %d", before, len(got.Entries), got.First)
		}
		for i, e := range slices.Backward(got.Entries) {
			if string(e.Data) != fmt.Sprint(e.Offset) || e.From != "filler" || e.ID != "x" || e.At == 0 {
				t.Fatalf("entry %d is %+v", i, e)
			}
			seen = append(seen, e.Offset)
		}
		before = got.Entries[0].Offset
	}
	slices.Reverse(seen)
	if !slices.Equal(seen, upTo(first, 400)) {
		t.Errorf("page by page it is %v", seen)
	}
	for options, want := range map[string]int{`{}`: 50, `null`: 50, `{"limit":100}`: 100, `{"before":0}`: 0,
		fmt.Sprintf(`{"before":%d}`, first): 0, `{"before":9999,"limit":1}`: 1} {
		if got := c.get("history", options); len(got.Entries) != want {
			t.Errorf("%s brings %d entries, want %d", options, len(got.Entries), want)
		}
	}
}

// A client refuses a packet with more than ten attachments, and a page of long entries is cut.
func TestAPageOfHistoryIsNeverTooMuchForAClient(t *testing.T) {
	_, _, url := serve(t)
	c := connect(t, url, 4)
	for range 7 {
		c.send(`52-1["message",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]`, "a", "b")
		c.next()
	}
	c.send(`2["history"]`) // nothing comes without ack
	c.send(`21["history"]`)
	if got := c.next(); !strings.HasPrefix(got, "610-1[") || strings.Count(got, `"offset"`) != 6 {
		t.Errorf("the page is %s", got)
	}
	for range 10 {
		c.next()
	}
	long := `"` + strings.Repeat("x", 60_000) + `"`
	for range 5 {
		c.get("message", long)
	}
	if got := c.get("history"); len(got.Entries) != 2 || got.Entries[1].Offset != 12 {
		t.Errorf("of long entries a page has %d: %d to %d", len(got.Entries), got.Entries[0].Offset, got.Entries[1].Offset)
	}
}
