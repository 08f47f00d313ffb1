package handlers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/socketio"
)

// inABubble runs a test on a core with a time of its own.
func inABubble(t *testing.T, o handlers.Options, test func(t *testing.T, room *handlers.Core)) {
	synctest.Test(t, func(t *testing.T) {
		io, err := socketio.New(socketio.Options{Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		f, err := feed.New(memory.New(0), feed.Options{Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		o.Logger = quiet
		room := handlers.Register(io, f, o)
		test(t, room)
		if err := io.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := f.Close(t.Context()); err != nil {
			t.Error(err)
		}
		room.Wait()
	})
}

// A chat's speaker is slowed and loses nothing; another one does not notice.
func TestASpeakerWhoSaysTooMuchIsSlowed(t *testing.T) {
	for name, test := range map[string]struct {
		size, atOnce, more int
		takes              time.Duration
	}{
		"messages": {2, 500, 40, 2 * time.Second},      // 20 a second
		"bytes":    {64 << 10, 16, 5, 5 * time.Second}, // 64 KiB a second
		"mixed":    {1000, 500, 20, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inABubble(t, handlers.Options{}, func(t *testing.T, room *handlers.Core) {
				loud, other := room.Visit(newEar()), room.Visit(newEar())
				data := json.RawMessage(`"` + strings.Repeat("x", test.size-2) + `"`)
				stored := 0
				began := time.Now()
				speak := func(n int) {
					for range n {
						say(loud, data, func(_, failure any) {
							if failure == nil {
								stored++
							}
						})
					}
				}
				if speak(test.atOnce); time.Since(began) > 0 {
					t.Errorf("a burst takes %v", time.Since(began))
				}
				speak(test.more)
				if got := time.Since(began); got < test.takes-100*time.Millisecond || got > test.takes+100*time.Millisecond {
					t.Errorf("the rest takes %v, want %v", got, test.takes)
				}
				began = time.Now()
				do(t, other, "message", `{"data":1}`)
				if synctest.Wait(); stored != test.atOnce+test.more || time.Since(began) > 0 {
					t.Errorf("%d are stored; another one waits %v", stored, time.Since(began))
				}
				loud.Close()
				other.Close()
			})
		})
	}
}

func TestAMessageLargerThanABurstIsTakenAndWhatFollowsWaitsLonger(t *testing.T) {
	o := handlers.Options{MaxMessageByteRate: 1 << 10, MessageByteBurst: 1 << 10}
	inABubble(t, o, func(t *testing.T, room *handlers.Core) {
		guest := room.Visit(newEar())
		began := time.Now()
		do(t, guest, "message", `{"data":"`+strings.Repeat("x", 10<<10-2)+`"}`)
		if took := time.Since(began); took > 0 {
			t.Errorf("it waits %v", took)
		}
		do(t, guest, "message", `{"data":1}`)
		if took := time.Since(began); took < 9*time.Second || took > 10*time.Second {
			t.Errorf("the next waits %v", took)
		}
		guest.Close()
	})
}

func TestASpeakerWhoIsSlowedAndLeavesWaitsNoLonger(t *testing.T) {
	inABubble(t, handlers.Options{MaxMessageRate: 1, MessageBurst: 1}, func(t *testing.T, room *handlers.Core) {
		e := newEar()
		guest := room.Visit(e)
		began, said := time.Now(), 0
		go func() { time.Sleep(time.Second / 2); close(e.gone) }()
		for range 100 {
			say(guest, json.RawMessage(`1`), func(_, failure any) { said++ })
		}
		if took := time.Since(began); took != time.Second/2 || said != 100 {
			t.Errorf("%d are said in %v", said, took)
		}
		guest.Close()
	})
}

// What a speaker has spent it has spent, also when it comes back for its socket.
func TestARecoveredSpeakerHasNoNewBurst(t *testing.T) {
	_, _, url := serveWith(t, newFeed(t, memory.New(0), feed.Options{}), socketio.Options{}, handlers.Options{
		Logger: quiet, MaxMessageRate: 1, MessageBurst: 3,
	})
	c := connect(t, url, 4)
	c.register("Ann")
	for range 3 {
		c.get("message", `1`)
		c.news()
	}
	c.conn.Close()
	c = c.back(url)
	began := time.Now()
	c.get("message", `1`)
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("it says more after %v", took)
	}
}

func TestLargeAnswersHaveAPrice(t *testing.T) {
	o := handlers.Options{MaxMessageRate: -1, MaxMessageByteRate: -1}
	inABubble(t, o, func(t *testing.T, room *handlers.Core) {
		guest := room.Visit(newEar())
		for range 100 {
			do(t, guest, "message", `{"data":"`+strings.Repeat("x", 10_000)+`"}`)
		}
		began := time.Now()
		for range 64 { // of 128 KiB
			do(t, guest, "history", `{}`)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("a burst takes %v", took)
		}
		for range 80 {
			do(t, guest, "history", `{}`)
		}
		if took := time.Since(began); took < 8*time.Second || took > 10*time.Second {
			t.Errorf("9 MiB more take %v", took)
		}
		began = time.Now()
		do(t, guest, "message", `{"data":1}`)
		if took := time.Since(began); took > 0 {
			t.Errorf("a message waits %v", took)
		}
		guest.Close()
	})
}

// A client that takes nothing is given one answer, however often it asks.
func TestRegistrationsThatAreNotTakenDoNotPileUp(t *testing.T) {
	room, _, _ := serve(t)
	e := newBlockedEar()
	guest := room.Visit(e)
	var mu sync.Mutex
	answers, done := 0, make(chan struct{})
	go func() { // ends when the answers are taken
		defer close(done)
		for range 158 {
			guest.Do("f", map[string]json.RawMessage{"speaker": json.RawMessage(`"x"`)}, func(_, _ any) {
				mu.Lock()
				defer mu.Unlock()
				answers++
			})
		}
	}()
	given := func() int { mu.Lock(); defer mu.Unlock(); return answers }
	eventually(t, "one is given", func() bool { return given() == 1 })
	other := room.Visit(newEar())
	for range 100 { // time for what must not be done
		do(t, other, "f", `{"speaker":"y"}`)
	}
	if got := given(); got != 1 {
		t.Errorf("%d are given", got)
	}
	close(e.blocked)
	<-done
	if got := given(); got != 158 {
		t.Errorf("in the end %d are given", got)
	}
	guest.Close()
	other.Close()
}

// A ledger bounds an address.
type ledger struct {
	mu   sync.Mutex
	kept map[string]int
}

func (l *ledger) May(address string, size int, _ time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept[address]+size <= 10
}

func (l *ledger) Add(address string, size int, _ time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept[address] += size
}

func TestAnAddressOwnsNoMoreOfWhatIsKeptThanItMay(t *testing.T) {
	l := &ledger{kept: make(map[string]int)}
	o := unhurried
	o.Logger, o.Kept = quiet, l
	room, _, _ := serveWith(t, newFeed(t, memory.New(0), feed.Options{}), socketio.Options{}, o)
	first, same, other := newEar(), newEar(), newEar()
	other.address = "192.0.2.2"
	a, b, c := room.Visit(first), room.Visit(same), room.Visit(other)
	do(t, a, "message", `{"data":"123456"}`)
	if got := do(t, b, "message", `{"data":"123"}`); !strings.Contains(got.failure, `"code":"rate"`) {
		t.Errorf("it is answered %s", got)
	}
	if got := do(t, b, "message", `{"data":10}`); got.failure != "null" {
		t.Errorf("a short one is answered %s", got)
	}
	if got := do(t, c, "message", `{"data":"123456"}`); got.failure != "null" {
		t.Errorf("another address is answered %s", got)
	}
	if l.kept["192.0.2.1"] != 10 || l.kept["192.0.2.2"] != 8 {
		t.Errorf("they own %v", l.kept)
	}
}

// A watched feed notes whose turn each entry takes.
type watched struct {
	*feed.Log
	turns chan string
}

func (w watched) Append(turn string, e feed.Entry, done feed.Done) error {
	w.turns <- turn
	return w.Log.Append(turn, e, done)
}

func TestEachAddressHasItsTurn(t *testing.T) {
	w := watched{newFeed(t, memory.New(0), feed.Options{}), make(chan string, 10)}
	room, _, url := serveOn(t, w, socketio.Options{})
	e := newEar()
	e.address = "2001:db8::1"
	do(t, room.Visit(e), "message", `{"data":1}`)
	connect(t, url, 4).get("message", `1`)
	if a, b := <-w.turns, <-w.turns; a != "2001:db8::1" || b != "127.0.0.1" {
		t.Errorf("the turns are %s and %s", a, b)
	}
}

// What is acknowledged can be told to every client, of whatever language, and to plain ones.
func TestWhatNotEveryClientCanBeToldIsRefused(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		_, _, url := serve(t)
		c := connect(t, url, version)
		for _, data := range []string{`1e400`, `[1,{"a":-1e999}]`, strings.Repeat("9", 5000), `"\ud800"`, `{"\udc00":1}`} {
			if got := c.get("message", data); got.code() != "bad_message" {
				t.Errorf("%.40s is answered %+v", data, got)
			}
		}
		hole := `{"_placeholder":true,"num":0}`
		for data, good := range map[string]bool{
			hole: true, fmt.Sprintf("[%s,%s]", hole, hole): true, "[" + strings.Repeat(hole+",", 8) + "1]": false,
			`[` + hole + `,{"_placeholder":"x"}]`: false,
		} {
			c.send(`51-9["message",`+data+`]`, "bytes")
			if got := c.next(); good == strings.Contains(got, "bad_message") {
				t.Errorf("%s is answered %s", data, got)
			}
		}
		if got := c.get("message", `{"_placeholder":true,"num":7}`); got.Error != nil {
			t.Errorf("as text it is answered %+v", got)
		}
	})
}

