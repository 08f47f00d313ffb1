package websocket

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func newParser(l ReadLimits, deflate bool) *parser {
	return &parser{limits: l.withDefaults(), deflate: deflate}
}

// outcome is all that a stream of bytes brings forth.
type outcome struct {
	events []string
	err    string
	idle   bool
}

func (o outcome) equal(p outcome) bool {
	return slices.Equal(o.events, p.events) && o.err == p.err && o.idle == p.idle
}

// parse feeds stream to p in pieces, of which cut gives the sizes.
func parse(p *parser, stream []byte, cut func(left int) int) outcome {
	var r recorder
	var err error
	stream = bytes.Clone(stream) // it is unmasked in place
	for len(stream) > 0 && err == nil {
		n := cut(len(stream))
		err = p.feed(stream[:n], &r)
		stream = stream[n:]
	}
	return outcome{r.events, fmt.Sprint(err), err == nil && p.idle()}
}

func whole(left int) int { return left }
func single(int) int     { return 1 }

func randomly(rnd *rand.Rand) func(int) int {
	return func(left int) int { return 1 + rnd.IntN(min(left, 40)) }
}

// randomStream is mostly frames as a client may send them, and now and then something else.
func randomStream(rnd *rand.Rand) []byte {
	var stream []byte
	payloads := []string{"", "a", "héllo", "日本語テキスト", strings.Repeat("x", 126), strings.Repeat("ÿ", 300), "\xff", "\xe2\x82"}
	ops := []OpCode{OpText, OpBinary, OpPing, OpPong, OpContinuation, OpContinuation}
	for range 1 + rnd.IntN(8) {
		op := ops[rnd.IntN(len(ops))]
		payload := payloads[rnd.IntN(len(payloads)-rnd.IntN(3))]
		frame := clientFrame(rnd.IntN(3) > 0, 0, op, payload)
		if rnd.IntN(30) == 0 {
			frame[rnd.IntN(len(frame))] ^= byte(rnd.Uint32())
		}
		stream = append(stream, frame...)
	}
	return stream[:len(stream)-rnd.IntN(2)*rnd.IntN(len(stream))]
}

func TestTheResultDoesNotDependOnHowTheBytesWereCut(t *testing.T) {
	limits := ReadLimits{MaxMessage: 700, MaxFragments: 4}
	endings := map[string]int{}
	for seed := range uint64(4000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		stream := randomStream(rnd)
		want := parse(newParser(limits, false), stream, whole)
		endings[want.err]++
		if got := parse(newParser(limits, false), stream, single); !got.equal(want) {
			t.Fatalf("seed %d: byte by byte %v, at once %v", seed, got, want)
		}
		if got := parse(newParser(limits, false), stream, randomly(rnd)); !got.equal(want) {
			t.Fatalf("seed %d: in pieces %v, at once %v", seed, got, want)
		}
	}
	if endings["<nil>"] < 400 || len(endings) < 7 {
		t.Error("the streams are not varied enough to prove anything:", endings)
	}
}

