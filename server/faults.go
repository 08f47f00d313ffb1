package server

import (
	"context"
	"log/slog"
	"strings"

	"github.com/crier/crier/server/internal/limit"
)

// faults log what fails in handlers of the house and in net/http. Clients may bring that about as often as they like,
// so not each has a line.
type faults struct {
	log    *slog.Logger
	outlet *limit.Outlet
}

func (f *faults) note(level slog.Level, msg string, args ...any) {
	if held, ok := f.outlet.Next(); ok {
		f.log.Log(context.Background(), level, msg, append(args, "not_logged", held)...)
	}
}

// An httpLog takes the lines of net/http's own log.
type httpLog struct{ s *Server }

func (l httpLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	switch {
	case strings.HasPrefix(text, handshakeError):
		l.s.noteHandshake(text)
	case strings.HasPrefix(text, "http2: "): // what a client did to its own connection
		l.s.log.Debug(text)
	default:
		l.s.faults.note(slog.LevelWarn, text)
	}
	return len(line), nil
}
