package websocket

import (
	"strings"
	"sync/atomic"
	"testing"
)

// A ledger counts what Held is told.
type ledger struct{ held, most, calls atomic.Int64 }

func (l *ledger) hold(delta int) {
	l.calls.Add(1)
	if held := l.held.Add(int64(delta)); held > l.most.Load() {
		l.most.Store(held)
	}
}

// expectMost checks the most that was held at a time.
func (l *ledger) expectMost(t *testing.T, what string, least, most int) {
	t.Helper()
	if got := int(l.most.Load()); got < least || got > most {
		t.Errorf("%s: %d bytes were counted, want from %d to %d", what, got, least, most)
	}
}

func TestAMessageThatIsNotWholeIsCounted(t *testing.T) {
	const size = 200_000
	half := strings.Repeat("x", size/2)
	for name, partial := range map[string][]byte{
		"half a frame":    text(half + half)[:size/2],
		"fragments":       join(clientFrame(false, 0, OpText, half), clientFrame(false, 0, OpContinuation, "")),
		"tiny fragments":  join(clientFrame(false, 0, OpText, "x"), clientFrame(false, 0, OpContinuation, half)),
		"half compressed": clientFrame(false, 4, OpBinary, string(noise(size/2))),
	} {
		onEachTransport(t, UpgradeOptions{}, func(t *testing.T, w *wire) {
			var book ledger
			w.conn.parser.limits.Held, w.conn.parser.deflate = book.hold, true
			var r recorder
			done := w.read(&r)
			w.send(t, partial)
			waitFor(t, name+": the half is counted", func() bool { return book.held.Load() >= size/2-HeldStep })
			if held := book.held.Load(); held > 2*size {
				t.Errorf("%s: %d bytes are counted for %d", name, held, size/2)
			}
			w.conn.Close()
			result(t, done)
			if held := book.held.Load(); held != 0 {
				t.Errorf("%s: %d bytes are left", name, held)
			}
		})
	}
}

// counting is a handler that notes what is counted while it is called.
type counting struct {
	recorder
	book *ledger
	held []int64
}

func (c *counting) Message(binary bool, data []byte) error {
	c.held = append(c.held, c.book.held.Load())
	return c.recorder.Message(binary, data)
}

func TestAMessageIsCountedUntilItIsHandled(t *testing.T) {
	const size = 300_000
	message := strings.Repeat("x", size)
	var book ledger
	p := newParser(ReadLimits{Held: book.hold}, true)
	h := &counting{book: &book}
	feedInBuffers(t, p, text(message), h)
	feedInBuffers(t, p, clientFrame(true, 4, OpText, clientDeflate(message)), h)
	for i, held := range h.held {
		if held < size-HeldStep || held > 2*size {
			t.Errorf("message %d: %d bytes are counted", i, held)
		}
	}
	if len(h.held) != 2 || book.held.Load() != 0 {
		t.Errorf("%d messages, %d bytes are left", len(h.held), book.held.Load())
	}
}

// feedInBuffers feeds a stream as it is read from a connection.
func feedInBuffers(t *testing.T, p *parser, stream []byte, h Handler) {
	t.Helper()
	for len(stream) > 0 {
		n := min(len(stream), len(readBuffer{}))
		if err := p.feed(stream[:n], h); err != nil {
			t.Fatal(err)
		}
		stream = stream[n:]
	}
}

func TestWhatTakesLittleMemoryIsNotCounted(t *testing.T) {
	var book ledger
	p := newParser(ReadLimits{Held: book.hold}, true)
	for range 100 {
		feedInBuffers(t, p, text(strings.Repeat("x", 10_000)), &recorder{})
		feedInBuffers(t, p, clientFrame(true, 4, OpText, clientDeflate("hello")), &recorder{})
		feedInBuffers(t, p, clientFrame(false, 0, OpText, "a"), &recorder{})
		feedInBuffers(t, p, clientFrame(true, 0, OpContinuation, "b"), &recorder{})
	}
	if calls := book.calls.Load(); calls != 0 {
		t.Errorf("Held was called %d times", calls)
	}
}

func TestABombIsCountedWhileItIsInflated(t *testing.T) {
	const limit = 1 << 20
	var book ledger
	p := newParser(ReadLimits{MaxMessage: limit, Held: book.hold}, true)
	frame := clientFrame(true, 4, OpBinary, clientDeflate(strings.Repeat("0", 4*limit)))
	if err := p.feed(frame, &recorder{}); codeOf(err) != CloseTooBig {
		t.Errorf("the parser says %v", err)
	}
	p.drop()
	book.expectMost(t, "a bomb", limit-HeldStep, 2*limit)
	if held := book.held.Load(); held != 0 {
		t.Errorf("%d bytes are left", held)
	}
}

// Interrupt frees what has arrived, at once, and leaves the connection to say why.
func TestAnInterruptedReaderHoldsNothingAndTheConnectionStaysOpen(t *testing.T) {
	onEachTransport(t, UpgradeOptions{}, func(t *testing.T, w *wire) {
		var book ledger
		w.conn.parser.limits.Held = book.hold
		var r recorder
		done := w.read(&r)
		w.send(t, text(strings.Repeat("x", 200_000))[:100_000])
		waitFor(t, "the half is counted", func() bool { return book.held.Load() > 0 })
		w.conn.Interrupt()
		if err := result(t, done); err != ErrInterrupted {
			t.Errorf("Read returned %v", err)
		}
		if held := book.held.Load(); held != 0 {
			t.Errorf("%d bytes are left", held)
		}
		if w.conn.closed.Load() {
			t.Error("the connection is closed")
		}
		w.conn.Close()
	})
}
