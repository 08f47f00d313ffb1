package socketio

import (
	"fmt"
	"time"
)

// Recovery configures connection state recovery: a client of Socket.IO 4.6 or newer whose transport was lost, and
// that comes back in time, goes on where it was. Its socket has the id, the rooms and the data that it had, and
// what was emitted to it meanwhile comes first, in order and once. If any of that is missing, the client is told
// that it is new.
//
// A client that comes back before the server has noticed that its transport is lost is recovered as well: its
// socket ends at that moment. One that comes back sooner than Pause after its last recovery waits until that is over.
//
// Events to clients on Engine.IO 4 have an offset for it as one more argument, a string, as those of the
// reference server. Not recovered are acknowledgements, either way, and events that ask for one. An event that is
// not recorded (see [Emitter.Unrecorded]) can't be sent again: a client that has not had it is told that it is
// new.
//
// The zero value of each field means its default.
type Recovery struct {
	// Disabled turns recovery off, and with it the additional argument.
	Disabled bool

	// MaxAge is how long after its end a session can come back. Zero value means 2 minutes, as in the reference
	// server.
	MaxAge time.Duration

	// MaxPackets is how many events are held for those that may come back, in all namespaces together. Zero value
	// means 10,000.
	MaxPackets int

	// MaxBytes is how much those events hold, in bytes, and how much the sessions' rooms do. Zero value means 16 MiB.
	MaxBytes int

	// MaxSessions is how many lost sessions are kept. Past it, the oldest of the address that has most cannot
	// come back; and while more than half of the places are taken, one address (of IPv6 a /64) has at most a
	// quarter of them. Zero value means 10,000.
	MaxSessions int

	// Pause is how much time there is between two recoveries of one socket: they cost the server more than the client
	// that asks for them. Zero value means 1 s.
	Pause time.Duration

	// AskMiddleware has the namespace's middleware asked about sessions that come back too. It has let them in
	// before, so by default it is not asked again, as in the reference server.
	AskMiddleware bool
}

func (r *Recovery) setDefaults() error {
	if r.MaxAge == 0 {
		r.MaxAge = 2 * time.Minute
	}
	if r.MaxAge < time.Millisecond {
		return fmt.Errorf("socketio: Recovery.MaxAge is %v: it must be at least 1 ms", r.MaxAge)
	}
	if r.Pause == 0 {
		r.Pause = time.Second
	}
	if r.Pause < 0 {
		return fmt.Errorf("socketio: Recovery.Pause is %v: it must be positive", r.Pause)
	}
	return setCounts([]count{
		{"Recovery.MaxPackets", &r.MaxPackets, 10_000},
		{"Recovery.MaxBytes", &r.MaxBytes, 16 << 20},
		{"Recovery.MaxSessions", &r.MaxSessions, 10_000},
	})
}
