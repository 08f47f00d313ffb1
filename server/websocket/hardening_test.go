package websocket

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// Attacks that WebSocket servers have known. What they cost is counted in bytes allocated and kept; a bystander on
// the same server must be served all the while.

// A target is a server that echoes, and what it knows of its connections.
type target struct {
	t    *testing.T
	addr string
	open atomic.Int32 // connections
}

// An echoer is one connection's Handler.
type echoer struct{ conn *Conn }

func (e echoer) send(frame []byte) error {
	_, err := e.conn.Write([][]byte{frame}, time.Now().Add(patience))
	return err
}

func (e echoer) Message(binary bool, data []byte) error {
	op := OpText
	if binary {
		op = OpBinary
	}
	return e.send(AppendFrame(nil, op, data))
}

func (e echoer) Ping(data []byte) { _ = e.send(AppendFrame(nil, OpPong, data)) }
func (e echoer) Pong([]byte)      {}

// newTarget starts a server that answers violations as Read tells it to.
func newTarget(t *testing.T, o UpgradeOptions) *target {
	tg := &target{t: t}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := Upgrade(w, r, o)
		if err != nil {
			return
		}
		tg.open.Add(1)
		conn.Go(echoer{conn}, func(err error) {
			if violation, ok := errors.AsType[*ProtocolError](err); ok {
				_ = echoer{conn}.send(AppendClose(nil, violation.Code, violation.Message))
			}
			conn.Shutdown(patience)
			tg.open.Add(-1)
		})
	}))
	tg.addr = server.Listener.Addr().String()
	t.Cleanup(func() {
		server.Close()
		waitFor(t, "the connections have ended", func() bool { return tg.open.Load() == 0 })
	})
	return tg
}

// dial sends a handshake and whatever is to follow it in the same segment.
func (tg *target) dial(behind []byte, headers ...string) (net.Conn, *bufio.Reader, *http.Response) {
	tg.t.Helper()
	conn, err := net.Dial("tcp", tg.addr)
	if err != nil {
		tg.t.Fatal(err)
	}
	tg.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(append([]byte(handshakeRequest(headers...)), behind...)); err != nil {
		tg.t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		tg.t.Fatal("no answer to the handshake:", err)
	}
	return conn, in, response
}

// attack opens a connection, sends what it may, and checks the close code that it is answered with.
func (tg *target) attack(name string, stream []byte, want CloseCode, headers ...string) {
	tg.t.Helper()
	conn, in, response := tg.dial(nil, headers...)
	if response.StatusCode != http.StatusSwitchingProtocols {
		tg.t.Fatalf("%s: the handshake was answered with %s", name, response.Status)
	}
	_, _ = conn.Write(stream) // the server may hang up in the middle of it
	if err := readClose(in); err != want {
		tg.t.Errorf("%s: the client was told %v, want %v", name, err, want)
	}
	conn.Close()
}

// readClose reads until the server's close frame.
func readClose(in *bufio.Reader) CloseCode {
	for {
		h, err := ws.ReadHeader(in)
		if err != nil {
			return 0
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(in, payload); err != nil {
			return 0
		}
		if h.OpCode == ws.OpClose && len(payload) >= 2 {
			return CloseCode(payload[0])<<8 | CloseCode(payload[1])
		}
	}
}

// A bystander is a client who has nothing to do with an attack.
type bystander struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (tg *target) bystander() *bystander {
	conn, in, _ := tg.dial(nil)
	return &bystander{tg.t, conn, in}
}

func (b *bystander) expectUnharmed() {
	b.t.Helper()
	b.conn.SetDeadline(time.Now().Add(patience))
	_, _ = b.conn.Write(text("are you there?"))
	want := AppendFrame(nil, OpText, []byte("are you there?"))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(b.in, got); err != nil || !bytes.Equal(got, want) {
		b.t.Errorf("a bystander heard %q, %v", got, err)
	}
}

// allocated returns the bytes that the process has allocated while f ran.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// kept returns the bytes in use once the garbage is gone, pools' included.
func kept() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// ws before 7.4.6 took time in the square of the spaces in Sec-WebSocket-Protocol. A header of 32 kB of them, in any
// field that is read, must be answered, and looked at without a copy.
func TestCVE_2021_32640_SpacesInAHeaderCostNothing(t *testing.T) {
	spaces := "b" + strings.Repeat(" ", 32<<10) + "x"
	values := []string{spaces, strings.ReplaceAll(spaces, " ", "\t"), strings.ReplaceAll(spaces, "  ", " ,"), strings.ReplaceAll(spaces, "  ", ";=")}
	for _, value := range values {
		lists, spoken := []string{value}, &UpgradeOptions{Subprotocols: []string{"v1"}}
		if n := testing.AllocsPerRun(10, func() { hasToken(lists, "websocket"); spoken.subprotocol(lists); acceptDeflate(lists) }); n > 0 {
			t.Errorf("%.10q: %v allocations", value, n)
		}
	}
	tg := newTarget(t, UpgradeOptions{Compression: true, Subprotocols: []string{"b"}})
	near := tg.bystander()
	for _, field := range []string{"Sec-WebSocket-Protocol: ", "Sec-WebSocket-Extensions: ", "Sec-WebSocket-Extensions: permessage-deflate;", "Connection: ", "Upgrade: "} {
		for _, value := range values {
			conn, _, response := tg.dial(nil, field+value)
			if response.StatusCode != http.StatusSwitchingProtocols {
				t.Errorf("%s: %s", field, response.Status)
			}
			conn.Close()
		}
	}
	near.expectUnharmed()
}

// ws before 8.17.1 died of a handshake with so many headers that the parser dropped the one named Upgrade. All must
// be seen, or the request be refused; and what they were must not be kept with the connection.
func TestCVE_2024_37890_ThousandsOfHeadersAreTakenOrRefused(t *testing.T) {
	tg := newTarget(t, UpgradeOptions{Compression: true})
	near := tg.bystander()
	many := make([]string, 2000)
	for i := range many {
		many[i] = fmt.Sprintf("X-%d: %d", i, i)
	}
	before := kept()
	var all []net.Conn
	for range 20 {
		conn, _, response := tg.dial(text("hello"), many...)
		if response.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal("2,000 headers:", response.Status)
		}
		all = append(all, conn)
	}
	if grown := kept() - before; grown > 20*16<<10 { // the client's reader of 4 kB among it; the headers take 200 kB each
		t.Errorf("%d bytes are kept for 20 connections", grown)
	}
	for i := range many {
		many[i] = fmt.Sprintf("X-%d: %s", i, strings.Repeat("x", 1000))
	}
	if _, _, response := tg.dial(nil, many...); response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Error("2 MB of headers:", response.Status)
	}
	near.expectUnharmed()
	for _, conn := range all {
		conn.Close()
	}
}

