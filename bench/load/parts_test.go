package load

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// A naive tally remembers all that it has heard.
func naive(heard []uint64, sent uint64) (c Counts) {
	seen, highest := map[uint64]bool{}, uint64(0)
	for _, n := range heard {
		switch {
		case seen[n]:
			c.Doubled++
		case n < highest:
			c.Swapped++
		}
		seen[n] = true
		highest = max(highest, n)
	}
	c.Missing = sent - uint64(len(seen))
	return c
}

func TestATallyKnowsWhatANaiveOneKnows(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		sent := uint64(1 + random.IntN(40))
		var heard []uint64
		for range random.IntN(60) {
			heard = append(heard, 1+random.Uint64N(sent))
		}
		var tally Tally
		for _, n := range heard {
			tally.Hear(n)
		}
		var got Counts
		got.add(&tally, sent)
		if want := naive(heard, sent); got != want {
			t.Fatalf("of %d sent, %v were heard: counted %+v, want %+v", sent, heard, got, want)
		}
	}
}

func TestAMessageIsReadAsItWasWritten(t *testing.T) {
	data := appendMessage(nil, 1234567890)
	if len(data) != MessageSize {
		t.Errorf("a message has %d bytes, want %d", len(data), MessageSize)
	}
	if n, whole := messageIn(append(data, '"')); n != 1234567890 || !whole {
		t.Errorf("read %d, whole %v", n, whole)
	}
	if _, whole := messageIn(data); whole {
		t.Error("a message without its end is whole")
	}
}

func TestPercentilesAreSamples(t *testing.T) {
	var samples []time.Duration
	for i := 1000; i > 0; i-- {
		samples = append(samples, time.Duration(i))
	}
	if got := *summarize(samples); got != (Latency{501, 991, 1000, 1000}) {
		t.Errorf("got %+v", got)
	}
	if summarize(nil) != nil {
		t.Error("there are percentiles of nothing")
	}
}

func TestAnswersAreReadInPieces(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
	} {
		for i := range len(text) {
			if _, size, err := nextAnswer([]byte(text[:i])); size != 0 || err != nil {
				t.Fatalf("%q is an answer of %d bytes, error %v", text[:i], size, err)
			}
		}
		a, size, err := nextAnswer([]byte(text + "HTTP"))
		if err != nil || size != len(text) || a.status != 200 || string(a.body) != "hello" {
			t.Errorf("%q: %+v, %d bytes, error %v", text, a, size, err)
		}
	}
}

func TestFramesAreReadInPieces(t *testing.T) {
	for _, n := range []int{0, 125, 126, 70_000} {
		payload := []byte(strings.Repeat("x", n))
		frame := append([]byte{0x80 | OpText}, AppendFrame(nil, OpText, payload)[1:]...)
		frame = unmasked(frame, n)
		for i := range min(len(frame), 200) {
			if _, _, size, err := NextFrame(frame[:i]); i < len(frame) && size != 0 || err != nil {
				t.Fatalf("%d bytes of a frame are one of %d bytes, error %v", i, size, err)
			}
		}
		op, got, size, err := NextFrame(frame)
		if err != nil || op != OpText || size != len(frame) || !bytes.Equal(got, payload) {
			t.Errorf("a frame of %d bytes was read as opcode %d, %d bytes, error %v", n, op, len(got), err)
		}
	}
}

// unmasked makes a server's frame of a client's.
func unmasked(frame []byte, payload int) []byte {
	head := len(frame) - payload - 4
	plain := append([]byte{}, frame[:head]...)
	plain[1] &^= 0x80
	for i, c := range frame[head+4:] {
		plain = append(plain, c^frame[head+i%4])
	}
	return plain
}

func FuzzNextFrame(f *testing.F) {
	f.Add([]byte{0x81, 2, 'h', 'i'})
	f.Add([]byte{0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, payload, size, err := NextFrame(b); size > len(b) || len(payload) > size || err != nil && size != 0 {
			t.Errorf("%d bytes hold a frame of %d, error %v", len(b), size, err)
		}
	})
}

func FuzzNextAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n"))
	f.Add([]byte("HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, size, err := nextAnswer(b); size > len(b) || len(a.body) > len(b) || err != nil && size != 0 {
			t.Errorf("%d bytes hold an answer of %d, error %v", len(b), size, err)
		}
	})
}