// An entry that an older version has stored, or another program, must not end those who are told of it, as news, as
// what they missed, or as a page of the history.
func TestWhatOtherLanguagesCannotReadIsNotToldFromTheFeed(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		f := newFeed(t, memory.New(0), feed.Options{})
		_, _, url := serveOn(t, f, socketio.Options{})
		store := func() {
			t.Helper()
			if err := f.Append("", feed.Entry{ID: "x", Data: []byte(`[1e400,"\ud800"]`)}, func(feed.Result, error) {}); err != nil {
				t.Fatal(err)
			}
		}
		want := "[null,\"\ufffd\"]"
		if version == 3 {
			want = `[null,"\ufffd"]` // all beyond ASCII is escaped for old clients
		}
		store()
		eventually(t, "it is stored", func() bool { return f.Last() == 1 })
		c := connect(t, url, version)
		c.registerWith("Ann", `{"since":0}`)
		if data, _ := c.news(); data != want {
			t.Errorf("what was missed is told as %s", data)
		}
		store()
		if data, _ := c.news(); data != want {
			t.Errorf("news are told as %s", data)
		}
		page := c.get("history")
		if len(page.Entries) != 2 || string(page.Entries[0].Data) != want {
			t.Errorf("the history is told as %+v", page)
		}
	})
}

