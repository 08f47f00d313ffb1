package engineio

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"maps"
	"sync"
)

// A registry knows a server's sessions, the goroutines that read their WebSockets, and the places that they take. All
// methods may be called concurrently, also with a Session.mu held.
type registry struct {
	addresses Addresses
	most      int           // sessions
	empty     chan struct{} // closed when draining and no session and no reader is left

	mu sync.RWMutex // guards the following

	sessions map[string]*Session
	readers  map[*socket]struct{}
	reserved int   // places of sessions: of those in the map, and of those on their way in
	past     Stats // of sessions that have gone; Closed is of those that have ended too
	draining bool
}

var errFull = errors.New("too many sessions")

func (r *registry) init(addresses Addresses, most int) {
	r.addresses, r.most = addresses, most
	r.sessions, r.readers = make(map[string]*Session), make(map[*socket]struct{})
	r.empty, r.past = make(chan struct{}), Stats{Closed: noneClosed()}
}

// reserve takes a place for one more session of an address, which remove or unreserve gives back.
func (r *registry) reserve(address string) error {
	r.mu.Lock()
	full := r.reserved >= r.most
	if !full {
		r.reserved++
	}
	r.mu.Unlock()
	if full {
		return errFull
	}
	err := r.addresses.Enter(address)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reserved--
	}
	return err
}

func (r *registry) unreserve(address string) {
	r.addresses.Leave(address)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reserved--
}

// add makes a session known, and what will read its connection, unless the server is draining.
func (r *registry) add(s *Session, k *socket) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.past.Opened++
	if r.draining {
		return false
	}
	r.sessions[s.id] = s
	if k != nil {
		r.readers[k] = struct{}{}
	}
	return true
}

// addReader makes known what reads a WebSocket beside an open session's transport. The session's lock must be held:
// as long as it is open the server is not empty.
func (r *registry) addReader(k *socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.readers[k] = struct{}{}
}

// tryAddReader is addReader for a WebSocket that no session has: false if the server may be empty already.
func (r *registry) tryAddReader(k *socket) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.draining {
		r.readers[k] = struct{}{}
	}
	return !r.draining
}

func (r *registry) removeReader(k *socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.readers, k)
	r.checkEmpty()
}

// ended counts the end of a session, which may still hold memory.
func (r *registry) ended(reason Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.past.Closed[reason]++
}

// remove forgets a session that holds nothing any more, but for what it has counted, and gives its place away.
func (r *registry) remove(s *Session, address string, last Stats) {
	r.addresses.Leave(address)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reserved--
	if r.sessions[s.id] != s {
		return // the server was draining when it came
	}
	delete(r.sessions, s.id)
	r.past.Received += last.Received
	r.past.Sent += last.Sent
	r.checkEmpty()
}

// checkEmpty is called after each step that may have been the last. r.mu must be held.
func (r *registry) checkEmpty() {
	if r.draining && len(r.sessions) == 0 && len(r.readers) == 0 {
		close(r.empty)
	}
}

func (r *registry) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.draining {
		return
	}
	r.draining = true
	r.checkEmpty()
}

func (r *registry) isDraining() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.draining
}

func (r *registry) find(id string) *Session {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.sessions[id]
}

func (r *registry) len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.sessions)
}

func (r *registry) all() []*Session {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]*Session, 0, len(r.sessions))
	for _, s := range r.sessions {
		all = append(all, s)
	}
	return all
}

func (r *registry) allReaders() []*socket {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]*socket, 0, len(r.readers))
	for k := range r.readers {
		all = append(all, k)
	}
	return all
}

// pastStats returns what sessions that are gone have counted.
func (r *registry) pastStats() Stats {
	r.mu.RLock()
	defer r.mu.RUnlock()
	st := r.past
	st.Closed = maps.Clone(st.Closed)
	return st
}

// newID returns a session id of 144 random bits. The id opens the session, so nobody else may learn it.
func newID() string {
	var b [18]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, since Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b[:])
}
