package server

import (
	"log/slog"
	"strings"

	"github.com/crier/crier/server/internal/limit"
)

// maxOrigin is how much of an origin goes into the log, in bytes: a scheme, the longest name of a host, and a port.
const maxOrigin = 272

// refusals logs each refused origin once while it is remembered. A client can make up any number of them.
type refusals struct {
	log    *slog.Logger
	firsts *limit.Firsts
}

func newRefusals(log *slog.Logger) *refusals { return &refusals{log, limit.NewFirsts()} }

// note logs an origin that has not been logged yet, and the setting that would let it in.
func (r *refusals) note(origin string) {
	origin = strings.ToValidUTF8(origin[:min(len(origin), maxOrigin)], "")
	if held, ok := r.firsts.Next(origin); ok {
		r.log.Warn("refused a page of another origin; to let it in, add the origin to the setting allowed_origins",
			"origin", origin, "not_logged", held)
	}
}
