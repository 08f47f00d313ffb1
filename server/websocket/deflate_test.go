package websocket

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// clientDeflate compresses with the reference library, as a client would.
func clientDeflate(message string) string {
	b, err := wsflate.DefaultHelper.Compress([]byte(message))
	if err != nil {
		panic(err)
	}
	return string(b)
}

func noise(n int) []byte {
	rnd := rand.New(rand.NewPCG(3, 3))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func TestWhatIsCompressedComesBackTheSame(t *testing.T) {
	messages := []string{"", "a", "hello hello hello", strings.Repeat("日本語", 5000), string(noise(70_000))}
	for _, message := range messages {
		frame := AppendCompressed([]byte("before"), OpBinary, []byte(message))
		body := bytes.NewReader(frame[len("before"):])
		header, err := ws.ReadHeader(body)
		if err != nil || header.Length != int64(body.Len()) {
			t.Fatal(header, body.Len(), err)
		}
		f := ws.Frame{Header: header, Payload: frame[len(frame)-body.Len():]}
		if f, err = wsflate.DefaultHelper.DecompressFrame(f); err != nil || string(f.Payload) != message {
			t.Errorf("the reference reads %d bytes of %d: %v", len(f.Payload), len(message), err)
		}
		p := newParser(ReadLimits{}, true)
		got := parse(p, clientFrame(true, 4, OpBinary, clientDeflate(message)), randomly(rand.New(rand.NewPCG(1, 1))))
		if want := (outcome{[]string{fmt.Sprintf("binary %q", message)}, "<nil>", true}); !got.equal(want) {
			t.Errorf("a message of %d bytes from the reference: %.200v", len(message), got)
		}
	}
}

func TestWhatDeflateDoesNotMakeSmallerGoesUncompressed(t *testing.T) {
	for _, message := range [][]byte{nil, []byte("a"), noise(1000)} {
		if got := AppendCompressed(nil, OpBinary, message); !bytes.Equal(got, AppendFrame(nil, OpBinary, message)) {
			t.Errorf("%d bytes became %d", len(message), len(got))
		}
	}
}

func TestACompressedMessageMayComeInFragments(t *testing.T) {
	body := clientDeflate("hello hello hello")
	stream := join(
		clientFrame(false, 4, OpText, body[:2]), clientFrame(true, 0, OpPing, "between"),
		clientFrame(false, 0, OpContinuation, body[2:4]), clientFrame(true, 0, OpContinuation, body[4:]), text("plain"),
	)
	want := outcome{[]string{`ping "between"`, `text "hello hello hello"`, `text "plain"`}, "<nil>", true}
	for _, cut := range []func(int) int{whole, single} {
		if got := parse(newParser(ReadLimits{}, true), stream, cut); !got.equal(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestABombStopsOneByteBehindTheLimit(t *testing.T) {
	const limit = 100_000
	bomb := []byte(clientDeflate(strings.Repeat("\x00", 50<<20)))
	i := inflaters.New().(*inflater)
	if _, err := i.inflate(bomb, limit); !errors.Is(err, errInflatedTooBig) {
		t.Errorf("%d bytes that inflate to 50 MiB: %v", len(bomb), err)
	}
	if len(i.out) != limit+1 || cap(i.out) > limit+1+limit/8 {
		t.Errorf("%d bytes were inflated into %d, the limit is %d", len(i.out), cap(i.out), limit)
	}
	if _, err := i.inflate(bomb, 1000); !errors.Is(err, errInflatedTooBig) || len(i.out) != 1001 {
		t.Errorf("in the buffer of a larger message %d bytes were inflated, the limit is 1000: %v", len(i.out), err)
	}
	p := newParser(ReadLimits{MaxMessage: limit}, true)
	if err := p.feed(clientFrame(true, 4, OpBinary, string(bomb)), &recorder{}); codeOf(err) != CloseTooBig {
		t.Errorf("the parser says %v", err)
	}
}

func TestTheLimitIsForTheInflatedMessage(t *testing.T) {
	for _, message := range []string{strings.Repeat("a", 5000), string(noise(5000))} {
		frame := clientFrame(true, 4, OpBinary, clientDeflate(message))
		if err := newParser(ReadLimits{MaxMessage: 5000}, true).feed(bytes.Clone(frame), &recorder{}); err != nil {
			t.Errorf("5000 bytes, which are the limit: %v", err)
		}
		if err := newParser(ReadLimits{MaxMessage: 4999}, true).feed(frame, &recorder{}); codeOf(err) != CloseTooBig {
			t.Errorf("one byte too many: %v", err)
		}
	}
}

// deflateFinal is a stream that ends as deflate streams do outside WebSocket.
func deflateFinal(message string) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	io.WriteString(w, message)
	w.Close()
	return b.Bytes()
}

func TestASenderMayEndItsStream(t *testing.T) {
	final := deflateFinal("hello")
	for behind, ok := range map[string]bool{"": true, "\x00": true, "\x01": false, string(final): false} {
		got := parse(newParser(ReadLimits{}, true), clientFrame(true, 4, OpText, string(final)+behind), whole)
		if accepted := got.err == "<nil>"; accepted != ok || accepted != (len(got.events) == 1) {
			t.Errorf("%q behind the final block: %v", behind, got)
		}
	}
}

func TestALargeMessageDoesNotStayInThePool(t *testing.T) {
	d, i := deflaters.New().(*deflater), inflaters.New().(*inflater)
	body := bytes.Clone(d.deflate(noise(200_000)))
	if _, err := i.inflate(body, 1<<20); err != nil {
		t.Fatal(err)
	}
	d.free()
	i.free()
	if d.out != nil || i.out != nil || i.src.data != nil {
		t.Errorf("kept %d and %d bytes", cap(d.out), cap(i.out))
	}
}