// ws before 8.21 kept far more for each fragment than its bytes, so that a message of one-byte fragments filled the
// memory under its limit. Fragments over the limit must end the connection, and those under it cost no more than some
// times their bytes.
func TestCVE_2026_48779_AMillionFragmentsEndTheConnectionEarly(t *testing.T) {
	tg := newTarget(t, UpgradeOptions{Compression: true})
	near, before := tg.bystander(), kept()
	one := clientFrame(false, 0, OpContinuation, "a")
	for name, first := range map[string][]byte{
		"text": clientFrame(false, 0, OpText, "a"), "binary": clientFrame(false, 0, OpBinary, ""), "compressed": clientFrame(false, 4, OpText, "a"),
	} {
		stream := join(first, bytes.Repeat(one, 1_000_000))
		cost := allocated(func() {
			tg.attack(name, stream, ClosePolicyViolation, "Sec-WebSocket-Extensions: permessage-deflate")
		})
		if cost > 4<<20 { // most of it buffers, which under the race detector pools forget at random
			t.Errorf("%s: %d bytes were allocated", name, cost)
		}
	}
	message := join(clientFrame(false, 0, OpBinary, "a"), bytes.Repeat(one, 1022), clientFrame(true, 0, OpContinuation, "a"))
	p, stream := newParser(ReadLimits{}, false), bytes.Repeat(message, 100)
	cost := allocated(func() {
		if err := p.feed(stream, &counter{}); err != nil {
			t.Error(err)
		}
	})
	most := len(stream)
	if raceEnabled {
		most *= 4 // pools forget at random
	}
	if cost > most {
		t.Errorf("%d bytes were allocated for %d in fragments of one", cost, len(stream))
	}
	if grown := kept() - before; grown > 8<<20 { // the streams
		t.Errorf("%d bytes are kept", grown)
	}
	near.expectUnharmed()
}

// A counter is a Handler that keeps nothing.
type counter struct{ messages int }

func (c *counter) Message(bool, []byte) error { c.messages++; return nil }
func (c *counter) Ping([]byte)                {}
func (c *counter) Pong([]byte)                {}

// ws before 8.21.1 waited for ever for the last fragment of a message, and kept those that it had. The time for a
// message is counted from its first byte, whatever else comes.
func TestCVE_2026_62389_AMessageWithoutEndEndsItsConnection(t *testing.T) {
	tg := newTarget(t, UpgradeOptions{Compression: true, Limits: ReadLimits{FragmentTimeout: 300 * time.Millisecond, MaxFragments: 1 << 30}})
	near := tg.bystander()
	for name, stream := range map[string]struct{ first, more []byte }{
		"silence":       {clientFrame(false, 0, OpText, "a"), nil},
		"empty frames":  {clientFrame(false, 0, OpText, ""), clientFrame(false, 0, OpContinuation, "")},
		"fragments":     {clientFrame(false, 0, OpBinary, "a"), clientFrame(false, 0, OpContinuation, "a")},
		"compressed":    {clientFrame(false, 4, OpText, "a"), clientFrame(false, 0, OpContinuation, "a")},
		"pings between": {clientFrame(false, 0, OpText, "a"), clientFrame(true, 0, OpPing, "ping")},
		"one frame":     {clientHeader(OpBinary, 900_000), []byte("a")},
		"half a header": {text("a")[:3], nil},
	} {
		conn, in, _ := tg.dial(nil, "Sec-WebSocket-Extensions: permessage-deflate")
		conn.Write(stream.first)
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() { // ends with stop, or when the server has hung up
			defer close(stopped)
			for tick := time.Tick(10 * time.Millisecond); ; {
				if _, err := conn.Write(stream.more); err != nil {
					return
				}
				select {
				case <-stop:
					return
				case <-tick:
				}
			}
		}()
		if code := readClose(in); code != ClosePolicyViolation {
			t.Errorf("%s: the client was told %v", name, code)
		}
		close(stop)
		<-stopped
		conn.Close()
	}
	near.expectUnharmed()
}

