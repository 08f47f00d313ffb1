package handlers_test

import (
	"fmt"
	"slices"
	"testing"
)

// back comes back for the client's socket, from what news it has seen, and gets it.
func (c *client) back(url string) *client {
	c.t.Helper()
	again := c.again(url)
	if again.pid != c.pid {
		c.t.Fatal("it is new")
	}
	return again
}

// onward is back for a client that may not have seen all that it was told of what it missed: then it is new, and
// registers from where it was.
func (c *client) onward(url, name string) *client {
	c.t.Helper()
	again := c.again(url)
	if again.pid != c.pid {
		again.goesOn(name)
	}
	return again
}

// goesOn registers from where the client was.
func (c *client) goesOn(name string) {
	c.t.Helper()
	if p := c.registerWith(name, fmt.Sprintf(`{"since":%d}`, c.heard)); p.Complete == nil || !*p.Complete {
		c.t.Fatalf("since %d it is answered %+v", c.heard, p)
	}
}

func (c *client) again(url string) *client {
	c.t.Helper()
	auth := fmt.Sprintf(`{"pid":%q}`, c.pid)
	if c.offset != "" {
		auth = fmt.Sprintf(`{"pid":%q,"offset":%q}`, c.pid, c.offset)
	}
	again := connectWith(c.t, url, c.version, auth)
	again.offset, again.heard = c.offset, c.heard
	return again
}

func TestARecoveredSocketIsTheSpeakerThatItWas(t *testing.T) {
	_, _, url := serve(t)
	ann, bob := connect(t, url, 4), connect(t, url, 4)
	id := ann.register("Ann").ID
	bob.register("Bob")
	for range 3 {
		ann.conn.Close() // the server may know of it when she is back, or not
		bob.ask("message", `"missed"`)
		bob.news()
		ann = ann.back(url)
		if data, m := ann.news(); data != `"missed"` || m.From != "Bob" {
			t.Errorf("she hears %s from %q", data, m.From)
		}
		ann.ask("message", `"I am back"`)
		if data, m := bob.news(); data != `"I am back"` || m.From != "Ann" || m.ID != id {
			t.Errorf("%s comes from %q, %s; she is %s", data, m.From, m.ID, id)
		}
		ann.news()
		got := bob.register("Bob")
		slices.Sort(got.Names)
		if got.Count != 2 || !slices.Equal(got.Names, []string{"Ann", "Bob"}) {
			t.Errorf("the roll has %d names, %q", got.Count, got.Names)
		}
	}
}