func TestEachViolationHasItsCloseCode(t *testing.T) {
	limits := ReadLimits{MaxMessage: 1000, MaxFragments: 3}
	unmasked := AppendFrame(nil, OpText, []byte("hi"))
	begin := clientFrame(false, 0, OpText, "a")
	compressed := clientDeflate("hello hello hello")
	tests := []struct {
		name   string
		stream []byte
		code   CloseCode
	}{
		{"rsv1 without an extension", clientFrame(true, 4, OpText, "a"), CloseProtocolError},
		{"rsv2", clientFrame(true, 2, OpText, "a"), CloseProtocolError},
		{"rsv3", clientFrame(true, 1, OpText, "a"), CloseProtocolError},
		{"rsv on a ping", clientFrame(true, 4, OpPing, ""), CloseProtocolError},
		{"reserved data opcode", clientFrame(true, 0, 0x3, "a"), CloseProtocolError},
		{"reserved control opcode", clientFrame(true, 0, 0xB, "a"), CloseProtocolError},
		{"fragmented ping", clientFrame(false, 0, OpPing, "a"), CloseProtocolError},
		{"fragmented close", clientFrame(false, 0, OpClose, ""), CloseProtocolError},
		{"ping of 126 bytes", clientFrame(true, 0, OpPing, strings.Repeat("a", 126)), CloseProtocolError},
		{"close of 126 bytes", clientFrame(true, 0, OpClose, "\x03\xe8"+strings.Repeat("a", 124)), CloseProtocolError},
		{"no mask", unmasked, CloseProtocolError},
		{"no mask, no payload", AppendFrame(nil, OpPing, nil), CloseProtocolError},
		{"5 bytes in the 16-bit form", append([]byte{0x81, 0xFE, 0, 5, 0, 0, 0, 0}, "hello"...), CloseProtocolError},
		{"5 bytes in the 64-bit form", append([]byte{0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0}, "hello"...), CloseProtocolError},
		{"65,535 bytes in the 64-bit form", []byte{0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0}, CloseProtocolError},
		{"2^63 bytes", []byte{0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, CloseProtocolError},
		{"2^64-1 bytes", bytes.Replace(clientHeader(OpBinary, 1<<62), []byte{0x40, 0, 0, 0, 0, 0, 0, 0}, bytes.Repeat([]byte{0xFF}, 8), 1), CloseProtocolError},
		{"2^63-1 bytes", clientHeader(OpBinary, 1<<63-1), CloseTooBig},
		{"2^63-1 bytes behind a fragment", join(clientFrame(false, 0, OpBinary, "a"), clientHeader(OpContinuation, 1<<63-1)), CloseTooBig},
		{"continuation of nothing", clientFrame(true, 0, OpContinuation, "a"), CloseProtocolError},
		{"text within a message", join(begin, text("b")), CloseProtocolError},
		{"binary within a message", join(begin, clientFrame(true, 0, OpBinary, "b")), CloseProtocolError},
		{"one byte too many", text(strings.Repeat("a", 1001)), CloseTooBig},
		{"one byte too many in two frames", join(begin, clientFrame(true, 0, OpContinuation, strings.Repeat("a", 1000))), CloseTooBig},
		{"one fragment too many", join(begin, clientFrame(false, 0, OpContinuation, ""), clientFrame(false, 0, OpContinuation, ""), clientFrame(true, 0, OpContinuation, "")), ClosePolicyViolation},
		{"text that is not UTF-8", text("caf\xe9!"), CloseInvalidPayload},
		{"text that ends within a character", text("caf\xc3"), CloseInvalidPayload},
		{"surrogate half", text("\xed\xa0\x80"), CloseInvalidPayload},
		{"overlong slash", text("\xc0\xaf"), CloseInvalidPayload},
		{"above U+10FFFF", text("\xf4\x90\x80\x80"), CloseInvalidPayload},
		{"text that ends within a character, fragmented", join(begin, clientFrame(true, 0, OpContinuation, "\xe2\x82")), CloseInvalidPayload},
		{"close with half a code", clientFrame(true, 0, OpClose, "\x03"), CloseProtocolError},
		{"close with code 0", clientFrame(true, 0, OpClose, "\x00\x00"), CloseProtocolError},
		{"close with code 999", clientFrame(true, 0, OpClose, "\x03\xe7"), CloseProtocolError},
		{"close with code 1004", clientFrame(true, 0, OpClose, "\x03\xec"), CloseProtocolError},
		{"close with code 1005", clientFrame(true, 0, OpClose, "\x03\xed"), CloseProtocolError},
		{"close with code 1006", clientFrame(true, 0, OpClose, "\x03\xee"), CloseProtocolError},
		{"close with code 1015", clientFrame(true, 0, OpClose, "\x03\xf7"), CloseProtocolError},
		{"close with code 2999", clientFrame(true, 0, OpClose, "\x0b\xb7"), CloseProtocolError},
		{"close with code 5000", clientFrame(true, 0, OpClose, "\x13\x88"), CloseProtocolError},
		{"close with a reason that is not UTF-8", clientFrame(true, 0, OpClose, "\x03\xe8\xff"), CloseInvalidPayload},
		{"an HTTP request", []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), CloseProtocolError},
	}
	for _, tt := range tests {
		for name, cut := range map[string]func(int) int{"at once": whole, "byte by byte": single} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				checkViolation(t, newParser(limits, false), tt.stream, cut, tt.code)
			})
		}
	}
	withDeflate := []struct {
		name   string
		stream []byte
		code   CloseCode
	}{
		{"rsv1 on a continuation", join(clientFrame(false, 4, OpText, compressed[:3]), clientFrame(true, 4, OpContinuation, compressed[3:])), CloseProtocolError},
		{"rsv1 on a ping", clientFrame(true, 4, OpPing, ""), CloseProtocolError},
		{"rsv1 and rsv2", clientFrame(true, 6, OpText, compressed), CloseProtocolError},
		{"rsv3", clientFrame(true, 1, OpText, compressed), CloseProtocolError},
		{"not deflate", clientFrame(true, 4, OpText, "hello hello"), CloseInvalidPayload},
		{"deflate cut short", clientFrame(true, 4, OpText, compressed[:len(compressed)-4]), CloseInvalidPayload},
		{"compressed text that is not UTF-8", clientFrame(true, 4, OpText, clientDeflate("caf\xe9")), CloseInvalidPayload},
	}
	for _, tt := range withDeflate {
		t.Run("deflate/"+tt.name, func(t *testing.T) {
			checkViolation(t, newParser(limits, true), tt.stream, whole, tt.code)
		})
	}
}

