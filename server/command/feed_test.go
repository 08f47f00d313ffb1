package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/disk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// does runs a command and returns its exit code and what it prints.
func does(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = Feed(args, &out, &err)
	return code, out.String(), err.String()
}

func expect(t *testing.T, code int, texts []string, args ...string) string {
	t.Helper()
	got, stdout, stderr := does(args...)
	if got != code {
		t.Errorf("%v ends with %d: %s%s", args, got, stdout, stderr)
	}
	for _, text := range texts {
		if !strings.Contains(stdout+stderr, text) {
			t.Errorf("%v does not say %q: %s%s", args, text, stdout, stderr)
		}
	}
	return stdout
}

func open(t *testing.T, dir string) *disk.Store {
	t.Helper()
	d, err := disk.Open(dir, disk.Options{SegmentBytes: 8 << 10, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// say stores entries, in batches of two.
func say(t *testing.T, d *disk.Store, from, to int) {
	t.Helper()
	for i := from; i < to; i += 2 {
		batch := make([]feed.Entry, 2)
		for k := range batch {
			batch[k] = feed.Entry{At: int64(1000 + i + k), Room: "lobby", From: "ann", ID: "a1", Owner: "secret", Key: fmt.Sprint(i + k),
				Data: fmt.Appendf(nil, `{"text":"hello <%d>"}`, i+k), Attachments: [][]byte{{1, 2, byte(k)}, make([]byte, 300)}}
		}
		if err := d.Append(t.Context(), batch, make([]feed.Result, 2)); err != nil {
			t.Fatal(err)
		}
	}
}

func entriesIn(t *testing.T, text string) (lines []line) {
	t.Helper()
	for _, text := range strings.Split(strings.TrimSpace(text), "\n") {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err, text)
		}
		lines = append(lines, l)
	}
	return lines
}

func TestAFolderIsCheckedAndExportedWhileItIsInUse(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	say(t, d, 0, 100)
	check := expect(t, exitOK, []string{"All is whole", "open, or ended by a crash; these are the files that were written last",
		"life 1"}, "check", dir)
	if strings.Count(check, "entries, ") < 3 {
		t.Errorf("it says: %s", check)
	}
	export := expect(t, exitOK, nil, "export", dir)
	lines := entriesIn(t, export)
	l := lines[len(lines)-1]
	if len(lines) != 100 || l.Offset != d.Bounds().Last || l.At != 1099 || l.Kind != "message" || l.Room != "lobby" || l.From != "ann" ||
		l.ID != "a1" || string(l.Data) != `{"text":"hello <99>"}` || len(l.Attachments) != 2 || l.Attachments[0][2] != 1 || l.Damaged {
		t.Errorf("%d lines; the last: %+v", len(lines), l)
	}
	if strings.Contains(export, "secret") {
		t.Error("the owners' secrets are exported")
	}
}

func TestDamageIsToldWithItsBytesAndReadAround(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	say(t, d, 0, 100)
	first := d.Bounds().First
	_ = d.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "feed-*.log"))
	b, _ := os.ReadFile(files[1])
	b[bytes.Index(b, []byte("hello"))] = 'j'
	if err := os.WriteFile(files[1], b, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, exitFailed, []string{filepath.Base(files[1]), "DAMAGED, bytes 24 to ", "checksum", "missing: entries",
		"put a backup"}, "check", dir)
	expectAll := func(text string) {
		t.Helper()
		lines := entriesIn(t, text)
		damaged := 0
		for i, l := range lines {
			if l.Offset != first+uint64(i) {
				t.Errorf("line %d has the offset %d", i, l.Offset)
			}
			if l.Damaged {
				damaged++
			}
		}
		if len(lines) != 100 || damaged != 2 {
			t.Errorf("%d lines, %d damaged", len(lines), damaged)
		}
	}
	expectAll(expect(t, exitOK, []string{"jello"}, "export", dir))

	_ = open(t, dir).Close() // sets it aside
	check := expect(t, exitOK, []string{"All is whole", "missing: entries", "set aside: ", "1 damaged parts were set aside"},
		"check", dir)
	aside := filepath.Join(dir, check[strings.Index(check, "feed-damaged-"):][:len("feed-damaged-20060102T150405Z")])
	expect(t, exitFailed, []string{"DAMAGED"}, "check", aside)
	lines := entriesIn(t, expect(t, exitOK, []string{"jello"}, "export", aside))
	if len(lines) != 2 || !lines[0].Damaged || lines[1].Room != "lobby" {
		t.Errorf("what was set aside: %+v", lines)
	}
}

func TestABackupOfAFolderInUseBeginsANewLife(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "made", "backup")
	d := open(t, dir)
	say(t, d, 0, 60)
	known := d.Bounds()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := 60; i < 400; i += 2 {
			say(t, d, i, i+2)
		}
	}()
	expect(t, exitOK, []string{"entries were copied to " + to}, "backup", dir, to)
	<-ended
	expect(t, exitFailed, []string{"exists already"}, "backup", dir, to)
	expect(t, exitOK, []string{"these are not the files that were written last", "crier feed moved " + to}, "check", to)
	copied := open(t, to)
	b := copied.Bounds()
	entries, err := copied.Read(t.Context(), 0, 1000, 1<<30)
	if err != nil || len(entries) < 60 || b.First != known.First || b.Complete(known.Last) || b.Last <= known.Last {
		t.Errorf("%d entries; %+v, before: %+v; %v", len(entries), b, known, err)
	}
}

func TestAMovedFolderGoesOnCounting(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	d := open(t, dir)
	say(t, d, 0, 10)
	known := d.Bounds()
	expect(t, exitFailed, []string{"another process"}, "moved", dir)
	_ = d.Close()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	expect(t, exitOK, []string{"goes on counting"}, "moved", to)
	if b := open(t, to).Bounds(); b != known {
		t.Errorf("%+v, before: %+v", b, known)
	}
}

func TestWrongUseIsToldWithWhatToDo(t *testing.T) {
	expect(t, exitOK, []string{"Usage: crier feed"}, "--help")
	expect(t, exitOK, []string{"Usage: crier feed"}, "check", "--help")
	expect(t, exitOK, []string{"Usage: crier feed"})
	expect(t, exitUsage, []string{`no command "chekc"`, "crier feed --help"}, "chekc", ".")
	expect(t, exitUsage, []string{"check takes one folder"}, "check")
	expect(t, exitUsage, []string{"backup takes two folders"}, "backup", ".")
	expect(t, exitFailed, []string{"holds no feed"}, "check", t.TempDir())
	expect(t, exitFailed, []string{"holds no feed"}, "backup", t.TempDir(), filepath.Join(t.TempDir(), "x"))
	expect(t, exitFailed, []string{"no such file"}, "export", filepath.Join(t.TempDir(), "nowhere"))
	expect(t, exitFailed, []string{"no feed.state"}, "moved", t.TempDir())
}
