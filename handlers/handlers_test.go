package handlers_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/server/socketio"
)

// inBothVersions runs a test for clients of both revisions of Engine.IO.
func inBothVersions(t *testing.T, test func(t *testing.T, version int)) {
	for _, version := range []int{3, 4} {
		t.Run(fmt.Sprint("EIO", version), func(t *testing.T) { test(t, version) })
	}
}

func TestAGoodNameIsRegistered(t *testing.T) {
	_, _, url := serve(t)
	for _, one := range []struct{ sent, taken string }{
		{"A", "A"},
		{"Ann", "Ann"},
		{"  Ann Lee \t\r\n", "Ann Lee"},
		{"\u3000小明\u00a0", "小明"},
		{strings.Repeat("x", 64), strings.Repeat("x", 64)},
		{"  " + strings.Repeat("🙂", 64) + "  ", strings.Repeat("🙂", 64)},
		{"👩‍👩‍👧", "👩‍👩‍👧"},
		{`<b>"&'`, `<b>"&'`},
		{"__proto__", "__proto__"},
	} {
		c := connect(t, url, 4)
		if got := c.register(one.sent); got.Name != one.taken || got.Error != nil {
			t.Errorf("%q is taken as %q, %v", one.sent, got.Name, got.Error)
		}
	}
}

func TestABadNameIsNotRegistered(t *testing.T) {
	_, _, url := serve(t)
	listener := connect(t, url, 4)
	listener.register("listener")
	for name, args := range map[string][]string{
		"empty":                       {`""`},
		"spaces":                      {`"  \t\n "`},
		"spaces of other scripts":     {`"\u3000\u00a0\u2003"`},
		"65 characters":               {`"` + strings.Repeat("x", 65) + `"`},
		"65 characters of many bytes": {`"` + strings.Repeat("🙂", 65) + `"`},
		"a NUL":                       {`"a\u0000b"`},
		"a bell at the end":           {`"a\u0007"`},
		"a newline inside":            {`"a\nb"`},
		"DEL":                         {`"a\u007f"`},
		"a C1 control":                {`"a\u0081b"`},
		"a number":                    {`1`},
		"null":                        {`null`},
		"a list":                      {`["Ann"]`},
		"an object":                   {`{"name":"Ann"}`},
		"a truth":                     {`true`},
		"nothing":                     {},
	} {
		t.Run(name, func(t *testing.T) {
			inBothVersions(t, func(t *testing.T, version int) {
				c := connect(t, url, version)
				var got presence
				if err := json.Unmarshal([]byte(c.ask("f", args...)), &got); err != nil {
					t.Fatal(err)
				}
				if got.Error == nil || got.Error.Code != "bad_name" || got.Error.Message == "" || got.Name != "" {
					t.Errorf("the answer is %+v", got)
				}
				c.ask("message", `"who am I?"`)
				if _, m := listener.news(); m.From != "" {
					t.Errorf("the news come from %q", m.From)
				}
			})
		})
	}
	c := connect(t, url, 4)
	c.send(`51-1["f",{"_placeholder":true,"num":0}]`, "Ann")
	if got := c.next(); !strings.HasPrefix(got, `31[{"error":{"code":"bad_name"`) {
		t.Errorf("a binary name is answered %s", got)
	}
	if got := c.register("good"); got.Count != 2 {
		t.Errorf("%d are registered", got.Count)
	}
}

// A bad name changes nothing for one who has a good one.
func TestABadNameLeavesTheGoodOne(t *testing.T) {
	_, _, url := serve(t)
	c := connect(t, url, 4)
	c.register("Ann")
	if got := c.register(" "); got.Error == nil {
		t.Error("an empty name is taken")
	}
	c.ask("message", `1`)
	if _, m := c.news(); m.From != "Ann" {
		t.Errorf("the news come from %q", m.From)
	}
}

