package handlers_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"go.uber.org/goleak"

	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

var quiet = slog.New(slog.DiscardHandler)

// serve starts the product with nothing around it, on a feed in memory.
func serve(t testing.TB) (room *handlers.Core, io *socketio.Server, url string) {
	t.Helper()
	return serveOn(t, newFeed(t, memory.New(0), feed.Options{}), socketio.Options{})
}

// newFeed returns a feed that is closed last.
func newFeed(t testing.TB, store feed.Store, o feed.Options) *feed.Log {
	t.Helper()
	o.Logger = quiet
	l, err := feed.New(store, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return l
}

// unhurried are options with which nobody is slowed: tests say in a moment what people say in an hour.
var unhurried = handlers.Options{MaxMessageRate: -1, MaxMessageByteRate: -1, MaxReadRate: -1}

// serveOn starts the product on a feed.
func serveOn(t testing.TB, f handlers.Feed, o socketio.Options) (room *handlers.Core, io *socketio.Server, url string) {
	t.Helper()
	return serveWith(t, f, o, unhurried)
}

// serveWith is serveOn with options for the handlers.
func serveWith(t testing.TB, f handlers.Feed, o socketio.Options, h handlers.Options) (room *handlers.Core,
	io *socketio.Server, url string) {
	t.Helper()
	if o.Logger == nil {
		o.Logger = quiet
	}
	io, err := socketio.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if h.Logger == nil {
		h.Logger = quiet
	}
	room = handlers.Register(io, f, h)
	web := httptest.NewServer(io)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := io.Close(ctx); err != nil {
			t.Error(err)
		}
		web.Close()
		_ = f.(interface{ Close(context.Context) error }).Close(ctx)
		room.Wait()
	})
	return room, io, strings.Replace(web.URL, "http", "ws", 1) + "/socket.io/"
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within ", patience, ": ", what)
		}
	}
}

// A client is a bare one on a WebSocket, of either revision of Engine.IO.
type client struct {
	t       testing.TB
	version int
	sid     string // of its session
	conn    net.Conn
	from    io.ReadWriter
	acks    int
	pid     string // what its socket can be had back with
	offset  string // of the last news, for recovery; "" on EIO 3
	heard   uint64 // the feed's offset of the last news
}

func connect(t testing.TB, url string, version int) *client {
	t.Helper()
	return connectWith(t, url, version, "")
}

// connectWith is connect with an auth; clients on EIO 3 have none.
func connectWith(t testing.TB, url string, version int, auth string) *client {
	t.Helper()
	conn, early, _, err := ws.Dial(t.Context(), fmt.Sprintf("%s?EIO=%d&transport=websocket", url, version))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &client{t: t, version: version, conn: conn, from: conn}
	if early != nil {
		c.from = struct {
			*bufio.Reader
			io.Writer
		}{early, conn}
	}
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(c.next()), &open); err != nil {
		t.Fatal(err)
	}
	c.sid = open.SID
	if version == 4 {
		c.send("0" + auth)
	}
	got := c.next()
	if !strings.HasPrefix(got, "0") {
		t.Fatalf("%q is no CONNECT", got)
	}
	var answer struct{ PID string }
	_ = json.Unmarshal([]byte(got[1:]), &answer) // empty on EIO 3
	c.pid = answer.PID
	return c
}

// next returns the next message without the digit of its Engine.IO type; bytes as they are.
func (c *client) next() string {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	data, op, err := wsutil.ReadServerData(c.from)
	if err != nil {
		c.t.Fatal(err)
	}
	if op == ws.OpText || c.version == 3 {
		data = data[1:]
	}
	return string(data)
}

func (c *client) send(text string, attachments ...string) {
	c.t.Helper()
	err := wsutil.WriteClientText(c.conn, []byte("4"+text))
	for _, a := range attachments {
		if c.version == 3 {
			a = "\x04" + a
		}
		if err == nil {
			err = wsutil.WriteClientBinary(c.conn, []byte(a))
		}
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// ask emits an event with an acknowledgement and returns its answer, which must be the next to come.
func (c *client) ask(event string, args ...string) string {
	c.t.Helper()
	c.acks++
	c.send(fmt.Sprintf(`2%d[%s]`, c.acks, strings.Join(append([]string{strconv.Quote(event)}, args...), ",")))
	got := c.next()
	answer, ok := strings.CutPrefix(got, fmt.Sprintf(`3%d[`, c.acks))
	if !ok {
		c.t.Fatalf("%s comes before the answer to %s", got, event)
	}
	return strings.TrimSuffix(answer, "]")
}

// A presence is what "f" is answered with.
type presence struct {
	Name  string
	ID    string
	Count int
	Names []string

	First    uint64
	Offset   uint64
	Complete *bool
	Next     uint64

	Error *socketio.Error
}

func (c *client) register(name string) (p presence) {
	c.t.Helper()
	quoted, err := json.Marshal(name)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(c.ask("f", string(quoted))), &p); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// A meta is the second argument of the news.
type meta struct {
	From   string
	ID     string
	At     int64
	Offset uint64
}

// news takes the next message, which must be news, and returns their data as it stands there.
func (c *client) news() (data string, m meta) {
	c.t.Helper()
	text := c.next()
	var args []json.RawMessage
	start := strings.IndexByte(text, '[')
	if start < 0 || json.Unmarshal([]byte(text[start:]), &args) != nil || len(args) != c.version ||
		string(args[0]) != `"news"` {
		c.t.Fatalf("%s is no news", text)
	}
	if c.version == 4 { // which have an offset behind the arguments
		_ = json.Unmarshal(args[3], &c.offset)
	}
	if err := json.Unmarshal(args[2], &m); err != nil {
		c.t.Fatal(err)
	}
	c.heard = m.Offset
	return string(args[1]), m
}