// In a packet with attachments text that looks like the place of one would be taken for it.
func TestAPageOfHistoryHasNoTextThatLooksLikeAnAttachment(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		_, _, url := serve(t)
		c := connect(t, url, version)
		const literal = `{"_placeholder":true,"num":0}`
		c.get("message", literal)
		c.send(`51-9["message",{"_placeholder":true,"num":0}]`, "bytes")
		c.next()
		c.get("message", `"text"`)
		c.send(`27["history"]`)
		if got := c.next(); !strings.HasPrefix(got, `61-7[`) || strings.Count(got, `"offset"`) != 3 {
			t.Errorf("the page is %s", got)
		}
		if got := c.next(); got != "bytes" {
			t.Errorf("its attachment is %q", got)
		}
		got := c.get("history", `{"before":2}`)
		if len(got.Entries) != 1 || string(got.Entries[0].Data) != literal {
			t.Errorf("the page before is %+v", got)
		}
	})
}

func TestWholeNumbersCountByTheirValue(t *testing.T) {
	f := newFeed(t, memory.New(0), feed.Options{})
	_, _, url := serveOn(t, f, socketio.Options{})
	fill(t, f, 30)
	c := connect(t, url, 4)
	for _, before := range []string{`20`, `20.0`, `2e1`, `2.0E+1`, `200e-1`, `0.20e2`} {
		got := c.get("history", `{"before":`+before+`,"limit":5.0}`)
		if len(got.Entries) != 5 || got.Entries[4].Offset != 19 {
			t.Errorf("before %s it is answered %+v", before, got)
		}
	}
	if p := c.registerWith("Ann", `{"since":1.7e15}`); p.Complete == nil || *p.Complete || p.Next != 31 {
		t.Errorf("since another feed's offset it is answered %+v", p)
	}
	first := c.get("message", `1`, `{"id":5}`)
	c.news()
	for _, id := range []string{`5.0`, `5e0`, `50e-1`} {
		if got := c.get("message", `1`, `{"id":`+id+`}`); got.Offset != first.Offset {
			t.Errorf("the id %s is answered %+v", id, got)
		}
	}
	for _, wrong := range []string{`1e30`, `1e999999999`, `1e-999999999`, `0.5`, `-1.0`, `18446744073709551616`} {
		if got := c.get("history", `{"before":`+wrong+`}`); got.code() != "bad_options" {
			t.Errorf("%s is answered %+v", wrong, got)
		}
	}
}

// Complete is only said when nothing is missing, and whenever nothing is.
func TestCompleteIsAboutWhatExisted(t *testing.T) {
	const first = 1001
	f := newFeed(t, memory.New(first-1), feed.Options{})
	_, _, url := serveOn(t, f, socketio.Options{})
	for since, complete := range map[uint64]bool{first - 1: true, first - 2: false, 0: false, first: false} {
		if p := connect(t, url, 4).registerWith("Ann", fmt.Sprintf(`{"since":%d}`, since)); *p.Complete != complete ||
			p.First != first {
			t.Errorf("of an empty feed since %d is answered %+v", since, p)
		}
	}
	fill(t, f, first+9)
	p := connect(t, url, 4).registerWith("Ann", `{"history":50}`)
	if p.First != first || p.Offset != first+9 {
		t.Errorf("it is answered %+v", p)
	}
	since := max(p.First-1, p.Offset-50) // what a page knows that asked for 50
	if p := connect(t, url, 4).registerWith("Ann", fmt.Sprintf(`{"since":%d}`, since)); !*p.Complete {
		t.Errorf("of a young feed since %d is answered %+v", since, p)
	}
}
