package handlers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"log/slog"
	"strings"
	"testing"

	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/socketio"
)

// The package comment is the protocol that clients are written by.
func TestEachEventIsInThePackageComment(t *testing.T) {
	comment := packageComment(t)
	_, wrong, ok := strings.Cut(comment, "# What goes wrong")
	if !ok {
		t.Fatal("it has no section about what goes wrong")
	}
	for _, ev := range handlers.Events() {
		if !strings.Contains(comment, "\n\t"+ev.Name+" ") {
			t.Errorf("%s is not in its table", ev.Name)
		}
		_, section, ok := strings.Cut(comment, "# "+ev.Name+"\n")
		if !ok {
			t.Errorf("%s has no section", ev.Name)
			continue
		}
		section, _, _ = strings.Cut(section, "\n# ")
		for _, word := range append(append([]string{}, ev.Options...), ev.Answer...) {
			if word = strings.TrimSuffix(word, "?"); !strings.Contains(section, word) {
				t.Errorf("the section of %s does not tell of %s", ev.Name, word)
			}
		}
		for _, code := range ev.Errors {
			if !strings.Contains(wrong, "\n\t"+code+" ") {
				t.Errorf("the code %s of %s is not listed", code, ev.Name)
			}
		}
	}
}

func packageComment(t *testing.T) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "handlers.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return file.Doc.Text()
}

// doubling is an event that a program adds.
var doubling = &handlers.Event{
	Name: "double", Takes: []string{"number"}, Options: []string{"plus"}, Answer: []string{"result", "from"},
	Registered: true,
	Do: func(c handlers.Call) error {
		var n int
		var options struct{ Plus int }
		if err := c.Arg(0).Bind(&n); err != nil {
			return err
		}
		if err := c.Arg(1).Bind(&options); c.Len() > 1 && err != nil {
			return err
		}
		c.Answer(map[string]any{"result": 2*n + options.Plus, "from": c.From() + "@" + c.Address()})
		return nil
	},
}

func TestAProgramAddsItsOwnEventsOnEveryEar(t *testing.T) {
	o := unhurried
	o.Events = []*handlers.Event{doubling}
	room, _, url := serveWith(t, newFeed(t, memory.New(0), feed.Options{}), socketio.Options{}, o)
	c := connect(t, url, 4)
	if got := c.ask("double", "4"); !strings.Contains(got, `"code":"not_registered"`) {
		t.Errorf("before f it is answered %s", got)
	}
	c.register("Ann")
	if got := c.ask("double", "4", `{"plus":1}`); got != `{"from":"Ann@127.0.0.1","result":9}` {
		t.Errorf("it is answered %s", got)
	}
	if got := c.ask("double", `"x"`); !strings.Contains(got, `"code":"bad_argument"`) {
		t.Errorf("a text is answered %s", got)
	}
	guest := room.Visit(newEar())
	defer guest.Close()
	if got := do(t, guest, "double", `{"number":4}`); !strings.Contains(got.failure, `"not_registered"`) {
		t.Errorf("before f a guest is answered %s", got)
	}
	do(t, guest, "f", `{"speaker":"Gus"}`)
	if got := do(t, guest, "double", `{"type":"double","number":4,"plus":2,"minus":1}`); got.answer != `{"from":"Gus@192.0.2.1","result":10}` {
		t.Errorf("a guest is answered %s", got)
	}
}

func TestEventsThatCannotBeFoundByTheirNamesAreAFaultOfTheProgram(t *testing.T) {
	for _, name := range []string{"", "f", "message", "news", "warning", "disconnect"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("an event %q is taken", name)
				}
			}()
			io, err := socketio.New(socketio.Options{Logger: quiet})
			if err != nil {
				t.Fatal(err)
			}
			defer io.Close(t.Context())
			handlers.Register(io, newFeed(t, memory.New(0), feed.Options{}), handlers.Options{
				Logger: quiet, Events: []*handlers.Event{{Name: name, Do: func(handlers.Call) error { return nil }}},
			})
		}()
	}
}

func TestAGuestIsToldOfUnknownEventsAndTheLogOnceOfEach(t *testing.T) {
	var log bytes.Buffer
	o := socketio.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	room, _, _ := serveOn(t, newFeed(t, memory.New(0), feed.Options{}), o)
	guest := room.Visit(newEar())
	defer guest.Close()
	for range 3 {
		got := do(t, guest, "chat message", `{"data":"hi"}`)
		if got.failure != `{"code":"unknown_event","message":"this server does not know the event \"chat message\""}` {
			t.Errorf("it is answered %s", got)
		}
	}
	if n := strings.Count(log.String(), "chat message"); n != 1 {
		t.Errorf("the log has it %d times", n)
	}
	for n := range 1000 {
		do(t, guest, fmt.Sprint("made up ", n)+strings.Repeat("x", 1000), `{}`)
	}
	if n := strings.Count(log.String(), "\n"); n > 64 || log.Len() > 20_000 {
		t.Errorf("the log has %d lines, %d bytes", n, log.Len())
	}
}

// A panic where what was said is passed on ends nobody, and what the speaker held is given back.
func TestAPanicWhileNewsArePassedOnHoldsNothing(t *testing.T) {
	room, _, url := serve(t)
	also := &panicking{}
	room.Also(also)
	guest := room.Visit(newEar())
	defer guest.Close()
	for range 100 { // more than may be pending
		told := make(chan struct{})
		say(guest, json.RawMessage(`1`), func(_, _ any) { close(told); panic("on purpose") })
		<-told
	}
	c := connect(t, url, 4)
	c.register("Ann")
	c.get("message", `2`)
	c.news()
}

type panicking struct{}

func (panicking) Wanted() bool { return true }
func (panicking) Publish(json.RawMessage, string, string, int64, uint64) error {
	panic("on purpose")
}
