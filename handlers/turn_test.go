package handlers_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/socketio"
)

// A witness notes what names a turn, and whose turn each entry is.
type witness struct {
	*feed.Log

	mu    sync.Mutex // guards the following
	asked []string
	turns []string
}

func (w *witness) turn(address string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, address)
	return "the network of " + address
}

func (w *witness) Append(turn string, e feed.Entry, done feed.Done) error {
	w.mu.Lock()
	w.turns = append(w.turns, turn)
	w.mu.Unlock()
	return w.Log.Append(turn, e, done)
}

// The network of an address is looked up when a client comes, and never for a message.
func TestATurnIsNamedOnceForEachClient(t *testing.T) {
	f := &witness{Log: newFeed(t, memory.New(0), feed.Options{})}
	places := newTurnstile(1)
	o := unhurried
	o.Turn, o.CatchUps = f.turn, places
	room, _, url := serveWith(t, f, socketio.Options{}, o)
	fill(t, f.Log, 1000) // past the witness

	e := newEar()
	e.address = "2001:db8::1"
	guest := room.Visit(e)
	do(t, guest, "f", `{"speaker":"Ann","since":0}`)
	eventually(t, "she has caught up", e.hasJoined)
	for range 5 {
		do(t, guest, "message", `{"data":1}`)
	}
	guest.Close()
	c := connect(t, url, 4)
	for range 5 {
		c.get("message", `1`)
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	if want := []string{"2001:db8::1", "127.0.0.1"}; !slices.Equal(f.asked, want) {
		t.Errorf("it was asked for %v, want %v", f.asked, want)
	}
	ann, bob := "the network of 2001:db8::1", "the network of 127.0.0.1"
	want := slices.Concat(slices.Repeat([]string{ann}, 5), slices.Repeat([]string{bob}, 5))
	if !slices.Equal(f.turns, want) {
		t.Errorf("the turns were %v", f.turns)
	}
	if places.in[ann] != 1 || len(places.in) != 1 {
		t.Errorf("those that caught up were %v", places.in)
	}
}

func TestWhoHasToWaitIsTold(t *testing.T) {
	waits := map[string]time.Duration{}
	told := func(who string) func(time.Duration) { return func(d time.Duration) { waits[who] += d } }
	inABubble(t, handlers.Options{
		MaxMessageRate: 1, MessageBurst: 3, MaxReadRate: 1000, ReadBurst: 1000,
		SpeakerWaited: told("speaker"), ReaderWaited: told("reader"),
	}, func(t *testing.T, room *handlers.Core) {
		guest := room.Visit(newEar())
		for range 5 {
			do(t, guest, "message", fmt.Sprintf(`{"data":%q}`, strings.Repeat("x", 904)))
		}
		for range 3 {
			do(t, guest, "history", `{"limit":1}`) // of 1,000 bytes
		}
		guest.Close()
	})
	if waits["speaker"] != 2*time.Second || waits["reader"].Round(100*time.Millisecond) != time.Second {
		t.Errorf("they waited %v", waits)
	}
}

// Whoever can bring about what can't be told must not fill the log with it.
func TestNewsThatCannotBeToldAreLoggedNowAndThen(t *testing.T) {
	var log journal
	o := unhurried
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	f := newFeed(t, memory.New(0), feed.Options{})
	serveWith(t, f, socketio.Options{}, o)
	const news = 1000
	told := make(chan struct{}, news)
	for range news {
		e := feed.Entry{Data: []byte(`{"_placeholder":true,"num":7}`), Attachments: [][]byte{{1}}}
		if err := f.Append("", e, func(feed.Result, error) { told <- struct{}{} }); err != nil {
			t.Fatal(err)
		}
	}
	for range news {
		<-told
	}
	if lines := strings.Count(log.String(), "could not be passed on"); lines < 1 || lines > 20 {
		t.Errorf("the log has %d lines of %d news", lines, news)
	}
}

// A journal is a log that can be read while others write.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