// gorilla/websocket before 1.4.1 added up lengths without a look at the sign, and then read for ever. Each length
// that is too large, also one that becomes so by what came before it, must end the connection before a byte of it is
// waited for.
func TestCVE_2020_27813_NoLengthOverflows(t *testing.T) {
	tg := newTarget(t, UpgradeOptions{Compression: true})
	near, before := tg.bystander(), kept()
	begun := join(clientFrame(false, 0, OpBinary, "some"))
	for length, code := range map[uint64]CloseCode{
		1_000_001: CloseTooBig, 1<<31 - 1: CloseTooBig, 1 << 31: CloseTooBig, 1<<32 - 1: CloseTooBig, 1 << 32: CloseTooBig, 1<<62 + 1: CloseTooBig,
		1<<63 - 5: CloseTooBig, 1<<63 - 1: CloseTooBig, 1 << 63: CloseProtocolError, 1<<64 - 1: CloseProtocolError, 1<<64 - 4: CloseProtocolError,
		125: CloseProtocolError, // not in its shortest form
	} {
		for name, frame := range map[string][]byte{
			"text": {0x81, 0xff}, "compressed": {0xc1, 0xff}, "fragment": {0x01, 0xff}, "continuation": join(begun, []byte{0x80, 0xff}),
		} {
			for shift := 56; shift >= 0; shift -= 8 {
				frame = append(frame, byte(length>>shift))
			}
			limit := code
			if length == 1_000_001 && name == "compressed" {
				continue // before inflating it may be a little larger
			}
			tg.attack(fmt.Sprint(name, " ", length), append(frame, 1, 2, 3, 4), limit, "Sec-WebSocket-Extensions: permessage-deflate")
		}
	}
	waitFor(t, "the attackers are gone", func() bool { return tg.open.Load() == 1 })
	if grown := kept() - before; grown > 1<<20 {
		t.Errorf("%d bytes are kept", grown)
	}
	near.expectUnharmed()
}

// nats-server before 2.12.3 counted the bytes of a compressed message and not what they became. It must stop to
// inflate behind the limit, in a message of one frame or many, and keep nothing.
func TestCVE_2026_27571_ACompressedMessageInflatesToItsLimitAndNoFurther(t *testing.T) {
	const limit = 100_000
	tg := newTarget(t, UpgradeOptions{Compression: true, Limits: ReadLimits{MaxMessage: limit}})
	near, before := tg.bystander(), kept()
	bomb := clientDeflate(strings.Repeat("\x00", 8<<20)) // 8 kB
	var pieces []byte
	for i := 0; i < len(bomb); i += 100 {
		op, rsv, end := OpContinuation, byte(0), min(i+100, len(bomb))
		if i == 0 {
			op, rsv = OpBinary, 4
		}
		pieces = append(pieces, clientFrame(end == len(bomb), rsv, op, bomb[i:end])...)
	}
	for name, stream := range map[string][]byte{"one frame": clientFrame(true, 4, OpBinary, bomb), "many frames": pieces} {
		cost := allocated(func() { tg.attack(name, stream, CloseTooBig, "Sec-WebSocket-Extensions: permessage-deflate") })
		if cost > 10*limit {
			t.Errorf("%s: %d bytes were allocated for a limit of %d", name, cost, limit)
		}
	}
	waitFor(t, "the attackers are gone", func() bool { return tg.open.Load() == 1 })
	if grown := kept() - before; grown > 1<<20 {
		t.Errorf("%d bytes are kept", grown)
	}
	near.expectUnharmed()
}

// ws before 1.0.1 answered pings from memory that it had not written to. A pong has the ping's bytes, and no others.
func TestCVE_2016_10518_APongHasThePingsBytesAndNoOthers(t *testing.T) {
	tg := newTarget(t, UpgradeOptions{})
	for _, payload := range []string{"", "1000", strings.Repeat("\x00", 125)} {
		conn, in, _ := tg.dial(clientFrame(true, 0, OpPing, payload))
		want := AppendFrame(nil, OpPong, []byte(payload))
		got := make([]byte, len(want))
		if _, err := io.ReadFull(in, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q was answered with %q, %v", payload, got, err)
		}
		conn.Close()
	}
	tg.attack("a ping over its limit", clientHeader(OpPing, 126), CloseProtocolError)
}
