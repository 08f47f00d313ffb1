package handlers

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/crier/crier/server/socketio"
)

// Names of unknown events are a client's to choose: this many are remembered, for so long, and of each so many bytes
// are logged.
const (
	mostStrangers = 64
	strangersFor  = time.Hour
	strangerBytes = 64
)

// strangers are events that nobody handles. Each is logged once.
type strangers struct {
	log *slog.Logger

	mu sync.Mutex // guards the following

	seen  map[string]bool
	since time.Time
}

// refuse returns the answer to an event of that name.
func (s *strangers) refuse(name string) error {
	name = name[:min(len(name), strangerBytes)]
	if s.isNew(name, time.Now()) {
		s.log.Warn("a client asks for an event that there is not", "event", name)
	}
	return refusal(socketio.CodeUnknownEvent, "this server does not know the event \""+name+"\"")
}

// isNew says whether a name has not been seen for a while. When too many are known, further ones are not new until all
// are forgotten.
func (s *strangers) isNew(name string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || now.Sub(s.since) > strangersFor {
		s.seen, s.since = make(map[string]bool), now
	}
	if s.seen[name] || len(s.seen) >= mostStrangers {
		return false
	}
	s.seen[strings.Clone(name)] = true // the name may be a small part of a large request
	return true
}
