package socketio_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crier/crier/server/socketio"
)

// patience is how long a test waits for what should come at once.
const patience = 20 * time.Second

// serve starts a server that ends, and is checked to have ended in order, with the test.
func serve(t testing.TB, o socketio.Options) (*socketio.Server, string) {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	io, err := socketio.New(o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(io)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := io.Close(ctx); err != nil {
			t.Error("the server did not close in order:", err)
		}
		web.Close()
	})
	return io, web.URL + "/socket.io/"
}

// atOnce lets clients be recovered as often as they like.
var atOnce = socketio.Options{Recovery: socketio.Recovery{Pause: 1}}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within ", patience, ": ", what)
		}
	}
}

// receive takes what should come on a channel.
func receive[T any](t testing.TB, from <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatal("not within ", patience, ": ", what)
	}
	return v
}

// A logBook keeps what a server logs.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// Write is called by the logger.
func (b *logBook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(line)
}

func (b *logBook) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// A journal keeps what happened, in order.
type journal struct {
	mu      sync.Mutex
	entries []string
}

func (j *journal) note(what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, what)
}

// read returns what has happened since it was last read, with commas between.
func (j *journal) read() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := strings.Join(j.entries, ", ")
	j.entries = nil
	return all
}
