// Package logging is the log of the process: lines that nothing waits for.
//
// Whoever logs only puts a line into memory. One goroutine writes; when the descriptor is full, closed or broken,
// lines are dropped and counted, and the server goes on. Text that clients have written can't command a terminal
// or forge a line.
package logging

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// FlushTime is how long Close waits for the last lines at most. A file takes them in microseconds; a reader that
// has stopped takes none.
const FlushTime = 300 * time.Millisecond

// Options say how lines look.
type Options struct {
	Level slog.Level // lowest level that is logged
	Text  bool       // for a person; else JSON
	Color bool       // of text
}

// A Log is a logger whose level can be changed, and which tells what was lost. Its methods may be called
// concurrently.
type Log struct {
	*slog.Logger

	level slog.LevelVar
	lines *lines
}

// New returns a log that writes to out from a goroutine of its own, which Close ends.
func New(out io.Writer, o Options) *Log {
	l := &Log{}
	l.level.Set(o.Level)
	l.lines = newLines(out, func(lost uint64) []byte { return lostLine(o, lost) })
	l.Logger = slog.New(handler{Handler: o.handler(l, &l.level), log: l})
	return l
}

// Of returns the Log that l writes to, or nil if it writes elsewhere.
func Of(l *slog.Logger) *Log {
	if h, ok := l.Handler().(handler); ok {
		return h.log
	}
	return nil
}

// SetLevel sets the lowest level that is logged.
func (l *Log) SetLevel(level slog.Level) { l.level.Set(level) }

// Lost returns how many lines could not be written; of a nil Log none.
func (l *Log) Lost() uint64 {
	if l == nil {
		return 0
	}
	return l.lines.lost.Load()
}

// Write takes one line as it is, ending in a newline. It never waits and never fails.
func (l *Log) Write(line []byte) (int, error) {
	l.lines.write(visible(line))
	return len(line), nil
}

// Close writes what is left, for a third of a second at most. Lines that come later are lost.
func (l *Log) Close() { l.lines.close(FlushTime) }

func (o Options) handler(w io.Writer, level slog.Leveler) slog.Handler {
	if o.Text {
		return tint.NewTextHandler(w, &tint.Options{
			Level: level, TimeFormat: time.TimeOnly, NoColor: !o.Color, ReplaceAttr: cleanText,
		})
	}
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
}

// lostLine is logged whatever the level is: else nobody could tell a gap from silence.
func lostLine(o Options, lost uint64) []byte {
	var line bytes.Buffer
	const text = "lines of this log are missing here: they could not be written in time"
	r := slog.NewRecord(time.Now(), slog.LevelWarn, text, 0)
	r.Add("lost", lost)
	_ = o.handler(&line, slog.LevelWarn).Handle(context.Background(), r) // a buffer takes everything
	return line.Bytes()
}

// handler knows the log that it writes to.
type handler struct {
	slog.Handler

	log *Log
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{Handler: h.Handler.WithAttrs(attrs), log: h.log}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	return handler{Handler: h.Handler.WithGroup(name), log: h.log}
}
