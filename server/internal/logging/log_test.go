package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// logged returns what comes out of what say logs.
func logged(t *testing.T, o Options, say func(l *Log)) string {
	t.Helper()
	s := &sink{}
	l := New(s, o)
	say(l)
	l.Close()
	return s.String()
}

// forged is what a client may write: ESC, as it is and in the words that tint makes one of, a new line, C1 and
// bidi controls.
const forged = "\x1b[2J \\x1b[31m \n ERR \u009b31m \u202egpj.exe\u2066 \u200f \u061c \u2028 \x7f"

func TestNoTextReachesTheLogAsAnOrderToATerminal(t *testing.T) {
	for name, o := range map[string]Options{
		"json": {}, "text": {Text: true}, "colours": {Text: true, Color: true},
	} {
		got := logged(t, o, func(l *Log) {
			l.Info("hello", "text", forged, "error", errors.New(forged))
			l.With("who", forged).WithGroup("g").Info("again", "text", forged)
			l.Info("net/http says: "+forged, "n", 1)
		})
		if n := strings.Count(got, "\n"); n != 3 {
			t.Errorf("%s: 3 lines are %d: %q", name, n, got)
		}
		for _, own := range []string{"\x1b[2m", "\x1b[0m", "\x1b[92m"} { // tint's own colours
			if o.Color {
				got = strings.ReplaceAll(got, own, "")
			}
		}
		for _, wrong := range "\x1b\u009b\u202e\u2066\u200f\u061c\u2028\x7f" {
			if strings.ContainsRune(got, wrong) {
				t.Errorf("%s: %U is in the log: %q", name, wrong, got)
			}
		}
	}
}

func TestAJSONLineStillHoldsTheSameText(t *testing.T) {
	got := logged(t, Options{}, func(l *Log) { l.Info("hello", "text", forged+"你好") })
	var line struct{ Text string }
	if err := json.Unmarshal([]byte(got), &line); err != nil {
		t.Fatal(err)
	}
	if line.Text != forged+"你好" {
		t.Errorf("got %q, want %q", line.Text, forged)
	}
	if !strings.Contains(got, "你好") {
		t.Errorf("what a person can read is not: %s", got)
	}
}

func TestTheLevelCanBeChanged(t *testing.T) {
	for _, text := range []bool{false, true} {
		got := logged(t, Options{Text: text, Level: slog.LevelWarn}, func(l *Log) {
			child := l.With("of", "a part")
			child.Info("one")
			l.SetLevel(slog.LevelDebug)
			child.Debug("two")
			l.SetLevel(slog.LevelError)
			child.Warn("three")
		})
		if strings.Contains(got, "one") || !strings.Contains(got, "two") || strings.Contains(got, "three") {
			t.Errorf("got %q, want two alone", got)
		}
	}
}

func TestALogIsFoundBehindItsLoggers(t *testing.T) {
	l := New(&sink{}, Options{})
	defer l.Close()
	if Of(l.Logger) != l || Of(l.With("a", 1).WithGroup("g")) != l {
		t.Error("it is not")
	}
	if Of(slog.New(slog.DiscardHandler)) != nil {
		t.Error("another logger has one")
	}
}

func TestWhatIsMissingIsToldInTheFormOfTheLogWhateverTheLevel(t *testing.T) {
	for _, o := range []Options{{Level: slog.LevelError}, {Level: slog.LevelError, Text: true}} {
		if got := lostLine(o, 17); !bytes.Contains(got, []byte("17")) || !bytes.Contains(got, []byte("missing here")) ||
			bytes.HasPrefix(got, []byte("{")) == o.Text {
			t.Errorf("got %q", got)
		}
	}
}
