package socketio_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/crier/crier/server/socketio"
)

// patience is how long a test waits for what should come at once.
const patience = 20 * time.Second

// serve starts a server that ends, and is checked to have ended in order, with the test.
func serve(t testing.TB, o socketio.Options) (*socketio.Server, string) {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	io, err := socketio.New(o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(io)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := io.Close(ctx); err != nil {
			t.Error("the server did not close in order:", err)
		}
		web.Close()
	})
	return io, web.URL + "/socket.io/"
}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within ", patience, ": ", what)
		}
	}
}

// receive takes what should come on a channel.
func receive[T any](t testing.TB, from <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatal("not within ", patience, ": ", what)
	}
	return v
}

// A logBook keeps what a server logs.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// Write is called by the logger.
func (b *logBook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(line)
}

func (b *logBook) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// A journal keeps what happened, in order.
type journal struct {
	mu      sync.Mutex
	entries []string
}

func (j *journal) note(what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, what)
}

// read returns what has happened since it was last read, with commas between.
func (j *journal) read() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := strings.Join(j.entries, ", ")
	j.entries = nil
	return all
}

// A mode is a way in which a client reaches the server.
type mode struct {
	version   int // of Engine.IO
	transport string
}

func (m mode) String() string { return fmt.Sprintf("EIO%d-%s", m.version, m.transport) }

var (
	socket4 = mode{4, "websocket"}
	socket3 = mode{3, "websocket"}
	poll4   = mode{4, "polling"}
	modes   = []mode{
		{4, "polling"}, {4, "jsonp"}, {4, "websocket"}, {4, "upgrade"},
		{3, "polling"}, {3, "jsonp"}, {3, "websocket"}, {3, "upgrade"},
	}
)

// A packet is a Socket.IO packet as it stands on the wire: its text, and its attachments.
type packet struct {
	text        string
	attachments [][]byte
}

// An engineMessage is an Engine.IO packet: its text with the type's digit, or the bytes of a binary message.
type engineMessage struct {
	binary bool
	data   []byte
}

func (m engineMessage) String() string { return string(m.data) }

// A peer is a client that knows the protocols and nothing else: what a test sends, and no more, goes out.
type peer struct {
	t    testing.TB
	mode mode
	id   string      // of its socket in the main namespace; "" on EIO 3
	sid  string      // of its session
	mute atomic.Bool // leaves the server's pings unanswered

	url     string
	dial    dialer
	http    *http.Client
	ctx     context.Context
	cancel  context.CancelFunc
	conn    net.Conn // nil while on long-polling
	from    io.ReadWriter
	started bool
	packets chan packet // what has come, without heartbeats; closed at the end of the session
	partial *packet
	missing int // attachments of partial
}

// dial opens a session.
func dial(t testing.TB, url string, m mode) *peer {
	t.Helper()
	p := open(t, url, m)
	p.start()
	return p
}

// open opens a session in which nothing is read until start.
func open(t testing.TB, url string, m mode) *peer {
	t.Helper()
	return openOver(t, new(net.Dialer).DialContext, url, m)
}

// A dialer makes connections.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func openOver(t testing.TB, d dialer, url string, m mode) *peer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &peer{
		t: t, mode: m, ctx: ctx, cancel: cancel, packets: make(chan packet, 1<<12),
		url:  fmt.Sprintf("%s?EIO=%d&t=%s", url, m.version, "Pxyz"),
		http: &http.Client{Transport: &http.Transport{DialContext: d}}, dial: d,
	}
	t.Cleanup(p.close)
	if m.transport == "jsonp" {
		p.url += "&j=7"
	}
	var err error
	switch m.transport {
	case "websocket":
		err = p.openSocket("")
	case "upgrade":
		if err = p.openPolling(); err == nil {
			err = p.upgrade()
		}
	default:
		err = p.openPolling()
	}
	if err != nil {
		t.Fatal(m, ": ", err)
	}
	return p
}

func (p *peer) start() {
	p.started = true
	if p.conn != nil {
		go p.readSocket() // ends with the connection
	} else {
		go p.readPolls() // ends with the session
	}
}

// join opens a session and connects to the main namespace.
func join(t testing.TB, url string, m mode) *peer {
	t.Helper()
	p := dial(t, url, m)
	if m.version == 4 {
		p.send(`0`)
	}
	p.connected()
	return p
}

// connected takes the answer to the main namespace's CONNECT.
func (p *peer) connected() {
	p.t.Helper()
	text := p.next().text
	if p.mode.version == 3 {
		if text != "0" {
			p.t.Fatalf("%v: %q is no CONNECT", p.mode, text)
		}
		return
	}
	var answer struct{ SID string }
	if !strings.HasPrefix(text, "0{") || json.Unmarshal([]byte(text[1:]), &answer) != nil || answer.SID == "" {
		p.t.Fatalf("%v: %q is no CONNECT", p.mode, text)
	}
	p.id = answer.SID
}

