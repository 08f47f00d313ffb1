package engineio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// A mode is a way for a client to be connected.
type mode struct {
	version   int
	transport string // "polling", "jsonp", "websocket", or "upgrade": from polling to WebSocket
}

func (m mode) String() string { return fmt.Sprintf("EIO%d/%s", m.version, m.transport) }

// polls says whether the mode stays on long-polling.
func (m mode) polls() bool { return m.transport == "polling" || m.transport == "jsonp" }

var modes = []mode{
	{3, "polling"}, {3, "jsonp"}, {3, "websocket"}, {3, "upgrade"},
	{4, "polling"}, {4, "jsonp"}, {4, "websocket"}, {4, "upgrade"},
}

// run runs f in every mode.
func run(t *testing.T, f func(t *testing.T, m mode)) {
	for _, m := range modes {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			f(t, m)
		})
	}
}

// A client speaks Engine.IO as a browser does, and does nothing on its own. Its methods fail the test when what must
// happen does not; those with an error leave it to the caller.
type client struct {
	t testing.TB
	mode
	house  *house
	http   *http.Client
	opened openPacket
	sid    string
	ws     *wire
	inbox  []packet // polled and not yet looked at
	header http.Header
}

// An openPacket is the data of an OPEN packet.
type openPacket struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

// stranger returns a client that has no session yet.
func (h *house) stranger(m mode) *client {
	transport := &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return h.line.Dial(ctx) },
		DisableCompression: true,
	}
	h.t.Cleanup(transport.CloseIdleConnections)
	return &client{t: h.t, mode: m, house: h, http: &http.Client{Transport: transport}, header: http.Header{}}
}

// connect opens a session in the given mode.
func (h *house) connect(m mode) *client {
	h.t.Helper()
	c := h.stranger(m)
	if m.transport == "websocket" {
		c.dial()
	}
	p := c.receive()
	if p.kind != '0' {
		h.t.Fatalf("the first packet is %+v, want OPEN", p)
	}
	if m.transport == "upgrade" {
		c.upgrade()
	}
	return c
}

// join opens a session and returns both of its sides.
func (h *house) join(m mode) (*client, *peer) {
	h.t.Helper()
	c := h.connect(m)
	return c, h.peer()
}

// address is where requests go; each extra is "name=value".
func (c *client) address(transport string, extra ...string) string {
	q := url.Values{"transport": {transport}, "EIO": {strconv.Itoa(c.version)}}
	if c.sid != "" {
		q.Set("sid", c.sid)
	}
	if transport == "polling" && c.transport == "jsonp" {
		q.Set("j", "0")
	}
	for _, e := range extra {
		name, value, _ := strings.Cut(e, "=")
		q.Set(name, value)
	}
	return "http://engine.test/engine.io/?" + q.Encode()
}

// An answer is an HTTP response, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request.
func (c *client) do(ctx context.Context, method, address, contentType, body string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body == "" {
		r.Body = http.NoBody
	}
	for name, values := range c.header {
		r.Header[name] = values
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(b)}, err
}

// get makes one poll.
func (c *client) get(ctx context.Context) ([]packet, error) {
	a, err := c.do(ctx, "GET", c.address("polling"), "", "")
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, fmt.Errorf("poll: status %d: %s", a.status, a.body)
	}
	return c.unpack(a)
}

func (c *client) unpack(a answer) ([]packet, error) {
	body := a.body
	if c.transport == "jsonp" {
		var err error
		if body, err = readScript("0", body); err != nil {
			return nil, err
		}
	}
	return decodePayload(c.version, a.header.Get("Content-Type") == "application/octet-stream", body)
}

// post sends packets over long-polling.
func (c *client) post(ctx context.Context, all ...packet) error {
	body, contentType := encodePayload(c.version, false, all), "text/plain;charset=UTF-8"
	switch {
	case c.transport == "jsonp":
		body, contentType = formBody(body), "application/x-www-form-urlencoded"
	case c.version == 3 && hasBinary(all):
		body, contentType = encodePayload(3, true, all), "application/octet-stream"
	}
	a, err := c.do(ctx, "POST", c.address("polling"), contentType, body)
	if err == nil && (a.status != http.StatusOK || a.body != "ok") {
		err = fmt.Errorf("post: status %d: %s", a.status, a.body)
	}
	return err
}

func hasBinary(all []packet) bool {
	for _, p := range all {
		if p.binary {
			return true
		}
	}
	return false
}

// send sends packets on the transport in use.
func (c *client) send(all ...packet) {
	c.t.Helper()
	if err := c.trySend(all...); err != nil {
		c.t.Fatal("the client cannot send:", err)
	}
}

func (c *client) trySend(all ...packet) error {
	if c.ws != nil {
		return c.ws.write(all...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.post(ctx, all...)
}

// say sends messages, as one payload on long-polling.
func (c *client) say(all ...message) {
	c.t.Helper()
	packets := make([]packet, len(all))
	for i, m := range all {
		packets[i] = m.packet()
	}
	c.send(packets...)
}

// receive returns the server's next packet. With OPEN the client has its session.
func (c *client) receive() packet {
	c.t.Helper()
	p, err := c.tryReceive()
	if err == nil && p.kind == '0' {
		err = json.Unmarshal([]byte(p.data), &c.opened)
		c.sid = c.opened.SID
	}
	if err != nil {
		c.t.Fatal("the client cannot receive:", err)
	}
	return p
}

func (c *client) tryReceive() (packet, error) {
	if len(c.inbox) == 0 && c.ws != nil {
		return c.ws.read()
	}
	if len(c.inbox) == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		var err error
		if c.inbox, err = c.get(ctx); err != nil {
			return packet{}, err
		}
	}
	p := c.inbox[0]
	c.inbox = c.inbox[1:]
	return p, nil
}

// hear returns the server's next message. Anything else in between, but NOOP, fails the test.
func (c *client) hear() message {
	c.t.Helper()
	for {
		switch p := c.receive(); p.kind {
		case '6':
		case '4':
			return message{p.binary, p.data}
		default:
			c.t.Fatalf("the client was sent %+v, want a message", p)
		}
	}
}

// expectFarewell checks that the client is told of the session's end: "1" on long-polling, a close frame with code on
// WebSocket.
func (c *client) expectFarewell(code int) {
	c.t.Helper()
	p, err := c.tryReceive()
	for err == nil && p.kind == '6' {
		p, err = c.tryReceive()
	}
	var closed closeError
	switch {
	case c.ws == nil && (err != nil || p.kind != '1'):
		c.t.Errorf("the client was told %+v, %v; want CLOSE", p, err)
	case c.ws != nil && (!errors.As(err, &closed) || closed.code != code):
		c.t.Errorf("the client was told %+v, %v; want close code %d", p, err, code)
	}
}

// patient returns a context that ends with the test's patience.
func patient(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
