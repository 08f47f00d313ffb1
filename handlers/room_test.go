package handlers_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/crier/crier/handlers"
)

// An audience beside Socket.IO hears all news, in the order of everybody else.
type audience struct {
	mu   sync.Mutex
	news []string
	deaf bool
	fail bool

	asked  int // how often whether it is wanted
	failed int // and how often it has failed
}

func (a *audience) Wanted() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	return !a.deaf
}

func (a *audience) Publish(data json.RawMessage, from, id string, at int64, offset uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fail {
		a.failed++
		return errors.New("the audience is gone")
	}
	a.news = append(a.news, from+": "+string(data))
	return nil
}

func (a *audience) heard() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.news)
}

func (a *audience) wasAsked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

func (a *audience) failures() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

func (a *audience) set(deaf, fail bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.deaf, a.fail = deaf, fail
}

func TestAnotherAudienceHearsTheSameOrder(t *testing.T) {
	const each = 100
	room, _, url := serve(t)
	also := new(audience)
	room.Also(also)
	listener := connect(t, url, 4)
	listener.register("listener")
	var done sync.WaitGroup
	for n := range 4 {
		c := connect(t, url, 4)
		guest := room.Visit(newEar())
		done.Go(func() {
			for i := range each {
				c.send(fmt.Sprintf(`2["message","%d.%d"]`, n, i))
			}
		})
		done.Go(func() {
			for i := range each {
				say(guest, json.RawMessage(fmt.Sprintf(`"g%d.%d"`, n, i)), func(_, failure any) {
					if failure != nil {
						t.Error(failure)
					}
				})
			}
		})
	}
	var heard []string
	for range 8 * each {
		data, m := listener.news()
		heard = append(heard, m.From+": "+data)
	}
	done.Wait()
	eventually(t, "the other audience hears all", func() bool { return len(also.heard()) == 8*each })
	if !slices.Equal(heard, also.heard()) {
		t.Error("the two audiences hear different orders")
	}
}

func TestAnAudienceThatIsDeafOrFailsHarmsNobody(t *testing.T) {
	room, _, url := serve(t)
	also := &audience{deaf: true}
	room.Also(also)
	c := connect(t, url, 4)
	c.register("Ann")
	c.ask("message", `1`)
	c.news()
	eventually(t, "the other audience is asked", func() bool { return also.wasAsked() == 1 })
	also.set(false, true)
	c.ask("message", `2`)
	if data, _ := c.news(); data != `2` {
		t.Errorf("got %s", data)
	}
	eventually(t, "the other audience fails", func() bool { return also.failures() == 1 })
	also.set(false, false)
	c.send(`51-["message",{"b":{"_placeholder":true,"num":0}}]`, "abc")
	c.news()
	c.next()
	eventually(t, "the other audience hears it, with base64 for the bytes", func() bool {
		return slices.Equal(also.heard(), []string{`Ann: {"b":"YWJj"}`})
	})
}

// An ear is a guest's listener that keeps what it hears.
type ear struct {
	mu     sync.Mutex
	joined bool
	heard  []string
	gone   chan struct{}
	cutOff bool

	address string
	blocked chan struct{} // if set, nothing is taken until it is closed
}

func newEar() *ear { return &ear{gone: make(chan struct{})} }

func (e *ear) Hear(data json.RawMessage, from, id string, at int64, offset uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.joined {
		panic("it hears something alone after it has joined")
	}
	e.heard = append(e.heard, fmt.Sprintf("%d %s: %s", offset, from, data))
	return nil
}

func (e *ear) Join() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.joined = true
}

func (e *ear) Done() <-chan struct{} { return e.gone }
func (e *ear) Address() string       { return cmp.Or(e.address, "192.0.2.1") }

func (e *ear) Flushed(ctx context.Context) error {
	if e.blocked == nil {
		return nil
	}
	select {
	case <-e.blocked:
		return nil
	case <-e.gone:
		return errors.New("gone")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *ear) hasJoined() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.joined
}

func (e *ear) wasCutOff() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cutOff
}

func (e *ear) CutOff() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cutOff = true
}

// A told is what became of a guest's request, as JSON; one of the two is empty.
type told struct{ answer, failure string }

// do returns what a guest is told of an event. The request is a JSON object.
func do(t testing.TB, guest *handlers.Guest, event, request string) told {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(request), &members); err != nil {
		t.Fatal(err)
	}
	all := make(chan told, 2)
	guest.Do(event, members, func(answer, failure any) {
		a, _ := json.Marshal(answer)
		f, _ := json.Marshal(failure)
		all <- told{string(a), string(f)}
	})
	return <-all
}

// say has a guest say something.
func say(guest *handlers.Guest, data json.RawMessage, tell func(answer, failure any)) {
	guest.Do("message", map[string]json.RawMessage{"data": data}, tell)
}

func TestAGuestTakesPartLikeASocket(t *testing.T) {
	room, _, url := serve(t)
	c := connect(t, url, 4)
	c.register("Ann")
	ears := newEar()
	guest := room.Visit(ears)
	if got := do(t, guest, "f", `{"speaker":" "}`); !strings.HasPrefix(got.failure, `{"code":"bad_name"`) || ears.joined {
		t.Errorf("a bad name is answered %s", got)
	}
	c.ask("message", `"before"`)
	c.news()
	got := do(t, guest, "f", `{"speaker":"Gus","since":0}`)
	var p presence
	if err := json.Unmarshal([]byte(got.answer), &p); err != nil || p.Count != 2 || p.Name != "Gus" ||
		!slices.Equal(p.Names, []string{"Ann", "Gus"}) {
		t.Errorf("it is answered %s", got)
	}
	if !ears.joined || !slices.Equal(ears.heard, []string{`1 Ann: "before"`}) || p.Offset != 1 || p.Complete == nil ||
		!*p.Complete {
		t.Errorf("it missed one, and is told %q: %+v", ears.heard, p)
	}
	first := do(t, guest, "message", `{"data":{"a":1},"id":"1"}`)
	if data, m := c.news(); data != `{"a":1}` || m.From != "Gus" || m.ID != p.ID ||
		first.answer != fmt.Sprintf(`{"offset":2,"at":%d}`, m.At) {
		t.Errorf("got %s from %+v, answered %s", data, m, first)
	}
	if again := do(t, guest, "message", `{"data":{"a":1},"id":"1"}`); again != first {
		t.Errorf("again, it is answered %s", again)
	}
	guest.Do("message", map[string]json.RawMessage{"data": json.RawMessage(`{"a":`)}, func(_, failure any) {
		if failure == nil {
			t.Error("what is no JSON is said")
		}
	})
	history := do(t, guest, "history", `{"limit":1}`)
	if want := fmt.Sprintf(`{"entries":[{"data":{"a":1},"from":"Gus","id":%q,`, p.ID); !strings.HasPrefix(history.answer,
		want) {
		t.Errorf("history is answered %s", history)
	}
	guest.Close()
	guest.Close()
	if got := c.register("Ann"); got.Count != 1 {
		t.Errorf("%d are registered", got.Count)
	}
}
