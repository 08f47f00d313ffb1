package handlers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/socketio"
)

const (
	secretOfAnn  = "correct horse battery"
	secretOfEve  = "another horse, another"
	withAnn      = `{"secret":"` + secretOfAnn + `"}`
	sameMessage  = `"hello"`
	otherMessage = `"something else"`
)

// Clients buffer what is said while they are away, and say it before the page can register: again, when no answer
// came.
func TestWhatIsSaidBeforeAndAfterTheNameCountsOnce(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		_, _, url := serve(t)
		for _, options := range []string{`null`, withAnn} {
			c := connect(t, url, version)
			first := c.get("message", sameMessage, `{"id":"x"}`)
			c.registerWith("Ann", options)
			if got := c.get("message", sameMessage, `{"id":"x"}`); got.Offset != first.Offset {
				t.Errorf("with the name it is answered %+v, at first %+v", got, first)
			}
			c.register("Anna")
			if got := c.get("message", sameMessage, `{"id":"x"}`); got.Offset != first.Offset {
				t.Errorf("renamed it is answered %+v, at first %+v", got, first)
			}
			c.hearsNothing()
			c.conn.Close()
		}
	})
}

func TestALaterNameDoesNotChangeTheOwner(t *testing.T) {
	_, _, url := serve(t)
	c := connectWith(t, url, 4, `{"name":"Ann"}`)
	first := c.get("message", sameMessage, `{"id":1}`)
	c.register("Bob")
	if got := c.get("message", sameMessage, `{"id":1}`); got.Offset != first.Offset {
		t.Errorf("it is answered %+v, at first %+v", got, first)
	}
	c = c.back(url) // and nor does the loss of its connection
	if got := c.get("message", sameMessage, `{"id":1}`); got.Offset != first.Offset {
		t.Errorf("recovered it is answered %+v, at first %+v", got, first)
	}
}

func TestASecretIsTheSameOwnerOnEveryConnection(t *testing.T) {
	f := newFeed(t, memory.New(0), feed.Options{})
	_, _, url := serveOn(t, f, socketio.Options{})
	by := map[string]func() *client{
		"f": func() *client {
			c := connect(t, url, 4)
			c.registerWith("Ann", withAnn)
			return c
		},
		"the handshake":              func() *client { return connectWith(t, url, 4, withAnn) },
		"the handshake, with a name": func() *client { return connectWith(t, url, 4, `{"name":"Carl",`+withAnn[1:]) },
		"the handshake, and again by f": func() *client {
			c := connectWith(t, url, 4, withAnn)
			c.registerWith("Ann", withAnn)
			return c
		},
	}
	for how, connected := range by {
		c := connected()
		c.send(fmt.Sprintf(`21["message",%s,{"id":"x"}]`, sameMessage))
		if got := c.next(); !strings.HasPrefix(got, `31[{"offset":1,`) {
			t.Errorf("by %s it is answered %s", how, got)
		}
		c.conn.Close()
	}
	c := by["the handshake"]()
	if got := c.get("message", otherMessage, `{"id":"x"}`); got.code() != "id_taken" {
		t.Errorf("other data is answered %+v", got)
	}
	page, _ := f.RecentBefore(0, 10, 1<<20)
	for _, e := range page {
		if strings.Contains(e.Owner+e.Key+e.ID, secretOfAnn) {
			t.Error("the secret is kept")
		}
	}
}

// Names are no secrets: who comes under the name of another takes none of the ids.
func TestNobodyTakesTheIDsOfAnother(t *testing.T) {
	_, _, url := serve(t)
	eve := connectWith(t, url, 4, `{"name":"Ann"}`)
	eve.get("message", otherMessage, `{"id":"x"}`)
	liar := connectWith(t, url, 4, `{"name":"Ann","secret":"`+secretOfEve+`"}`)
	liar.get("message", otherMessage, `{"id":"x"}`)

	for n, auth := range []string{`{"name":"Ann"}`, `{"name":"Ann",` + withAnn[1:]} {
		ann := connectWith(t, url, 4, auth)
		first := ann.get("message", sameMessage, `{"id":"x"}`)
		if first.Offset != uint64(3+n) || first.Error != nil {
			t.Errorf("with %s she is answered %+v", auth, first)
		}
		again := connectWith(t, url, 4, auth) // as clients with retries do
		if got := again.get("message", sameMessage, `{"id":"x"}`); got.Offset != first.Offset || got.At != first.At {
			t.Errorf("again, with %s she is answered %+v", auth, got)
		}
	}
}

func TestABadSecretIsRefused(t *testing.T) {
	_, _, url := serve(t)
	c := connect(t, url, 4)
	for _, secret := range []string{`"short"`, `5`, `{}`, `"` + strings.Repeat("x", 129) + `"`} {
		if got := c.registerWith("Ann", `{"secret":`+secret+`}`); got.Error == nil || got.Error.Code != "bad_options" {
			t.Errorf("%s is answered %+v", secret, got)
		}
	}
	c.registerWith("Ann", withAnn)
	for options, refused := range map[string]bool{withAnn: false, `null`: false,
		`{"secret":"` + secretOfEve + `"}`: true} {
		if got := c.registerWith("Ann", options); (got.Error != nil) != refused {
			t.Errorf("then %s is answered %+v", options, got)
		}
	}
	late := connect(t, url, 4)
	late.register("Bob")
	if got := late.registerWith("Bob", withAnn); got.Error == nil {
		t.Errorf("a secret that comes late is answered %+v", got)
	}
}
