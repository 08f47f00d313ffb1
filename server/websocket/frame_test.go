package websocket

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

func TestFramesAreWhatTheReferenceReads(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 0xFFFF, 0x10000, 300_000} {
		payload := bytes.Repeat([]byte("x"), n)
		frame := AppendFrame([]byte("before"), OpBinary, payload)
		if !bytes.Equal(frame, append([]byte("before"), ws.MustCompileFrame(ws.NewBinaryFrame(payload))...)) {
			t.Errorf("a frame of %d bytes differs from the reference's", n)
		}
		if len(frame)-len("before")-n > MaxHeader {
			t.Errorf("a header of %d bytes", len(frame)-len("before")-n)
		}
	}
}

func TestNextFrameWalksFinishedFrames(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 70_000)
	b := AppendFrame(nil, OpText, []byte("one"))
	b = AppendFrame(b, OpBinary, long)
	b = AppendFrame(b, OpPing, nil)
	b = AppendClose(b, CloseNormal, "bye")
	want := []struct {
		op      OpCode
		payload string
	}{{OpText, "one"}, {OpBinary, string(long)}, {OpPing, ""}, {OpClose, "\x03\xe8bye"}}
	for _, w := range want {
		op, payload, rest, ok := NextFrame(b)
		if !ok || op != w.op || string(payload) != w.payload {
			t.Fatalf("got %v %.20q %v, want %v %.20q", op, payload, ok, w.op, w.payload)
		}
		b = rest
	}
	if _, _, _, ok := NextFrame(b); ok || len(b) > 0 {
		t.Errorf("%d bytes left", len(b))
	}
}

func TestNextFrameRefusesWhatIsNotAFinishedFrame(t *testing.T) {
	frame := AppendFrame(nil, OpText, bytes.Repeat([]byte("x"), 130))
	for n := range frame {
		if _, _, rest, ok := NextFrame(frame[:n]); ok || len(rest) != n {
			t.Fatalf("took a frame of which %d bytes are there", n)
		}
	}
	refused := map[string][]byte{
		"masked":     text("a"),
		"fragment":   {0x01, 1, 'a'},
		"compressed": AppendCompressed(nil, OpText, bytes.Repeat([]byte("x"), 130)),
		"2^63 bytes": {0x82, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0},
		"2^63-1":     {0x82, 0x7F, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
	}
	for name, b := range refused {
		if _, _, _, ok := NextFrame(b); ok {
			t.Errorf("took a frame that is %s", name)
		}
	}
}

func TestCloseFramesCarryExactlyTheReason(t *testing.T) {
	tests := []struct {
		code   CloseCode
		reason string
		want   string
	}{
		{CloseNormal, "", "\x03\xe8"},
		{CloseTooBig, "too big", "\x03\xf1too big"},
		{4999, "再见", "\x13\x87再见"},
		{CloseNormal, strings.Repeat("a", 123), "\x03\xe8" + strings.Repeat("a", 123)},
		{CloseNormal, strings.Repeat("a", 124), "\x03\xe8" + strings.Repeat("a", 123)},
		{CloseNormal, strings.Repeat("a", 122) + "é", "\x03\xe8" + strings.Repeat("a", 122)},
		{CloseNormal, strings.Repeat("😀", 40), "\x03\xe8" + strings.Repeat("😀", 30)},
		{CloseNormal, "caf\xe9", "\x03\xe8caf\uFFFD"},
		{CloseNormal, strings.Repeat("\x80", 500), "\x03\xe8\uFFFD"},
		{CloseNoStatus, "lost", ""},
		{CloseAbnormal, "lost", ""},
		{CloseTLSHandshake, "lost", ""},
		{0, "lost", ""},
	}
	for _, tt := range tests {
		op, payload, rest, ok := NextFrame(AppendClose(nil, tt.code, tt.reason))
		if !ok || op != OpClose || len(rest) > 0 || string(payload) != tt.want {
			t.Errorf("%v %q: %q, want %q", tt.code, tt.reason, payload, tt.want)
		}
		if len(payload) > 2 && !utf8.Valid(payload[2:]) || len(payload) > 125 {
			t.Errorf("%v %q: %q may not be sent", tt.code, tt.reason, payload)
		}
	}
}

func TestCloseCodesSayWhatTheyMean(t *testing.T) {
	if got := CloseTooBig.String(); got != "1009 (message too big)" {
		t.Error(got)
	}
	if got := CloseCode(4001).String(); got != "4001" {
		t.Error(got)
	}
	for code := range closeMeanings {
		never := code == CloseNoStatus || code == CloseAbnormal || code == CloseTLSHandshake
		if code.ValidReceived() == never {
			t.Errorf("%v: ValidReceived is %v", code, code.ValidReceived())
		}
	}
}
