package handlers

import (
	"container/list"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/crier/crier/server/socketio"
)

// listed is how many names an answer to "f" has: enough to show who is here, and the same size in a full room.
const listed = 100

// A speaker is what the room knows of one socket.
type speaker struct {
	id      string        // the id that others see: the socket's own would let them speak for it
	place   *list.Element // in the roll; guarded by its lock
	pending pending

	// Used by the socket's handlers alone.

	name       string // empty until it is registered, or told in the handshake
	registered bool   // it hears everything after heardAfter
	heardAfter uint64
	told       uint64 // up to which offset it alone was told; what is newer it hears with all others, once it has joined them
}

func newSpeaker() *speaker {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, since Go 1.24)
	return &speaker{id: base64.RawURLEncoding.EncodeToString(b[:])}
}

// speakerOf returns the speaker that s is: one that has just come, or, if s is recovered, the one that it was.
func (r *Room) speakerOf(s *socketio.Socket) *speaker {
	sp, known := s.Data().(*speaker)
	if !known {
		sp = newSpeaker()
		sp.name = nameInAuth(s.Auth(), r.maxName)
		s.SetData(sp)
		return sp
	}
	if sp.registered {
		r.present.enter(sp, sp.name)
	}
	return sp
}

// sender tells whose ids of messages are one's own. A name is the same speaker on whatever connection, and in the next life
// of the server, which is when messages are said again.
func (sp *speaker) sender() string {
	if sp.name != "" {
		return "name " + sp.name
	}
	return "id " + sp.id
}

// nameIn reads the name of a speaker: characters between which there may be spaces, none of them a control character. What
// makes nothing visible is left out: see clean.
func nameIn(arg socketio.Arg, most int) (string, error) {
	var name string
	if _, binary := arg.Binary(); binary || arg.Bind(&name) != nil {
		return "", badName("it must be a text")
	}
	name = clean(name)
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", badName("it is empty")
	case n > most:
		return "", badName(fmt.Sprintf("it has %d characters, and %d are allowed", n, most))
	case strings.ContainsFunc(name, isControl):
		return "", badName("it has a control character")
	}
	return name, nil
}

func badName(why string) error {
	return &socketio.Error{Code: "bad_name", Message: "this name can't be used: " + why}
}

// A roll lists the registered speakers, in the order in which they came. Names may stand in it twice: one person has two
// tabs, two guests pick one name.
type roll struct {
	mu sync.Mutex // guards the following, and speaker.place

	names list.List // of string
}

// enter adds sp, or renames it.
func (r *roll) enter(sp *speaker, name string) {
	sp.name = name
	r.mu.Lock()
	defer r.mu.Unlock()
	if sp.place != nil {
		sp.place.Value = name
		return
	}
	sp.place = r.names.PushBack(name)
}

// leave removes sp, if it is there.
func (r *roll) leave(sp *speaker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if sp.place != nil {
		r.names.Remove(sp.place)
		sp.place = nil
	}
}

// list returns how many are registered and the first names.
func (r *roll) list() (count int, first []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	count = r.names.Len()
	first = make([]string, 0, min(count, listed))
	for e := r.names.Front(); e != nil && len(first) < listed; e = e.Next() {
		first = append(first, e.Value.(string))
	}
	return count, first
}
