package socketio_test

import (
	"strings"
	"testing"

	"github.com/crier/crier/server/socketio"
)

func TestAPanicInOneHookOfRoomsKeepsNothingFromTheOthers(t *testing.T) {
	h := newHall(t, socketio.Options{})
	_, s := h.join(t, socket4)
	s.Join("settled") // its own room has been told by then
	h.OnCreateRoom(func(string) { panic("create") })
	h.OnJoinRoom(func(string, string) { panic("join") })
	h.OnLeaveRoom(func(string, string) { panic("leave") })
	h.OnDeleteRoom(func(string) { panic("delete") })
	var told journal
	noteRooms(h.Namespace, &told, strings.NewReplacer(s.ID(), "s"))
	s.Join("a")
	s.Leave("a")
	if got := told.read(); got != "+a, a<s, a>s, -a" {
		t.Errorf("told: %s", got)
	}
}

// The room of a socket's own id is one with those who join that name.
func TestARoomOfASocketsOwnIDIsCreatedAndDeletedOnce(t *testing.T) {
	h := newHall(t, socketio.Options{})
	p, s := h.join(t, socket4)
	_, other := h.join(t, socket4)
	other.Join("settled")
	var told journal
	noteRooms(h.Namespace, &told, strings.NewReplacer(s.ID(), "s", other.ID(), "other"))
	other.Join(s.ID())
	h.lose(t, p)
	other.Leave(s.ID())
	if got := told.read(); got != "s<other, s>s, s>other, -s" {
		t.Errorf("told: %s", got)
	}
}
