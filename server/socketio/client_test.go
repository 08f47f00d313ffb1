package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// A mode is a way in which a client reaches the server.
type mode struct {
	version   int    // of Engine.IO
	transport string // with " msgpack" behind it if the client's packets are MessagePack
}

func (m mode) String() string { return fmt.Sprintf("EIO%d-%s", m.version, m.transport) }

func (m mode) msgpack() bool { return strings.HasSuffix(m.transport, " msgpack") }

func (m mode) way() string { return strings.TrimSuffix(m.transport, " msgpack") }

var (
	socket4 = mode{4, "websocket"}
	socket3 = mode{3, "websocket"}
	poll4   = mode{4, "polling"}
	modes   = []mode{
		{4, "polling"}, {4, "jsonp"}, {4, "websocket"}, {4, "upgrade"},
		{3, "polling"}, {3, "jsonp"}, {3, "websocket"}, {3, "upgrade"},
		{4, "polling msgpack"}, {4, "websocket msgpack"}, {3, "jsonp msgpack"}, {3, "websocket msgpack"},
	}
)

// A packet is a Socket.IO packet as it stands on the wire: its text, and its attachments.
type packet struct {
	text        string // without the offset
	attachments [][]byte
	offset      string // of an event that has one
}

// A peer is a client that knows the protocols and nothing else: what a test sends, and no more, goes out.
type peer struct {
	t    testing.TB
	mode mode
	id   string      // of its socket in the main namespace; "" on EIO 3
	pid  string      // what it may have that socket back with
	seen string      // the offset of the last event that was taken
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
	if m.way() == "jsonp" {
		p.url += "&j=7"
	}
	if m.msgpack() && m.version == 3 {
		p.url += "&parser=msgpack"
	}
	var err error
	switch m.way() {
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
	p.readConnect(text)
}

// readConnect takes what the answer to CONNECT says on EIO 4.
func (p *peer) readConnect(text string) {
	p.t.Helper()
	var answer struct{ SID, PID string }
	if !strings.HasPrefix(text, "0{") || json.Unmarshal([]byte(text[1:]), &answer) != nil || answer.SID == "" {
		p.t.Fatalf("%v: %q is no CONNECT", p.mode, text)
	}
	p.id, p.pid = answer.SID, answer.PID
}

// next takes the next packet.
func (p *peer) next() packet {
	p.t.Helper()
	select {
	case got, ok := <-p.packets:
		if !ok {
			p.t.Fatalf("%v: the session has ended", p.mode)
		}
		if got.offset != "" {
			p.seen = got.offset
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
	p.sendAll(packet{text: text, attachments: attachments})
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
		if p.mode.msgpack() {
			all = append(all, engineMessage{true, packed(one)})
			continue
		}
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