func TestTheAnswerTellsWhoIsHere(t *testing.T) {
	_, _, url := serve(t)
	a, b, again := connect(t, url, 4), connect(t, url, 3), connect(t, url, 4)
	if got := a.register("Ann"); got.Count != 1 || !slices.Equal(got.Names, []string{"Ann"}) || got.ID == "" {
		t.Errorf("the first hears %+v", got)
	}
	if got := b.register("Bob"); got.Count != 2 || !slices.Equal(got.Names, []string{"Ann", "Bob"}) {
		t.Errorf("the second hears %+v", got)
	}
	first := again.register("Ann") // two sockets may carry one name
	if first.Count != 3 || !slices.Equal(first.Names, []string{"Ann", "Bob", "Ann"}) {
		t.Errorf("her second window hears %+v", first)
	}
	renamed := a.register("Anna")
	if renamed.Count != 3 || !slices.Equal(renamed.Names, []string{"Anna", "Bob", "Ann"}) || renamed.Name != "Anna" {
		t.Errorf("renamed, she hears %+v", renamed)
	}
	if renamed.ID == first.ID {
		t.Error("two sockets of one name have one id")
	}
	raw := again.ask("f", `"Ann"`)
	if want := fmt.Sprintf(`{"name":"Ann","id":%q,"count":3,"names":["Anna","Bob","Ann"],"first":1,"offset":0}`,
		first.ID); raw != want {
		t.Errorf("the answer is %s, want %s", raw, want)
	}
	again.ask("message", `"hi"`)
	for _, c := range []*client{a, b, again} {
		if _, m := c.news(); m.From != "Ann" || m.ID != first.ID {
			t.Errorf("the news come from %+v", m)
		}
	}
}

func TestTheAnswerHasAHundredNamesAtMost(t *testing.T) {
	_, _, url := serve(t)
	var last presence
	for n := range 103 {
		last = connect(t, url, 4).register(fmt.Sprint("speaker ", n))
	}
	if last.Count != 103 || len(last.Names) != 100 || last.Names[0] != "speaker 0" || last.Names[99] != "speaker 99" {
		t.Errorf("%d are here, and %d named: %q", last.Count, len(last.Names), last.Names)
	}
}

func TestWhoLeavesIsNotRegistered(t *testing.T) {
	for way, leave := range map[string]func(*client, *socketio.Server){
		"disconnect":                     func(c *client, _ *socketio.Server) { c.send("1") },
		"the connection is cut":          func(c *client, _ *socketio.Server) { c.conn.Close() },
		"a packet that can't be read":    func(c *client, _ *socketio.Server) { c.send("2[") },
		"the server disconnects":         func(_ *client, io *socketio.Server) { io.To("leaver").DisconnectSockets(false) },
		"the server closes the session":  func(_ *client, io *socketio.Server) { io.To("leaver").DisconnectSockets(true) },
		"it leaves right after its name": func(c *client, _ *socketio.Server) { c.send(`2["f","again"]`); c.send("1") },
	} {
		t.Run(way, func(t *testing.T) {
			inBothVersions(t, func(t *testing.T, version int) {
				_, io, url := serve(t)
				before := map[string]bool{}
				stays, goes := connect(t, url, 4), connect(t, url, version)
				hear := func(n int) { // joined behind the answer
					t.Helper()
					eventually(t, "they hear the news", func() bool { return len(io.To("speakers").Sockets()) == n })
				}
				stays.register("stays")
				hear(1)
				for _, s := range io.To("speakers").Sockets() {
					before[s.ID()] = true
				}
				goes.register("goes")
				hear(2)
				for _, s := range io.To("speakers").Sockets() {
					if !before[s.ID()] {
						s.Join("leaver")
					}
				}
				leave(goes, io)
				eventually(t, "one is left", func() bool { return stays.register("stays").Count == 1 })
				if got := stays.register("stays"); !slices.Equal(got.Names, []string{"stays"}) {
					t.Errorf("the names are %q", got.Names)
				}
				hear(1)
			})
		})
	}
}

func TestAMessageArrivesUnchangedAsNews(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		_, _, url := serve(t)
		speaker, listener := connect(t, url, version), connect(t, url, 4)
		id := speaker.register("Ann").ID
		listener.register("Bob")
		for _, data := range []string{
			`"Ann说:hello !"`, `""`, `"\u2028\ud83d\ude42 \/ \\n"`, `0`, `-1.50e+3`, `12345678901234567890.123456789`,
			`true`, `false`, `null`, `[]`, `{}`, `[1,[2,[3,null]]]`, `{"b":1,"a":{"b":[]},"b":2}`,
			`{"_placeholder":true,"num":0}`,
			`"` + strings.Repeat("long ", 50_000) + `"`,
		} {
			began := time.Now().UnixMilli()
			var receipt struct{ At int64 }
			if err := json.Unmarshal([]byte(speaker.ask("message", data)), &receipt); err != nil {
				t.Fatal(err)
			}
			for _, c := range []*client{speaker, listener} {
				got, m := c.news()
				if c.version == 3 && !strings.HasPrefix(data, "12345") {
					var a, b any // text beyond ASCII is escaped for them
					if json.Unmarshal([]byte(got), &a) != nil || json.Unmarshal([]byte(data), &b) != nil ||
						fmt.Sprint(a) != fmt.Sprint(b) {
						t.Errorf("EIO %d hears %.100s of %.100s", c.version, got, data)
					}
				} else if got != data {
					t.Errorf("EIO %d hears %.100s of %.100s", c.version, got, data)
				}
				if m.From != "Ann" || m.ID != id || m.At != receipt.At || m.At < began || m.At > time.Now().UnixMilli() {
					t.Errorf("the news say %+v, the receipt %+v", m, receipt)
				}
			}
		}
	})
}

