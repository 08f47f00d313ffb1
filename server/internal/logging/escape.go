package logging

import (
	"bytes"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible returns line with DEL, the C1 controls and what changes the direction or the end of a line written as
// \u0085. A terminal obeys them, and a reader does not see them. In JSON, where they can only stand in a text,
// that is the same text.
func visible(line []byte) []byte {
	if !bytes.ContainsFunc(line, hidden) {
		return line
	}
	shown := make([]byte, 0, len(line)+64)
	for len(line) > 0 {
		r, size := utf8.DecodeRune(line)
		if hidden(r) {
			shown = fmt.Appendf(shown, `\u%04x`, r)
		} else {
			shown = append(shown, line[:size]...)
		}
		line = line[size:]
	}
	return shown
}

// hidden names the characters of Unicode's Bidi_Control, the separators of lines and paragraphs, DEL and C1.
func hidden(r rune) bool {
	switch {
	case r < 0x7f:
		return false
	case r <= 0x9f, unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
		return true
	default:
		return false
	}
}

// cleanText keeps what others have written from reaching a terminal as an order: tint writes messages as they are,
// and turns the text \x1b in a value back into an escape character.
func cleanText(groups []string, a slog.Attr) slog.Attr {
	switch v := a.Value; {
	case v.Kind() == slog.KindTime, v.Kind() == slog.KindDuration:
	case len(groups) == 0 && a.Key == slog.MessageKey && v.Kind() == slog.KindString:
		a.Value = slog.StringValue(oneLine(v.String()))
	case v.Kind() == slog.KindString, v.Kind() == slog.KindAny && !isLevel(v):
		if text := fmt.Sprintf("%+v", v.Any()); strings.ContainsRune(text, '\x1b') || strings.Contains(text, `\x1b`) {
			a.Value = slog.StringValue(strings.NewReplacer("\x1b", "␛", `\x1b`, `\x1B`).Replace(text))
		}
	}
	return a
}

func isLevel(v slog.Value) bool {
	_, ok := v.Any().(slog.Level)
	return ok
}

// oneLine writes control characters as a Go program would.
func oneLine(text string) string {
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