func checkViolation(t *testing.T, p *parser, stream []byte, cut func(int) int, want CloseCode) {
	t.Helper()
	var r recorder
	var err error
	stream = bytes.Clone(stream)
	for len(stream) > 0 && err == nil {
		n := cut(len(stream))
		err = p.feed(stream[:n], &r)
		stream = stream[n:]
	}
	if codeOf(err) != want {
		t.Errorf("ended with %v, want %v", err, want)
	}
	if len(r.events) > 0 {
		t.Errorf("the handler was given %q", r.events)
	}
}

func TestWhatIsAllowedIsTaken(t *testing.T) {
	limits := ReadLimits{MaxMessage: 1000, MaxFragments: 3}
	big := strings.Repeat("a", 1000)
	tests := []struct {
		name   string
		stream []byte
		want   []string
	}{
		{"empty text", text(""), []string{`text ""`}},
		{"empty binary", clientFrame(true, 0, OpBinary, ""), []string{`binary ""`}},
		{"the largest message", text(big), []string{fmt.Sprintf("text %q", big)}},
		{"the largest control frame", clientFrame(true, 0, OpPing, big[:125]), []string{fmt.Sprintf("ping %q", big[:125])}},
		{"the most fragments", join(clientFrame(false, 0, OpBinary, "a"), clientFrame(false, 0, OpContinuation, ""), clientFrame(true, 0, OpContinuation, "b")), []string{`binary "ab"`}},
		{"all fragments empty", join(clientFrame(false, 0, OpText, ""), clientFrame(true, 0, OpContinuation, "")), []string{`text ""`}},
		{"control frames between fragments", join(clientFrame(false, 0, OpText, "a"), clientFrame(true, 0, OpPing, "x"), clientFrame(true, 0, OpPong, ""), clientFrame(true, 0, OpContinuation, "b"), text("c")), []string{`ping "x"`, `pong ""`, `text "ab"`, `text "c"`}},
		{"a character cut by fragments", join(clientFrame(false, 0, OpText, "\xf0\x9f"), clientFrame(false, 0, OpContinuation, "\x98"), clientFrame(true, 0, OpContinuation, "\x80!")), []string{`text "😀!"`}},
		{"bytes that are not UTF-8 in binary", clientFrame(true, 0, OpBinary, "\xff\xfe"), []string{`binary "\xff\xfe"`}},
	}
	for _, tt := range tests {
		for name, cut := range map[string]func(int) int{"at once": whole, "byte by byte": single} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				got := parse(newParser(limits, false), tt.stream, cut)
				if want := (outcome{tt.want, "<nil>", true}); !got.equal(want) {
					t.Errorf("got %v, want %v", got, want)
				}
			})
		}
	}
}

func TestACloseFrameEndsReadingWithItsCodeAndReason(t *testing.T) {
	tests := []struct {
		payload string
		want    CloseError
	}{
		{"", CloseError{Code: CloseNoStatus}},
		{"\x03\xe8", CloseError{Code: CloseNormal}},
		{"\x03\xe9bye 再见", CloseError{CloseGoingAway, "bye 再见"}},
		{"\x03\xf4", CloseError{Code: CloseServiceRestart}},
		{"\x03\xf6", CloseError{Code: CloseBadGateway}},
		{"\x0b\xb8", CloseError{Code: 3000}},
		{"\x13\x87", CloseError{Code: 4999}},
	}
	for _, tt := range tests {
		var r recorder
		err := newParser(ReadLimits{}, false).feed(join(text("a"), clientFrame(true, 0, OpClose, tt.payload), text("b")), &r)
		got, ok := errors.AsType[*CloseError](err)
		if !ok || *got != tt.want {
			t.Errorf("payload %q: %v, want %v", tt.payload, err, &tt.want)
		}
		r.expect(t, `text "a"`)
	}
}

