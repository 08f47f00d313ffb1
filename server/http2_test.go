package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/crier/crier/config"
)

// What one HTTP/2 connection can do to a server, frame by frame.

// A framer is the client's end of a connection.
type framer struct {
	*http2.Framer

	t     *testing.T
	conn  *tls.Conn
	table bytes.Buffer
	pack  *hpack.Encoder
	host  string
}

func (r *running) framer(settings ...http2.Setting) *framer {
	r.t.Helper()
	own := r.tls.Clone()
	own.NextProtos = []string{"h2"}
	conn, err := tls.Dial("tcp", r.addr(), own)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.NetConn().Close() })
	conn.SetDeadline(time.Now().Add(patience))
	f := &framer{t: r.t, conn: conn, Framer: http2.NewFramer(conn, conn), host: r.addr()}
	f.pack = hpack.NewEncoder(&f.table)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		r.t.Fatal(err)
	}
	if err := f.WriteSettings(settings...); err != nil {
		r.t.Fatal(err)
	}
	return f
}

// ask opens a stream; end says that no body follows.
func (f *framer) ask(stream uint32, method, path string, end bool, fields ...hpack.HeaderField) error {
	f.table.Reset()
	for _, field := range append([]hpack.HeaderField{
		{Name: ":method", Value: method}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: f.host}, {Name: ":path", Value: path},
	}, fields...) {
		if err := f.pack.WriteField(field); err != nil {
			return err
		}
	}
	block, first := f.table.Bytes(), true
	for first || len(block) > 0 {
		part := block[:min(len(block), 16<<10)]
		block = block[len(part):]
		var err error
		if first {
			err = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: part, EndStream: end, EndHeaders: len(block) == 0})
		} else {
			err = f.WriteContinuation(stream, len(block) == 0, part)
		}
		if first = false; err != nil {
			return err
		}
	}
	return nil
}

// until reads frames until one is as wanted, or the connection ends.
func (f *framer) until(wanted func(http2.Frame) bool) (http2.Frame, error) {
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return nil, err
		}
		switch s := frame.(type) {
		case *http2.SettingsFrame:
			if !s.IsAck() {
				_ = f.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !s.IsAck() {
				_ = f.WritePing(true, s.Data)
			}
		}
		if wanted(frame) {
			return frame, nil
		}
	}
}

// status reads up to the answer to a stream.
func (f *framer) status(stream uint32) string { return f.statuses(stream)[stream] }

// statuses reads up to the answers to all of the streams, in whatever order they come.
func (f *framer) statuses(streams ...uint32) map[uint32]string {
	got := make(map[uint32]string)
	_, err := f.until(func(frame http2.Frame) bool {
		if headers, ok := frame.(*http2.MetaHeadersFrame); ok {
			got[headers.StreamID] = headers.PseudoValue("status")
		}
		return !slices.ContainsFunc(streams, func(stream uint32) bool { return got[stream] == "" })
	})
	for _, stream := range streams {
		if err != nil && got[stream] == "" {
			got[stream] = err.Error()
		}
	}
	return got
}

