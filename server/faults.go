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

// Write takes a line of net/http's own log.
func (f *faults) Write(line []byte) (int, error) {
	f.note(slog.LevelWarn, strings.TrimSpace(string(line)))
	return len(line), nil
}