func TestBadUTF8FailsBeforeTheMessageEnds(t *testing.T) {
	bad := []string{"\xff", "\xc0", "\xe0\x80", "\xed\xa0", "\xf0\x80", "\xf4\x90", "\xf5", "a\x80", "\xe2\x28", "\xf0\x9f\x28"}
	for _, b := range bad {
		p := newParser(ReadLimits{}, false)
		first, second := clientFrame(false, 0, OpText, "κόσμε"+b[:1]), clientFrame(false, 0, OpContinuation, b[1:]+"x")
		err := p.feed(first, &recorder{})
		if len(b) > 1 && err == nil {
			err = p.feed(second, &recorder{})
		}
		if codeOf(err) != CloseInvalidPayload {
			t.Errorf("%q over two fragments of a message without end: %v", b, err)
		}
	}
}

func TestTheCheckOfUTF8InPiecesAgreesWithThatOfTheWhole(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	alphabet := []string{"a", "é", "€", "😀", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\x80", "\xff", "\xed\xa0\x80", "\xef\xbf\xbd"}
	for range 20_000 {
		var s string
		for range rnd.IntN(6) {
			s += alphabet[rnd.IntN(len(alphabet)-rnd.IntN(2)*7)]
		}
		var u utf8Check
		ok := true
		for b := []byte(s); len(b) > 0 && ok; {
			n := 1 + rnd.IntN(len(b))
			ok = u.write(b[:n])
			b = b[n:]
		}
		if got := ok && u.done(); got != utf8.ValidString(s) {
			t.Fatalf("%q: %v", s, got)
		}
	}
}

func TestAMillionTinyFragmentsAreRefusedEarly(t *testing.T) {
	p := newParser(ReadLimits{}, false)
	err := p.feed(clientFrame(false, 0, OpBinary, "a"), &recorder{})
	fragments := 1
	for ; err == nil && fragments < 1_000_000; fragments++ {
		err = p.feed(clientFrame(false, 0, OpContinuation, "a"), &recorder{})
	}
	if codeOf(err) != ClosePolicyViolation || fragments != 1025 {
		t.Errorf("after %d fragments: %v", fragments, err)
	}
}

func TestMemoryFollowsWhatArrivedNotWhatWasPromised(t *testing.T) {
	p := newParser(ReadLimits{MaxMessage: 1 << 30}, false)
	if err := p.feed(clientHeader(OpBinary, 1<<30), &recorder{}); err != nil {
		t.Fatal(err)
	}
	for arrived := 0; arrived < 100_000; arrived += 100 {
		if most := 2*arrived + 64; cap(p.message) > most {
			t.Fatalf("%d bytes kept for %d that arrived", cap(p.message), arrived)
		}
		if err := p.feed(make([]byte, 100), &recorder{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAMessageInPiecesIsKeptInMemoryOfItsSize(t *testing.T) {
	p := newParser(ReadLimits{}, false)
	frame := text(strings.Repeat("a", 300_000))
	last := len(frame) - 1
	for at := 0; at < last; at += 16 << 10 {
		if err := p.feed(frame[at:min(at+16<<10, last)], &recorder{}); err != nil {
			t.Fatal(err)
		}
	}
	if cap(p.message) > 300_000 {
		t.Errorf("%d bytes kept for a message of 300,000", cap(p.message))
	}
	if err := p.feed(frame[last:], &recorder{}); err != nil || p.message != nil {
		t.Errorf("the memory stays after the message has been handed on: %v", err)
	}
}

func TestTheHandlersErrorEndsReadingAsItIs(t *testing.T) {
	enough := errors.New("enough")
	r := recorder{fail: enough}
	if err := newParser(ReadLimits{}, false).feed(join(text("a"), text("b")), &r); err != enough {
		t.Errorf("got %v", err)
	}
	r.expect(t, `text "a"`)
}