func TestAnHTTP2ConnectionIsToldItsBounds(t *testing.T) {
	r := start(t, secure(t))
	f := r.framer()
	frame, err := f.until(func(frame http2.Frame) bool {
		s, ok := frame.(*http2.SettingsFrame)
		return ok && !s.IsAck()
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[http2.SettingID]uint32{
		http2.SettingMaxConcurrentStreams: mostStreams,
		http2.SettingInitialWindowSize:    streamWindow,
		http2.SettingMaxFrameSize:         frameSize,
		http2.SettingMaxHeaderListSize:    uint32(r.server.config.MaxHeaderBytes) + 320,
	} {
		if got, ok := frame.(*http2.SettingsFrame).Value(id); !ok || got != want {
			t.Errorf("%v is %d, want %d", id, got, want)
		}
	}
	if v, ok := frame.(*http2.SettingsFrame).Value(http2.SettingEnableConnectProtocol); ok && v != 0 {
		t.Error("WebSockets over HTTP/2 are offered: browsers would try")
	}
}

// A stream past the bound is refused, and those that wait go on.
func TestOneConnectionHoldsNoMorePollsThanItMayHaveStreams(t *testing.T) {
	r := start(t, both(secure(t), func(c *config.Config) { c.MaxAddressRate = 1000 })).byHTTP2()
	f := r.framer()
	for i := range mostStreams + 1 {
		if err := f.ask(uint32(2*i+1), "GET", r.open("/socket.io/"), true); err != nil {
			t.Fatal(err)
		}
	}
	frame, err := f.until(func(frame http2.Frame) bool { _, ok := frame.(*http2.RSTStreamFrame); return ok })
	if err != nil || frame.Header().StreamID != 2*mostStreams+1 || frame.(*http2.RSTStreamFrame).ErrCode != http2.ErrCodeRefusedStream {
		t.Errorf("the stream too many: %v, %v", frame, err)
	}
	if got := r.metric(`crier_sessions{transport="polling"}`); got != fmt.Sprint(mostStreams+1) {
		t.Errorf("%s sessions are open: a poll on a shared connection is one like any other", got)
	}
}

func TestSessionsOnOneConnectionCountForTheirAddress(t *testing.T) {
	r := start(t, both(secure(t), func(c *config.Config) { c.MaxAddressSessions = 5 })).byHTTP2()
	for range 5 {
		r.open("/socket.io/")
	}
	if got := r.get(handshake); got.status != http.StatusTooManyRequests {
		t.Errorf("the sixth is answered with %d", got.status)
	}
}

// Streams that are opened and reset at once, as fast as a client can: the server stays what it was to others, and keeps
// nothing.
func TestStreamsThatAreResetAtOnceHarmNobody(t *testing.T) {
	r := start(t, both(secure(t), unhurried))
	near := r.guest("near")
	session := r.open("/socket.io/")
	r.get("/")
	before, goroutines := inUse(), runtime.NumGoroutine()
	for range 4 {
		f := r.framer()
		go io.Copy(io.Discard, f.conn) // ends with the connection
		for i := range 20_000 {
			stream := uint32(2*i + 1)
			path := "/"
			if i%2 == 0 {
				path = session
			}
			if f.ask(stream, "GET", path, true) != nil || f.WriteRSTStream(stream, http2.ErrCodeCancel) != nil {
				break // the server has had enough of it
			}
		}
		near.expectUnharmed()
		f.conn.NetConn().Close()
	}
	r.untilPatiently("their goroutines have ended", func() bool { return runtime.NumGoroutine() < goroutines+20 })
	r.untilPatiently("what they took is given back", func() bool { return inUse() < before+4<<20 })
}

// Over the network net/http may end such a connection first.
func TestWhoResetsTooManyStreamsIsHungUpOn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	all := newConnections(config.Default(), func(netip.Addr) bool { return false }, func(net.Addr, string) {})
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := all.listener(l, nil).Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s, served := new(Server), 0
	h := s.fewResets(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
	reset, cancel := context.WithCancel(context.WithValue(t.Context(), arrivalKey{}, &arrival{conn: conn}))
	cancel()
	stream := httptest.NewRequestWithContext(reset, "GET", "/", nil)
	stream.ProtoMajor = 2
	for range resetsAtOnce {
		h.ServeHTTP(httptest.NewRecorder(), stream)
	}
	if served != 0 || s.hungUp.Load() != 0 || all.count() != 1 {
		t.Errorf("of %d resets %d are served, %d hung up on", resetsAtOnce, served, s.hungUp.Load())
	}
	for end := time.Now().Add(patience); s.hungUp.Load() == 0 && time.Now().Before(end); { // a few a second are let pass
		h.ServeHTTP(httptest.NewRecorder(), stream)
	}
	if s.hungUp.Load() != 1 || all.count() != 0 {
		t.Errorf("%d are hung up on, %d connections are left", s.hungUp.Load(), all.count())
	}
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestHeadersPastTheirLimitsAreRefusedOnHTTP2Too(t *testing.T) {
	r := start(t, secure(t))
	f := r.framer()
	var large []hpack.HeaderField
	for i := range 40 {
		large = append(large, hpack.HeaderField{Name: fmt.Sprint("x-", i), Value: strings.Repeat("y", 1<<10)})
	}
	if err := f.ask(1, "GET", "/", true, large...); err != nil {
		t.Fatal(err)
	}
	if got := f.status(1); got != "431" && got != "EOF" { // what comes in more frames than may be ends the connection
		t.Errorf("40 KiB are answered with %s", got)
	}
	var many []hpack.HeaderField
	for i := range r.server.config.MaxHeaders + 1 {
		many = append(many, hpack.HeaderField{Name: fmt.Sprint("x-", i)})
	}
	g := r.framer()
	if err := g.ask(1, "GET", "/", true, many...); err != nil {
		t.Fatal(err)
	}
	if got := g.status(1); got != "431" {
		t.Errorf("%d fields are answered with %s", len(many), got)
	}
	// Headers that never end end the connection.
	h := r.framer()
	h.table.Reset()
	_ = h.pack.WriteField(hpack.HeaderField{Name: "x", Value: strings.Repeat("y", 8<<10)})
	_ = h.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: h.table.Bytes()})
	sent := 0
	for ; sent < 64<<20; sent += h.table.Len() {
		if h.WriteContinuation(1, false, h.table.Bytes()) != nil {
			break
		}
	}
	if sent >= 64<<20 {
		t.Errorf("%d bytes of headers are taken", sent)
	}
}

// A client that asks and asks, and reads nothing, holds one connection for a write timeout.
func TestAnHTTP2ClientThatReadsNothingIsCutOff(t *testing.T) {
	r := start(t, both(secure(t), func(c *config.Config) { c.WriteTimeout = 500 * time.Millisecond }))
	f := r.framer(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30})
	if err := f.WriteWindowUpdate(0, 1<<30); err != nil {
		t.Fatal(err)
	}
	for i := range 50_000 {
		if f.ask(uint32(2*i+1), "GET", "/socket.io/socket.io.js", true) != nil {
			break
		}
	}
	r.untilPatiently("the connection is closed", func() bool { return r.server.connections.count() <= 1 }) // the test's own is left
}

// A body that stands still holds its stream for the write timeout alone; the others on the connection go on.
func TestABodyThatStandsStillHoldsNobodyElse(t *testing.T) {
	r := start(t, both(secure(t), func(c *config.Config) { c.WriteTimeout = 2 * time.Second })).byHTTP2()
	session := r.open("/socket.io/")
	f := r.framer()
	if err := f.ask(1, "POST", session, false, hpack.HeaderField{Name: "content-type", Value: "text/plain"}); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteData(1, false, []byte("4")); err != nil {
		t.Fatal(err)
	}
	if err := f.ask(3, "GET", HealthPath, true); err != nil {
		t.Fatal(err)
	}
	got := f.statuses(1, 3)
	if got[3] != "200" {
		t.Errorf("beside it a request is answered with %s", got[3])
	}
	if got[1] != "408" && got[1] != "400" {
		t.Errorf("it is answered with %s", got[1])
	}
}
