package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/disk"
	"github.com/crier/crier/server/feed/memory"
)

// say says something over /ws/news and returns the answer's offset.
func (r *running) say(t *testing.T, data string) uint64 {
	t.Helper()
	conn, _, _, err := ws.Dial(t.Context(), strings.Replace(r.url, "http", "ws", 1)+"/ws/news")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := wsutil.WriteClientText(conn, []byte(`{"type":"message","data":`+data+`}`)); err != nil {
		t.Fatal(err)
	}
	text, err := wsutil.ReadServerText(conn)
	var ack struct {
		Offset uint64
		Error  *struct{ Code string }
	}
	if err != nil || json.Unmarshal(text, &ack) != nil {
		t.Fatal(err, string(text))
	}
	return ack.Offset
}

func TestWhatWasSaidIsThereInTheNextLife(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "if need be")
	keep := func(c *config.Config) { c.Data = dir }
	first := uint64(0)
	for n := range uint64(3) {
		r := start(t, keep)
		got := r.say(t, `"x"`)
		if n == 0 {
			first = got
		}
		if got != first+n {
			t.Errorf("at start %d the offset is %d, at first it was %d", n, got, first)
		}
		r.stop()
		if err := r.wait(); err != nil {
			t.Fatal(err)
		}
	}
	d, err := disk.Open(dir, disk.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if b := d.Bounds(); b.First != first || b.Last != first+2 || d.Damage() != nil {
		t.Errorf("the folder holds %+v, damage %v", b, d.Damage())
	}
}

func TestAFeedInMemoryBeginsAboveFormerLives(t *testing.T) {
	last := uint64(0)
	for range 2 {
		r := start(t, nil)
		got := r.say(t, `"x"`)
		if got <= last+1000 || got > 1<<53 {
			t.Errorf("the offset is %d, in the former life it was %d", got, last)
		}
		last = got
		r.stop()
		_ = r.wait()
	}
}

func TestASecondServerOnTheFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	r := start(t, func(c *config.Config) { c.Data = dir })
	s, err := New(settings(func(c *config.Config) { c.Data = dir }), slog.New(slog.DiscardHandler))
	if err == nil {
		_ = s.Close()
		t.Fatal("it starts")
	}
	if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("it says: %v", err)
	}
	r.say(t, `"still here"`)
}

// A start that fails, and Close, give the folder back.
func TestTheFolderIsGivenBack(t *testing.T) {
	dir := t.TempDir()
	other := start(t, nil)
	taken := strings.TrimPrefix(other.url, "http://")
	for range 2 {
		for _, wrong := range []func(*config.Config){
			func(c *config.Config) { c.Addr = taken },
			func(c *config.Config) { c.EchoAddr = taken },
			func(c *config.Config) { c.Path = "/js/" },
			func(c *config.Config) { c.Transports = []string{"pigeon"} },
		} {
			c := settings(func(c *config.Config) { c.Data = dir })
			wrong(c)
			if s, err := New(c, slog.New(slog.DiscardHandler)); err == nil {
				_ = s.Close()
				t.Error("it starts")
			}
		}
		s, err := New(settings(func(c *config.Config) { c.Data = dir }), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestDamageIsReported(t *testing.T) {
	dir := t.TempDir()
	keep := func(c *config.Config) { c.Data = dir }
	r := start(t, keep)
	before := r.say(t, `"before"`)
	r.stop()
	_ = r.wait()
	files, err := filepath.Glob(filepath.Join(dir, "feed-*.log"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)-3] ^= 1
	if err := os.WriteFile(files[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	r = start(t, keep)
	if r.say(t, `"after"`) <= before {
		t.Error("an offset is given twice")
	}
	if log := r.log.String(); !strings.Contains(log, "crier feed export "+dir+"/feed-damaged-") || !strings.Contains(log, "put a backup in the place") ||
		!strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("the log says: %s", log)
	}
}

// broken is a store that refuses until it is mended.
type broken struct {
	feed.Store
	err error
}

func (b broken) Probe(context.Context) error { return b.err }

func (b broken) Append(context.Context, []feed.Entry, []feed.Result) error { return b.err }

func TestReadyTellsThatNothingIsStored(t *testing.T) {
	s, err := New(settings(nil), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.ready.Store(true)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost"+path, nil))
		return w.Code, w.Body.String()
	}
	if code, body := get(ReadyPath); code != http.StatusOK || body != `{"status":"ready"}` {
		t.Errorf("at first it is answered %d %s", code, body)
	}
	well := s.feed
	s.feed = ill(t, syscall.ENOSPC)
	if code, body := get(ReadyPath); code != http.StatusServiceUnavailable || !strings.Contains(body, `"status":"not storing"`) ||
		!strings.Contains(body, syscall.ENOSPC.Error()) {
		t.Errorf("on a full disk it is answered %d %s", code, body)
	}
	if code, _ := get(HealthPath); code != http.StatusOK {
		t.Errorf("it lives, and is answered %d", code)
	}
	s.feed = well
	if code, _ := get(ReadyPath); code != http.StatusOK {
		t.Errorf("then it is answered %d", code)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// ill returns a feed whose store has just refused.
func ill(t *testing.T, cause error) *feed.Log {
	t.Helper()
	l, err := feed.New(broken{memory.New(0), cause}, feed.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	told := make(chan error, 1)
	if err := l.Append("", feed.Entry{Data: []byte("1")}, func(_ feed.Result, err error) { told <- err }); err != nil {
		t.Fatal(err)
	}
	if err := <-told; !errors.Is(err, cause) {
		t.Fatal(err)
	}
	return l
}