// next takes the next packet.
func (p *peer) next() packet {
	p.t.Helper()
	select {
	case got, ok := <-p.packets:
		if !ok {
			p.t.Fatalf("%v: the session has ended", p.mode)
		}
		return got
	case <-time.After(patience):
		p.t.Fatalf("%v: no packet within %v", p.mode, patience)
	}
	panic("unreachable")
}

// expect takes the next packets, which must be these.
func (p *peer) expect(texts ...string) {
	p.t.Helper()
	for _, want := range texts {
		if got := p.next().text; got != want {
			p.t.Fatalf("%v: got  %.300s\nwant %.300s", p.mode, got, want)
		}
	}
}

// ended waits for the end of the session and returns what came before it.
func (p *peer) ended() (last []string) {
	p.t.Helper()
	for timeout := time.After(patience); ; {
		select {
		case got, ok := <-p.packets:
			if !ok {
				return last
			}
			last = append(last, got.text)
		case <-timeout:
			p.t.Fatalf("%v: the session has not ended within %v", p.mode, patience)
		}
	}
}

// send sends one packet.
func (p *peer) send(text string, attachments ...[]byte) {
	p.t.Helper()
	p.sendAll(packet{text, attachments})
}

// sendAll sends packets, on long-polling in one request.
func (p *peer) sendAll(packets ...packet) {
	p.t.Helper()
	if err := p.trySend(packets...); err != nil {
		p.t.Errorf("%v: %v", p.mode, err)
	}
}

func (p *peer) trySend(packets ...packet) error {
	var all []engineMessage
	for _, one := range packets {
		all = append(all, engineMessage{data: []byte("4" + one.text)})
		for _, a := range one.attachments {
			all = append(all, engineMessage{true, a})
		}
	}
	return p.write(all...)
}

// leave ends the session as a client does that closes its engine.
func (p *peer) leave() { _ = p.write(engineMessage{data: []byte("1")}) }

// cut ends the connection without a word.
func (p *peer) cut() {
	p.cancel()
	if p.conn != nil {
		_ = p.conn.Close()
	}
}

func (p *peer) close() {
	if p.conn == nil && p.sid != "" {
		p.leave()
	}
	p.cut()
	for p.started { // until its reader has ended
		_, p.started = <-p.packets
	}
	p.http.CloseIdleConnections()
}

// The engine's part.

func (p *peer) openPolling() error {
	first, err := p.poll()
	if err == nil {
		err = p.begin(first)
	}
	return err
}

func (p *peer) openSocket(sid string) error {
	at := strings.Replace(p.url, "http", "ws", 1) + "&transport=websocket" + sid
	conn, early, _, err := ws.Dialer{NetDial: p.dial}.Dial(p.ctx, at)
	if err != nil {
		return err
	}
	p.conn, p.from = conn, reader(conn, early)
	if sid != "" {
		return nil
	}
	first, err := p.readFrame()
	if err == nil {
		err = p.begin([]engineMessage{first})
	}
	return err
}

// begin takes the OPEN packet, and what came with it.
func (p *peer) begin(first []engineMessage) error {
	var open struct{ SID string }
	if len(first) == 0 || first[0].data[0] != '0' || json.Unmarshal(first[0].data[1:], &open) != nil {
		return errors.New("the session does not begin with OPEN")
	}
	p.sid = open.SID
	for _, m := range first[1:] {
		p.take(m)
	}
	return nil
}

// upgrade moves from long-polling to WebSocket as the protocol's documents tell it.
func (p *peer) upgrade() error {
	polled := make(chan error, 1)
	var rest []engineMessage
	go func() { // ends with the poll, which the server answers when it sees the probe
		var err error
		rest, err = p.poll()
		polled <- err
	}()
	if err := p.openSocket("&sid=" + p.sid); err != nil {
		return err
	}
	p.writeFrame(engineMessage{data: []byte("2probe")})
	if m, err := p.readFrame(); err != nil || string(m.data) != "3probe" {
		return fmt.Errorf("%q answers the probe: %w", m.data, err)
	}
	if err := <-polled; err != nil {
		return err
	}
	for _, m := range rest {
		p.take(m)
	}
	return p.writeFrame(engineMessage{data: []byte("5")})
}

func (p *peer) readSocket() {
	defer close(p.packets)
	for {
		m, err := p.readFrame()
		if err != nil || p.take(m) != nil {
			return
		}
	}
}

func (p *peer) readPolls() {
	defer close(p.packets)
	for {
		messages, err := p.poll()
		if err != nil {
			return
		}
		for _, m := range messages {
			if p.take(m) != nil {
				return
			}
		}
	}
}

var errOver = errors.New("the server has closed the session")

// take takes one message from the server.
func (p *peer) take(m engineMessage) error {
	switch {
	case m.binary:
		p.partial.attachments = append(p.partial.attachments, m.data)
		p.missing--
	case m.data[0] == '1':
		return errOver
	case m.data[0] == '2' && !p.mute.Load():
		go p.write(engineMessage{data: []byte("3")}) // ends with its request
		return nil
	case m.data[0] == '4':
		p.partial = &packet{text: string(m.data[1:])}
		p.missing = announced(p.partial.text)
	default:
		return nil
	}
	if p.missing == 0 {
		p.packets <- *p.partial
	}
	return nil
}

