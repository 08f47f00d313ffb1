package handlers_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/socketio"
)

// Names of one script that look like names of another: of Cyrillic letters, and one with a typographic apostrophe.
const (
	joe      = "Joe"
	joeLike  = "\u0408\u043e\u0435"
	vera     = "\u0412\u0435\u0440\u0430"
	veraLike = "Bepa"
)

func quoted(name string) string {
	text, _ := json.Marshal(name) // of a text it never fails
	return string(text)
}

// Two may have one name, and then have two ids. But nobody is to have a name that others only take for another's.
func TestANameThatLooksLikeThatOfSomebodyHereIsRefused(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		_, _, url := serve(t)
		ann, eve := connect(t, url, version), connect(t, url, version)
		ann.register("Ann O'Neil")
		eve.register("Eve")
		for _, name := range []string{"Аnn O'Neil", "Αnn O'Neil", "Ann O’Neil", "Ann  O'Neil"} {
			if got := eve.register(name); got.Error == nil || got.Error.Code != "bad_name" {
				t.Errorf("%q is answered %+v", name, got)
			}
		}
		for _, name := range []string{"Ann O'Neil", "Ａnn O'Neil", "A\u034fn\u200dn O'Neil"} {
			if got := eve.register(name); got.Name != "Ann O'Neil" || got.Error != nil {
				t.Errorf("%q is answered %+v", name, got)
			}
		}
		if got := ann.register("Ann O’Neil"); got.Error == nil { // somebody else has it too
			t.Errorf("she is answered %+v", got)
		}
		eve.register("Eve")
		if got := ann.register("Ann O’Neil"); got.Error != nil { // it is her own
			t.Errorf("her own look is answered %+v", got)
		}
	})
}

// Else whoever comes first with a look-alike locks out the one who is meant.
func TestAPlainNameIsNeverRefusedForItsLooks(t *testing.T) {
	for first, second := range map[string]string{
		joeLike: joe, vera: veraLike, "Ann O’Neil": "Ann O'Neil", "llse": "Ilse",
	} {
		_, _, url := serve(t)
		if got := connect(t, url, 4).register(first); got.Error != nil {
			t.Errorf("%q is answered %+v", first, got)
		}
		if got := connect(t, url, 4).register(second); got.Error != nil {
			t.Errorf("while %q is here, %q is answered %+v", first, second, got)
		}
		if got := connect(t, url, 4).register(first); got.Error != nil { // it was there first
			t.Errorf("once more %q is answered %+v", first, got)
		}
	}
}

func TestALookAlikeIsRefusedForAWhileWhenTheOtherHasLeft(t *testing.T) {
	inABubble(t, unhurried, func(t *testing.T, room *handlers.Core) {
		visit := func(name string) told {
			guest := room.Visit(newEar())
			defer guest.Close()
			return do(t, guest, "f", `{"speaker":`+quoted(name)+`}`)
		}
		expect := func(name string, taken bool) {
			t.Helper()
			if got := visit(name); (got.failure == "null") != taken {
				t.Errorf("%q is answered %s", name, got)
			}
		}
		expect(vera, true)
		expect(joe, true)
		time.Sleep(9 * time.Minute)
		expect(joeLike, false)
		expect(veraLike, true) // which is plain, and does not make the other any less the first
		expect(vera, true)
		time.Sleep(11 * time.Minute)
		expect(joeLike, true)
		expect(joe, true)
		expect(veraLike, true)
		expect(vera, false) // now it is the second
	})
}

// A client of 4.x that repeats itself speaks before it can register.
func TestANameInTheHandshakeIsUsedAsFarAsFWouldTakeIt(t *testing.T) {
	_, _, url := serve(t)
	ann := connect(t, url, 4)
	ann.register(joe)
	for _, name := range []string{joeLike, "\u0410nn", "a\u0000b", strings.Repeat("too long ", 10)} {
		c := connectWith(t, url, 4, `{"name":`+quoted(name)+`}`)
		if got := c.get("message", `1`, `{"id":1}`); got.code() != "bad_name" {
			t.Errorf("under the name %q it is answered %+v", name, got)
		}
		if got := c.register("Carl"); got.Error != nil {
			t.Errorf("then its name is answered %+v", got)
		}
		got := c.get("message", quoted(name), `{"id":1}`)
		if _, m := c.news(); got.Error != nil || m.From != "Carl" {
			t.Errorf("then it is answered %+v, and speaks as %q", got, m.From)
		}
		if _, m := ann.news(); m.From != "Carl" {
			t.Errorf("the others hear %q", m.From)
		}
		c.conn.Close()
	}
	ann.hearsNothing()
}

// What a program's own event is told of its client must be as good as what the news tell.
func TestAnEventIsToldNoNameThatIsRefused(t *testing.T) {
	o := unhurried
	o.Events = []*handlers.Event{{Name: "who", Do: func(c handlers.Call) error { c.Answer(c.From()); return nil }}}
	_, _, url := serveWith(t, newFeed(t, memory.New(0), feed.Options{}), socketio.Options{}, o)
	connect(t, url, 4).register(joe)
	for name, want := range map[string]string{joeLike: `""`, "\u0410nn": `""`, "Ann": `"Ann"`, joe: `"Joe"`} {
		if got := connectWith(t, url, 4, `{"name":`+quoted(name)+`}`).ask("who"); got != want {
			t.Errorf("of %q it is told %s", name, got)
		}
	}
}
