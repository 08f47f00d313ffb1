package handlers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// An audience beside Socket.IO hears all news, in the order of everybody else.
type audience struct {
	mu   sync.Mutex
	news []string
	deaf bool
	fail bool
}

func (a *audience) Wanted() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.deaf
}

func (a *audience) Publish(data json.RawMessage, from, id string, at int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fail {
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
		guest := room.Visit()
		done.Go(func() {
			for i := range each {
				c.send(fmt.Sprintf(`2["message","%d.%d"]`, n, i))
			}
		})
		done.Go(func() {
			for i := range each {
				if err := guest.Say(json.RawMessage(fmt.Sprintf(`"g%d.%d"`, n, i)), func(any) {}); err != nil {
					t.Error(err)
				}
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
	also.set(false, true)
	c.ask("message", `2`)
	if data, _ := c.news(); data != `2` {
		t.Errorf("got %s", data)
	}
	also.set(false, false)
	c.send(`51-["message",{"b":{"_placeholder":true,"num":0}}]`, "abc")
	c.news()
	c.next()
	eventually(t, "the other audience hears it, with base64 for the bytes", func() bool {
		return slices.Equal(also.heard(), []string{`Ann: {"b":"YWJj"}`})
	})
}

func TestAGuestTakesPartLikeASocket(t *testing.T) {
	room, _, url := serve(t)
	c := connect(t, url, 4)
	c.register("Ann")
	guest := room.Visit()
	if _, err := guest.Register(json.RawMessage(`" "`), func() { t.Error("it hears the news without a name") }); err == nil {
		t.Error("a bad name is taken")
	} else if got, _ := json.Marshal(guest.PublicError(err)); !strings.HasPrefix(string(got), `{"code":"bad_name"`) {
		t.Errorf("it is told %s", got)
	}
	heard := false
	answer, err := guest.Register(json.RawMessage(`"Gus"`), func() { heard = true })
	if err != nil || !heard {
		t.Fatal(err, heard)
	}
	text, _ := json.Marshal(answer)
	var p presence
	if err := json.Unmarshal(text, &p); err != nil || p.Count != 2 || p.Name != "Gus" || !slices.Equal(p.Names, []string{"Ann", "Gus"}) {
		t.Errorf("it is answered %s", text)
	}
	if err := guest.Say(json.RawMessage(`{"a":1}`), func(any) {}); err != nil {
		t.Error(err)
	}
	if data, m := c.news(); data != `{"a":1}` || m.From != "Gus" || m.ID != p.ID {
		t.Errorf("got %s from %+v", data, m)
	}
	if err := guest.Say(json.RawMessage(`{"a":`), func(any) { t.Error("what is no JSON is taken") }); err == nil {
		t.Error("what is no JSON is said")
	}
	guest.Leave()
	guest.Leave()
	if got := c.register("Ann"); got.Count != 1 {
		t.Errorf("%d are registered", got.Count)
	}
}