func TestBinaryArrivesUnchangedAsNews(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		_, _, url := serve(t)
		speaker, listener := connect(t, url, version), connect(t, url, 4)
		listener.register("Bob")
		speaker.send(`51-["message",{"_placeholder":true,"num":0}]`, "\x00\xff\x80")
		if data, _ := listener.news(); data != `{"_placeholder":true,"num":0}` {
			t.Errorf("the data is %s", data)
		}
		if got := listener.next(); got != "\x00\xff\x80" {
			t.Errorf("the attachment is %q", got)
		}
		speaker.send(`52-["message",{"b":[{"_placeholder":true,"num":1}],"a":{"_placeholder":true,"num":0}},null,"ignored"]`,
			"one", "two")
		if data, _ := listener.news(); data != `{"b":[{"_placeholder":true,"num":0}],"a":{"_placeholder":true,"num":1}}` {
			t.Errorf("the data is %s", data)
		}
		if got := listener.next() + listener.next(); got != "twoone" {
			t.Errorf("the attachments are %q", got)
		}
	})
}

func TestAnUnregisteredSenderIsHeardAndHearsNothing(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		_, _, url := serve(t)
		sender, listener := connect(t, url, version), connect(t, url, version)
		listener.register("Bob")
		sender.send(`2["message","no ack"]`)
		if data, m := listener.news(); data != `"no ack"` || m.From != "" || m.ID == "" {
			t.Errorf("got %s, %+v", data, m)
		}
		listener.ask("message", `"from one who is registered"`)
		listener.news()
		var receipt struct{ At int64 }
		if err := json.Unmarshal([]byte(sender.ask("message", `"with ack"`)), &receipt); err != nil ||
			receipt.At == 0 { // ask fails if news come first
			t.Errorf("the receipt is %+v, %v", receipt, err)
		}
		_, first := listener.news()
		id := sender.register("Carl").ID
		if id != first.ID {
			t.Error("its id changes when it registers")
		}
	})
}

func TestAMessageWithoutDataIsRefused(t *testing.T) {
	_, _, url := serve(t)
	c := connect(t, url, 4)
	c.register("Ann")
	if got := c.ask("message"); got != `{"error":{"code":"bad_message","message":"a message needs data"}}` {
		t.Errorf("the answer is %s", got)
	}
	c.send(`2["message"]`)
	c.send(`2["f"]`)
	c.ask("message", `"fine"`)
	c.news()
}

// Whoever knows a session's id can speak for its client; a client on EIO 3 takes it for its socket's.
func TestTheIDThatOthersSeeOpensNothing(t *testing.T) {
	inBothVersions(t, func(t *testing.T, version int) {
		_, io, url := serve(t)
		c := connect(t, url, version)
		secrets := []string{c.sid}
		for _, s := range io.Sockets() {
			secrets = append(secrets, s.ID())
		}
		answer := c.ask("f", `"Ann"`)
		c.send(`2["message",1]`)
		news := c.next()
		for _, secret := range secrets {
			if secret == "" || strings.Contains(answer, secret) || strings.Contains(news, secret) {
				t.Errorf("%q is in %s or in %s", secret, answer, news)
			}
		}
		var p presence
		if err := json.Unmarshal([]byte(answer), &p); err != nil || len(p.ID) < 16 || !strings.Contains(news, p.ID) {
			t.Errorf("the id is %q", p.ID)
		}
	})
}

// The old page's script waits for the answer before it speaks; the answer comes before the news that follow it.
func TestAReceiptComesBeforeTheNews(t *testing.T) {
	_, _, url := serve(t)
	c := connect(t, url, 3)
	c.register("Ann")
	for range 50 {
		c.ask("message", `"x"`) // fails if the news come first
		c.news()
	}
}
