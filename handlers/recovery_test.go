package handlers_test

import (
	"fmt"
	"slices"
	"testing"
)

// back comes back for the client's socket, from what news it has seen.
func (c *client) back(url string) *client {
	c.t.Helper()
	auth := fmt.Sprintf(`{"pid":%q}`, c.pid)
	if c.offset != "" {
		auth = fmt.Sprintf(`{"pid":%q,"offset":%q}`, c.pid, c.offset)
	}
	again := connectWith(c.t, url, c.version, auth)
	if again.pid != c.pid {
		c.t.Fatal("it is new")
	}
	again.offset = c.offset
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
