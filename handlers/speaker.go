package handlers

import (
	"crypto/rand"
	"encoding/base64"
	"sync/atomic"
)

// A speaker is what the core knows of one client. A socket that is recovered goes on as the speaker that it was.
type speaker struct {
	id      string // the id that others see: the socket's own would let them speak for it
	seat    seat   // in the roll, whose lock guards it
	pending pending

	// Used by the client's handlers alone.

	name       string // empty until it is registered, or told in the handshake
	badName    error  // why the name that was told in the handshake can't be used
	owner      owner
	registered bool // it hears everything after heardAfter
	heardAfter uint64
	catchUp    *catchUp // under way, or over

	spending *spending // made when it spends something: most only listen
	unpaid   int       // bytes of answers that were not yet taken out of the bucket
	owes     bool      // an answer may not have been taken yet

	// Used by the catch-up while one is under way, else by the handlers.

	told uint64 // up to which offset it alone was told; it hears what is newer with all others, once it has joined

	toldBytes atomic.Int64 // by catch-ups, and not yet paid
}

func newSpeaker() *speaker {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, since Go 1.24)
	return &speaker{id: base64.RawURLEncoding.EncodeToString(b[:])}
}
