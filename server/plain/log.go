package plain

import (
	"context"
	"log/slog"

	"github.com/crier/crier/server/internal/limit"
)

// outlets bound the lines that clients can bring about as often as they like, whoever they are.
type outlets struct {
	greetings *limit.Outlet // what hello receives
	departs   *limit.Outlet // who leaves a chat
	faults    *limit.Outlet // what fails
}

func newOutlets() outlets {
	return outlets{greetings: limit.NewOutlet(), departs: limit.NewOutlet(), faults: limit.NewOutlet()}
}

// note logs a line if the outlet lets it; not_logged says how many it held back before.
func (sv *Server) note(o *limit.Outlet, level slog.Level, msg string, args ...any) {
	if held, ok := o.Next(); ok {
		sv.opts.Logger.Log(context.Background(), level, msg, append(args, "not_logged", held)...)
	}
}