// announced returns how many attachments a packet has.
func announced(text string) int {
	if text[0] != '5' && text[0] != '6' {
		return 0
	}
	digits, _, _ := strings.Cut(text[1:], "-")
	n, _ := strconv.Atoi(digits)
	return n
}

func (p *peer) write(messages ...engineMessage) error {
	if p.conn == nil {
		return p.post(messages)
	}
	for _, m := range messages {
		if err := p.writeFrame(m); err != nil {
			return err
		}
	}
	return nil
}

func (p *peer) writeFrame(m engineMessage) error {
	_, err := p.conn.Write(m.frame(p.mode.version))
	return err
}

// frame returns the message as a client's WebSocket frame.
func (m engineMessage) frame(version int) []byte {
	if !m.binary {
		return ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame(m.data)))
	}
	if version == 3 {
		m.data = append([]byte{4}, m.data...)
	}
	return ws.MustCompileFrame(ws.MaskFrame(ws.NewBinaryFrame(m.data)))
}

func (p *peer) readFrame() (engineMessage, error) {
	data, op, err := wsutil.ReadServerData(p.from)
	if op == ws.OpBinary && p.mode.version == 3 && len(data) > 0 {
		data = data[1:]
	}
	return engineMessage{op == ws.OpBinary, data}, err
}

func (p *peer) pollURL() string {
	at := p.url + "&transport=polling"
	if p.sid != "" {
		at += "&sid=" + url.QueryEscape(p.sid)
	}
	return at
}

func (p *peer) request(method, contentType string, body io.Reader) (http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(p.ctx, method, p.pollURL(), body)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Content-Type", contentType)
	answer, err := p.http.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d: %.200s", method, answer.StatusCode, got)
	}
	return answer.Header, got, err
}

func (p *peer) post(messages []engineMessage) error {
	var body strings.Builder
	for i, m := range messages {
		text := string(m.data)
		if m.binary {
			text = "b" + base64.StdEncoding.EncodeToString(m.data)
			if p.mode.version == 3 {
				text = "b4" + text[1:]
			}
		}
		if p.mode.version == 3 {
			text = fmt.Sprintf("%d:%s", len(utf16.Encode([]rune(text))), text)
		} else if i > 0 {
			body.WriteByte(0x1e)
		}
		body.WriteString(text)
	}
	if p.mode.transport != "jsonp" {
		_, _, err := p.request("POST", "text/plain;charset=UTF-8", strings.NewReader(body.String()))
		return err
	}
	form := strings.NewReplacer(`\n`, `\\n`, "\n", `\n`).Replace(body.String())
	_, _, err := p.request("POST", "application/x-www-form-urlencoded", strings.NewReader("d="+url.QueryEscape(form)))
	return err
}

var script = regexp.MustCompile(`(?s)^___eio\[7\]\((".*")\);$`)

func (p *peer) poll() (messages []engineMessage, err error) {
	h, body, err := p.request("GET", "", nil)
	if err != nil {
		return nil, err
	}
	if p.mode.transport == "jsonp" {
		call := script.FindSubmatch(body)
		var text string
		if call == nil || json.Unmarshal(call[1], &text) != nil {
			return nil, fmt.Errorf("%.100q is no call of the callback", body)
		}
		body = []byte(text)
	}
	switch {
	case p.mode.version == 4:
		for _, text := range bytes.Split(body, []byte{0x1e}) {
			messages = append(messages, fromText(text, 1))
		}
	case h.Get("Content-Type") == "application/octet-stream":
		return fromBinaryPayload(body)
	default:
		return fromTextPayload(string(body))
	}
	return messages, nil
}

// fromText decodes an Engine.IO packet in text, whose base64 form has a mark before it.
func fromText(text []byte, mark int) engineMessage {
	if text[0] != 'b' {
		return engineMessage{data: text}
	}
	data, err := base64.StdEncoding.DecodeString(string(text[mark:]))
	if err != nil {
		panic(err)
	}
	return engineMessage{true, data}
}

func fromTextPayload(body string) (messages []engineMessage, err error) {
	for units := utf16.Encode([]rune(body)); len(units) > 0; {
		colon := 0
		for units[colon] != ':' {
			colon++
		}
		n, err := strconv.Atoi(string(utf16.Decode(units[:colon])))
		if err != nil {
			return nil, err
		}
		units = units[colon+1:]
		messages = append(messages, fromText([]byte(string(utf16.Decode(units[:n]))), 2))
		units = units[n:]
	}
	return messages, nil
}

func fromBinaryPayload(body []byte) (messages []engineMessage, err error) {
	for len(body) > 0 {
		end, n := bytes.IndexByte(body, 0xff), 0
		for _, digit := range body[1:end] {
			n = n*10 + int(digit)
		}
		data := body[end+1 : end+1+n]
		if body[0] == 1 {
			messages = append(messages, engineMessage{true, data[1:]})
		} else {
			messages = append(messages, engineMessage{data: data})
		}
		body = body[end+1+n:]
	}
	return messages, nil
}
