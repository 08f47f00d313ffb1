package websocket

import (
	"bufio"
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzReader checks that no bytes of a client make the parser panic, keep more than it was sent, or depend on how the
// bytes were cut.
func FuzzReader(f *testing.F) {
	seeds := [][]byte{
		text("2probe"), text("5"), text(`42["f","speaker"]`), clientFrame(true, 0, OpBinary, "\x04attachment"),
		join(clientFrame(false, 0, OpText, "κόσ"), clientFrame(true, 0, OpPing, "p"), clientFrame(true, 0, OpContinuation, "με")),
		clientFrame(true, 0, OpClose, "\x03\xe8bye"), clientFrame(true, 4, OpText, clientDeflate("hello hello hello")),
		clientFrame(true, 4, OpBinary, clientDeflate(strings.Repeat("a", 5000))), clientFrame(true, 4, OpText, string(deflateFinal("x"))+"\x00"),
		clientHeader(OpBinary, 1<<62), clientFrame(true, 7, OpText, ""), text("\xed\xa0\x80"), text(strings.Repeat("x", 700)),
		bytes.Repeat(clientFrame(false, 0, OpText, ""), 9), []byte("GET / HTTP/1.1\r\n\r\n"),
	}
	for i, seed := range seeds {
		f.Add(seed, uint64(i), i%2 == 0)
	}
	limits := ReadLimits{MaxMessage: 1000, MaxFragments: 5}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64, deflate bool) {
		atOnce, bytewise, pieces := newParser(limits, deflate), newParser(limits, deflate), newParser(limits, deflate)
		want := parse(atOnce, stream, whole)
		if got := parse(bytewise, stream, single); !got.equal(want) {
			t.Errorf("byte by byte %v, at once %v", got, want)
		}
		if got := parse(pieces, stream, randomly(rand.New(rand.NewPCG(seed, 0)))); !got.equal(want) {
			t.Errorf("in pieces %v, at once %v", got, want)
		}
		if kept := cap(bytewise.message) + cap(bytewise.control); kept > 2*len(stream)+64+16 {
			t.Errorf("%d bytes kept of %d", kept, len(stream))
		}
	})
}

// FuzzUpgradeHeaders checks that whatever the client puts into its headers, the answer is an error or an acceptance
// that is well-formed and agrees on nothing that is not spoken.
func FuzzUpgradeHeaders(f *testing.F) {
	f.Add("websocket", "Upgrade", "13", testKey, "v1, v2", "permessage-deflate; client_max_window_bits")
	f.Add("h2c", "keep-alive, Upgrade", "8", "AAAA", "b"+strings.Repeat(" ", 300)+"x", "constructor")
	f.Add("websocket", "upgrade", "13", testKey, ",,", `permessage-deflate; server_max_window_bits="15"; a, permessage-deflate`)
	f.Add("websocket", "upgrade", "13", testKey, "v1\r\nX: 1", `permessage-deflate;;=",;"`)
	f.Fuzz(func(t *testing.T, upgrade, connection, version, key, protocols, extensions string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = http.Header{
			"Upgrade": {upgrade}, "Connection": {connection}, "Sec-Websocket-Version": {version}, "Sec-Websocket-Key": {key},
			"Sec-Websocket-Protocol": {protocols}, "Sec-Websocket-Extensions": {extensions},
		}
		w := &answered{ResponseRecorder: httptest.NewRecorder()}
		conn, err := Upgrade(w, r, UpgradeOptions{Subprotocols: []string{"v1", "v2"}, Compression: true})
		if err != nil {
			if refusal, ok := errors.AsType[*HandshakeError](err); !ok || w.Code != refusal.Status || w.Code < 400 {
				t.Errorf("answered %d, returned %v", w.Code, err)
			}
			return
		}
		response, err := http.ReadResponse(bufio.NewReader(&w.sent), r)
		if err != nil || response.StatusCode != http.StatusSwitchingProtocols || w.sent.Len() > 0 {
			t.Fatalf("not an answer: %v, %q", err, w.sent.Bytes())
		}
		if p := conn.Subprotocol(); p != "" && !strings.Contains(protocols, p) {
			t.Errorf("chose %q, which was not asked for", p)
		}
		if conn.Compressed() && !strings.Contains(extensions, "permessage-deflate") {
			t.Error("agreed on a compression that was not offered")
		}
	})
}

// answered is a response writer that can be taken over, and keeps what is sent after that.
type answered struct {
	*httptest.ResponseRecorder
	sent bytes.Buffer
}

func (a *answered) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return &fakeConn{write: a.sent.Write}, nil, nil
}

// FuzzNextFrame checks that frames come out as they went in, whatever lies behind them, and that nothing panics.
func FuzzNextFrame(f *testing.F) {
	f.Add(byte(OpText), []byte("hello"), uint32(0), []byte{0x81, 0x7E, 0, 200})
	f.Add(byte(OpBinary), []byte("x"), uint32(70_000), []byte{0x82, 0x7F, 0xFF, 0, 0, 0, 0, 0, 0, 0})
	f.Add(byte(OpPing), []byte{}, uint32(0), []byte{0xC1, 0})
	f.Fuzz(func(t *testing.T, op byte, payload []byte, zeros uint32, behind []byte) {
		op &= 0x0F
		payload = append(payload, make([]byte, zeros%100_000)...) // cheaper for the fuzzer than a long seed
		gotOp, got, rest, ok := NextFrame(append(AppendFrame(nil, OpCode(op), payload), behind...))
		if !ok || byte(gotOp) != op || !bytes.Equal(got, payload) || !bytes.Equal(rest, behind) {
			t.Errorf("op %x, %d bytes: %v, op %x, %d bytes", op, len(payload), ok, gotOp, len(got))
		}
		for ok && len(rest) > 0 {
			before := len(rest)
			if _, got, rest, ok = NextFrame(rest); ok && len(rest)+len(got) >= before {
				t.Errorf("a frame of %d bytes out of %d leaves %d", len(got), before, len(rest))
			}
		}
	})
}
